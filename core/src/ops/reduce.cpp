// Reductions over axes.
#include <taxon/kernels/reduce.h>

#include <algorithm>

#include "declared.h"

namespace taxon {
namespace ops {
namespace {

// Axes as indices in [0, rank), ascending; none given: all.
std::vector<int> resolve(std::string_view op, const Shape& shape, const std::vector<int>& axes) {
  std::vector<int> out;
  if (axes.empty()) {
    for (int i = 0; i < shape.rank(); ++i) out.push_back(i);
    return out;
  }
  for (const int axis : axes) out.push_back(shape.axis(axis));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) {
    fail<ShapeError>(op, ": an axis of ", shape, " is named twice");
  }
  return out;
}

Shape reduced(const Shape& shape, const std::vector<int>& axes, bool keep) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool gone = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!gone) out.push_back(shape[i]);
    if (gone && keep) out.push_back(1);
  }
  return out;
}

Specs infer_reduce(std::string_view op, const Specs& in, const ReduceOptions& o) {
  const Spec& x = required(op, in, 0, "input");
  check_float(op, in, {});
  return {{reduced(x.shape, resolve(op, x.shape, o.axes), o.keep), x.dtype}};
}

void reduce_run(kernels::Reduce op, const Shape& shape, int from, int to, const Tensor& x,
                Tensor& y) {
  kernels::ReduceArgs args;
  args.op = op;
  args.outer = product(shape, 0, from);
  args.n = product(shape, from, to);
  args.inner = product(shape, to, shape.rank());
  args.x = x.raw();
  args.y = y.mutable_raw();
  run_kernel<&kernels::Tables::reduce>(x, args);
}

// Runs of neighbouring axes are reduced in one go each, the last run first.
void reduce_axes(kernels::Reduce op, const Tensor& x, std::vector<int> axes, Tensor& y) {
  if (axes.empty()) return y.copy_from(with_shape(x, y.shape()));
  const bool one_run = axes.back() - axes.front() + 1 == static_cast<int>(axes.size());
  if (x.dtype() == DType::bf16 && !one_run) {  // rounded once, at the end
    Tensor wide = Tensor::empty(y.shape(), DType::f32, y.device());
    reduce_axes(op, x.detach().to(DType::f32), std::move(axes), wide);
    y = wide.to(DType::bf16);
    return;
  }
  Tensor part = x;
  Shape shape = x.shape();
  while (!axes.empty()) {
    const int to = axes.back() + 1;
    int from = axes.back();
    axes.pop_back();
    while (!axes.empty() && axes.back() == from - 1) {
      from = axes.back();
      axes.pop_back();
    }
    Shape left = shape;
    for (int i = from; i < to; ++i) left.set(i, 1);
    Tensor next = axes.empty() ? y : Tensor::empty(left, x.dtype(), x.device());
    reduce_run(op, shape, from, to, part, next);
    part = next;
    shape = left;
  }
}

Tensor spread(const Context& context, const Tensor& dy, const ReduceOptions& o) {
  const Shape& shape = context.input(0).shape;
  return expand(with_shape(dy, reduced(shape, resolve("sum", shape, o.axes), true)), shape);
}

}  // namespace

Specs Sum::infer(const Specs& in, const Options& o) {
  return infer_reduce(info.name, in, o);
}
void Sum::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  reduce_axes(kernels::Reduce::sum, in[0], resolve(info.name, in[0].shape(), o.axes), out[0]);
}
Tensors Sum::backward(Context& context, const Tensors& dout, const Options& o) {
  return {spread(context, dout[0], o)};
}

Specs Mean::infer(const Specs& in, const Options& o) {
  return infer_reduce(info.name, in, o);
}
void Mean::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  reduce_axes(kernels::Reduce::mean, in[0], resolve(info.name, in[0].shape(), o.axes), out[0]);
}
Tensors Mean::backward(Context& context, const Tensors& dout, const Options& o) {
  const auto count =
      static_cast<double>(context.input(0).shape.numel()) / static_cast<double>(dout[0].numel());
  return {spread(context, mul(dout[0], 1.0 / count), o)};
}

namespace {

// [outer, n, inner] around one axis.
template <class Args>
Args around_axis(const Shape& shape, int axis) {
  const int at = shape.axis(axis);
  Args args;
  args.outer = product(shape, 0, at);
  args.n = shape[at];
  args.inner = product(shape, at + 1, shape.rank());
  return args;
}

void check_not_empty(std::string_view op, const Spec& x, int axis) {
  if (x.shape[axis] < 1) fail<ShapeError>(op, ": input ", x, " has no element along axis ", axis);
}

void run_argmax(const Tensor& x, int axis, Tensor& index) {
  auto args = around_axis<kernels::ArgmaxArgs>(x.shape(), axis);
  args.x = x.raw();
  args.index = static_cast<std::int64_t*>(index.mutable_raw());
  run_kernel<&kernels::Tables::argmax>(x, args);
}

}  // namespace

Specs MaxAxis::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  check_float(info.name, in, {});
  check_not_empty(info.name, x, o.axis);
  const Shape out = reduced(x.shape, {x.shape.axis(o.axis)}, o.keep);
  return {{out, x.dtype}, {out, DType::i64}};
}
void MaxAxis::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  const int axis = in[0].shape().axis(o.axis);
  reduce_run(kernels::Reduce::max, in[0].shape(), axis, axis + 1, in[0], out[0]);
  run_argmax(in[0], axis, out[1]);
  context.save(out[1]);
}
Tensors MaxAxis::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor index = context.saved(0);
  const Shape& shape = context.input(0).shape;
  Tensor dx = Tensor::empty(shape, dout[0].dtype(), dout[0].device());
  auto args = around_axis<kernels::SpreadArgs>(shape, o.axis);
  args.index = static_cast<const std::int64_t*>(index.raw());
  args.dy = dout[0].raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::spread>(dx, args);
  return {dx};
}

Specs Argmax::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  check_float(info.name, in, {});
  check_not_empty(info.name, x, o.axis);
  return {{reduced(x.shape, {x.shape.axis(o.axis)}, false), DType::i64}};
}
void Argmax::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  run_argmax(in[0], o.axis, out[0]);
}

}  // namespace ops

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return apply<ops::Sum>({x}, {axes, keep});
}
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep) {
  return apply<ops::Mean>({x}, {axes, keep});
}
Tensor max(const Tensor& x, int axis, bool keep) {
  return apply<ops::MaxAxis>({x}, {axis, keep});
}
Tensor argmax(const Tensor& x, int axis) {
  return apply<ops::Argmax>({x}, {axis});
}

}  // namespace taxon

// Ops that move elements without arithmetic.
#include <taxon/kernels/movement.h>

#include <numeric>

#include "declared.h"
#include "impl.h"

namespace taxon {
namespace ops {
namespace {

// A block of `shape` copied from x (at x_strides) to y (at y_strides), of the dtype and on the
// device of `like`.
void copy_block(const Shape& shape, const Tensor& like, const void* x,
                const std::array<std::int64_t, Shape::max_rank>& x_strides, void* y,
                const std::array<std::int64_t, Shape::max_rank>& y_strides) {
  kernels::CopyArgs args;
  args.rank = shape.rank();
  args.element_size = static_cast<std::int64_t>(size_of(like.dtype()));
  for (int i = 0; i < shape.rank(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    args.dims[i] = shape[i];
    args.x_strides[i] = x_strides[at];
    args.y_strides[i] = y_strides[at];
  }
  args.x = x;
  args.y = y;
  run_kernel<&kernels::Tables::copy>(like, args);
}

const void* at_element(const Tensor& t, std::int64_t i) {
  return static_cast<const char*>(t.raw()) + i * static_cast<std::int64_t>(size_of(t.dtype()));
}
void* at_element_mutable(Tensor& t, std::int64_t i) {
  return static_cast<char*>(t.mutable_raw()) + i * static_cast<std::int64_t>(size_of(t.dtype()));
}

std::vector<int> checked_permutation(const Shape& shape, const std::vector<int>& axes) {
  std::vector<int> out;
  std::array<bool, Shape::max_rank> seen{};
  for (const int axis : axes) {
    const int at = shape.axis(axis);
    if (seen[static_cast<std::size_t>(at)])
      fail<ShapeError>("transpose: axis ", axis, " is named twice");
    seen[static_cast<std::size_t>(at)] = true;
    out.push_back(at);
  }
  if (static_cast<int>(out.size()) != shape.rank()) {
    fail<ShapeError>("transpose: ", axes.size(), " axes for shape ", shape, "; expected ",
                     shape.rank());
  }
  return out;
}

}  // namespace

Specs Reshape::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  if (o.shape.numel() != x.shape.numel()) {
    fail<ShapeError>("reshape: ", x, " has ", x.shape.numel(), " elements, shape ", o.shape,
                     " has ", o.shape.numel());
  }
  return {{o.shape, x.dtype}};
}
void Reshape::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  out[0] = with_shape(in[0], o.shape);
}
Tensors Reshape::backward(Context& context, const Tensors& dout, const Options&) {
  return {with_shape(dout[0], context.input(0).shape)};
}

Specs Transpose::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  Shape out;
  for (const int axis : checked_permutation(x.shape, o.axes)) out.push_back(x.shape[axis]);
  return {{out, x.dtype}};
}
void Transpose::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  const auto steps = strides_of(in[0].shape());
  std::array<std::int64_t, Shape::max_rank> x_strides{};
  const std::vector<int> axes = checked_permutation(in[0].shape(), o.axes);
  for (std::size_t i = 0; i < axes.size(); ++i)
    x_strides[i] = steps[static_cast<std::size_t>(axes[i])];
  const Shape& shape = out[0].shape();
  copy_block(shape, in[0], in[0].raw(), x_strides, out[0].mutable_raw(), strides_of(shape));
}
Tensors Transpose::backward(Context& context, const Tensors& dout, const Options& o) {
  const std::vector<int> axes = checked_permutation(context.input(0).shape, o.axes);
  std::vector<int> inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i)
    inverse[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
  return {transpose(dout[0], inverse)};
}

Specs Concat::infer(const Specs& in, const Options& o) {
  Spec out = required(info.name, in, 0, "first part");
  const int axis = out.shape.axis(o.axis);
  for (std::size_t i = 1; i < in.size(); ++i) {
    const Spec& part = required(info.name, in, i, "a part");
    bool fits = part.dtype == out.dtype && part.shape.rank() == out.shape.rank();
    for (int d = 0; fits && d < out.shape.rank(); ++d)
      fits = d == axis || part.shape[d] == out.shape[d];
    if (!fits) {
      fail<ShapeError>("concat: part ", i, " is ", part, ", the first is ", in[0],
                       "; expected equal extents but along axis ", axis);
    }
    out.shape.set(axis, out.shape[axis] + part.shape[axis]);
  }
  return {out};
}
void Concat::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  const int axis = out[0].shape().axis(o.axis);
  const auto steps = strides_of(out[0].shape());
  std::int64_t offset = 0;
  for (const Tensor& part : in) {
    copy_block(part.shape(), part, part.raw(), strides_of(part.shape()),
               at_element_mutable(out[0], offset * steps[static_cast<std::size_t>(axis)]), steps);
    offset += part.dim(axis);
  }
}
Tensors Concat::backward(Context& context, const Tensors& dout, const Options& o) {
  const int axis = dout[0].shape().axis(o.axis);
  Tensors d;
  std::int64_t from = 0;
  for (std::int64_t to = 0, i = 0; from < dout[0].dim(axis); from = to, ++i) {
    const auto at = static_cast<std::size_t>(i);
    to = from + context.input(at).shape[axis];
    d.push_back(context.needs_grad(at) ? slice(dout[0], axis, from, to) : Tensor());
  }
  return d;
}

Specs Slice::infer(const Specs& in, const Options& o) {
  Spec out = required(info.name, in, 0, "input");
  const std::int64_t extent = out.shape[o.axis];
  if (o.begin < 0 || o.end < o.begin || o.end > extent || o.step < 1) {
    fail<ShapeError>("slice: [", o.begin, ", ", o.end, ") step ", o.step, " of axis ", o.axis,
                     " of ", out, "; expected 0 <= begin <= end <= ", extent, " and step >= 1");
  }
  out.shape.set(o.axis, (o.end - o.begin + o.step - 1) / o.step);
  return {out};
}
void Slice::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  if (out[0].numel() == 0) return;
  const auto axis = static_cast<std::size_t>(in[0].shape().axis(o.axis));
  auto x_strides = strides_of(in[0].shape());
  const void* first = at_element(in[0], o.begin * x_strides[axis]);
  x_strides[axis] *= o.step;
  const Shape& shape = out[0].shape();
  copy_block(shape, in[0], first, x_strides, out[0].mutable_raw(), strides_of(shape));
}
Tensors Slice::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor& dy = dout[0];
  Tensor dx = Tensor::zeros(context.input(0).shape, dy.dtype(), dy.device());
  if (dy.numel() == 0) return {dx};
  const auto axis = static_cast<std::size_t>(dx.shape().axis(o.axis));
  auto steps = strides_of(dx.shape());
  void* first = at_element_mutable(dx, o.begin * steps[axis]);
  steps[axis] *= o.step;
  copy_block(dy.shape(), dy, dy.raw(), strides_of(dy.shape()), first, steps);
  return {dx};
}

Specs Pad::infer(const Specs& in, const Options& o) {
  Spec out = required(info.name, in, 0, "input");
  const auto rank = static_cast<std::size_t>(out.shape.rank());
  if (o.before.size() != rank || o.after.size() != rank) {
    fail<ShapeError>("pad: ", o.before.size(), " and ", o.after.size(), " numbers for ", out,
                     "; expected ", rank, " before and after");
  }
  for (std::size_t i = 0; i < rank; ++i) {
    if (o.before[i] < 0 || o.after[i] < 0) {
      fail<ShapeError>("pad: ", o.before[i], " before and ", o.after[i], " after axis ", i,
                       "; expected >= 0");
    }
    const int axis = static_cast<int>(i);
    out.shape.set(axis, out.shape[axis] + o.before[i] + o.after[i]);
  }
  return {out};
}
namespace {
std::int64_t offset_of(const PadOptions& o, const Shape& padded) {
  const auto steps = strides_of(padded);
  return std::inner_product(o.before.begin(), o.before.end(), steps.begin(), std::int64_t{0});
}
}  // namespace
void Pad::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  out[0].fill(o.value);
  if (in[0].numel() == 0) return;
  const Shape& padded = out[0].shape();
  copy_block(in[0].shape(), in[0], in[0].raw(), strides_of(in[0].shape()),
             at_element_mutable(out[0], offset_of(o, padded)), strides_of(padded));
}
Tensors Pad::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor& dy = dout[0];
  Tensor dx = Tensor::empty(context.input(0).shape, dy.dtype(), dy.device());
  if (dx.numel() == 0) return {dx};
  copy_block(dx.shape(), dx, at_element(dy, offset_of(o, dy.shape())), strides_of(dy.shape()),
             dx.mutable_raw(), strides_of(dx.shape()));
  return {dx};
}

namespace {
template <class Args>
Args gather_args(const Shape& x, int axis, const Tensor& index) {
  const int at = x.axis(axis);
  Args args;
  args.outer = product(x, 0, at);
  args.n = x[at];
  args.m = index.numel();
  args.inner = product(x, at + 1, x.rank());
  args.index = static_cast<const std::int64_t*>(index.raw());
  return args;
}

void check_index(std::string_view op, const Tensor& index, std::int64_t extent) {
  const Tensor here = index.to(cpu);
  for (const std::int64_t i : here.view<std::int64_t>()) {
    if (i < 0 || i >= extent) fail<FormatError>(op, ": index ", i, "; expected 0 to ", extent - 1);
  }
}
}  // namespace

Specs Gather::infer(const Specs& in, const Options& o) {
  Spec out = required(info.name, in, 0, "input");
  const Spec& index = required(info.name, in, 1, "index");
  if (index.dtype != DType::i64 || index.shape.rank() != 1) {
    fail<ShapeError>("gather: index ", index, "; expected i64[m]");
  }
  out.shape.set(o.axis, index.shape[0]);
  return {out};
}
void Gather::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  check_index(info.name, in[1], in[0].dim(o.axis));
  auto args = gather_args<kernels::GatherArgs>(in[0].shape(), o.axis, in[1]);
  args.element_size = static_cast<std::int64_t>(size_of(in[0].dtype()));
  args.x = in[0].raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::gather>(in[0], args);
  context.save(in[1]);
}
Tensors Gather::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor index = context.saved(0);
  if (dout[0].dtype() == DType::bf16) {  // what was picked twice adds up before it is rounded
    return {backward(context, {dout[0].to(DType::f32)}, o)[0].to(DType::bf16)};
  }
  const Tensor& dy = dout[0];
  const kernels::Type type = float_type(info.name, dy.dtype());
  Tensor dx = Tensor::empty(context.input(0).shape, dy.dtype(), dy.device());
  auto args = gather_args<kernels::GatherGradArgs>(dx.shape(), o.axis, index);
  args.dy = dy.raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::gather_grad>(dy.device(), type, args);
  return {dx};
}

Specs OneHot::infer(const Specs& in, const Options& o) {
  const Spec& index = required(info.name, in, 0, "index");
  if (index.dtype != DType::i64 || o.classes < 1) {
    fail<ShapeError>("one_hot: index ", index, " for ", o.classes,
                     " classes; expected i64 and >= 1");
  }
  Shape out = index.shape;
  out.push_back(o.classes);
  return {{out, o.dtype}};
}
void OneHot::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  check_index(info.name, in[0], o.classes);
  // Rows of the identity matrix, picked by index.
  const std::int64_t n = o.classes;
  std::vector<float> diagonal(static_cast<std::size_t>(n * n), 0.0F);
  for (std::int64_t i = 0; i < n; ++i) diagonal[static_cast<std::size_t>(i * n + i)] = 1.0F;
  const Tensor identity = Tensor::from(diagonal, {n, n}).to(in[0].device()).to(o.dtype);
  auto args = gather_args<kernels::GatherArgs>(identity.shape(), 0, in[0]);
  args.element_size = static_cast<std::int64_t>(size_of(o.dtype));
  args.x = identity.raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::gather>(identity, args);
}

}  // namespace ops

Tensor reshape(const Tensor& x, const Shape& shape) {
  return apply<ops::Reshape>({x}, {shape});
}

Tensor flatten(const Tensor& x, int from_axis) {
  const int from = x.shape().axis(from_axis);
  Shape out;
  for (int i = 0; i < from; ++i) out.push_back(x.dim(i));
  out.push_back(ops::product(x.shape(), from, x.rank()));
  return reshape(x, out);
}

Tensor transpose(const Tensor& x, const std::vector<int>& axes) {
  return apply<ops::Transpose>({x}, {axes});
}
Tensor concat(const Tensors& parts, int axis) {
  return apply<ops::Concat>(parts, {axis});
}
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  return apply<ops::Slice>({x}, {axis, begin, end, step});
}
Tensor pad(const Tensor& x, const PadOptions& options) {
  return apply<ops::Pad>({x}, options);
}
Tensor gather(const Tensor& x, const Tensor& index, int axis) {
  return apply<ops::Gather>({x, index}, {axis});
}
Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype) {
  return apply<ops::OneHot>({index}, {classes, dtype});
}

}  // namespace taxon

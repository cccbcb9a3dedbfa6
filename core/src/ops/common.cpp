#include "common.h"

#include <algorithm>

#include <taxon/kernels/movement.h>
#include <taxon/kernels/pointwise.h>

#include "impl.h"

namespace taxon::ops {

const Spec& required(std::string_view op, const Specs& in, std::size_t i, std::string_view name) {
  if (i >= in.size() || !in[i].defined) fail<ShapeError>(op, ": ", name, " is undefined");
  return in[i];
}

void check_float(std::string_view op, const Specs& in) {
  const Spec* first = nullptr;
  for (const Spec& spec : in) {
    if (!spec.defined) continue;
    if (first == nullptr) {
      first = &spec;
      (void)float_type(op, spec.dtype);
    } else if (spec.dtype != first->dtype) {
      fail<DTypeError>(op, ": inputs ", *first, " and ", spec,
                       " differ in dtype; expected one dtype");
    }
  }
}

void check_float(std::string_view op, const Specs& in, std::span<const std::size_t> parameters) {
  const DType activations = in[0].dtype;
  if (!is_floating(activations)) {
    fail<DTypeError>(op, ": dtype ", activations, " is not supported; expected f32, bf16 (or f64)");
  }
  if (activations != DType::bf16) return check_float(op, in);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool parameter = std::find(parameters.begin(), parameters.end(), i) != parameters.end();
    const DType expected = parameter ? DType::f32 : DType::bf16;
    if (in[i].defined && in[i].dtype != expected) {
      fail<DTypeError>(op, ": input ", i, " is ", in[i], " beside activations ", in[0],
                       "; expected ", expected);
    }
  }
}

void check_rank(std::string_view op, std::string_view what, const Spec& spec, int rank) {
  if (spec.shape.rank() != rank) {
    fail<ShapeError>(op, ": ", what, " ", spec, " has rank ", spec.shape.rank(), "; expected ",
                     rank);
  }
}

void check_vector(std::string_view op, std::string_view what, const Spec& spec,
                  std::int64_t extent) {
  if (spec.defined && spec.shape != Shape{extent}) {
    fail<ShapeError>(op, ": ", what, " ", spec, "; expected [", extent, "]");
  }
}

std::array<std::int64_t, Shape::max_rank> strides_of(const Shape& shape) {
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= shape[i];
  }
  return strides;
}

std::int64_t product(const Shape& shape, int from, int to) {
  std::int64_t n = 1;
  for (int i = from; i < to; ++i) n *= shape[i];
  return n;
}

Tensor with_shape(const Tensor& t, const Shape& shape) {
  Tensor out = t.detach();
  out.impl()->shape = shape;
  return out;
}

Tensor expand(const Tensor& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  Tensor out = Tensor::empty(shape, t.dtype(), t.device());
  const auto from = strides_of(t.shape()), to = strides_of(shape);
  const int missing = shape.rank() - t.rank();
  kernels::CopyArgs args;
  args.rank = shape.rank();
  args.element_size = static_cast<std::int64_t>(size_of(t.dtype()));
  for (int i = 0; i < shape.rank(); ++i) {
    args.dims[i] = shape[i];
    args.y_strides[i] = to[static_cast<std::size_t>(i)];
    const bool repeated = i < missing || t.shape()[i - missing] == 1;
    args.x_strides[i] = repeated ? 0 : from[static_cast<std::size_t>(i - missing)];
  }
  args.x = t.raw();
  args.y = out.mutable_raw();
  run_kernel<&kernels::Tables::copy>(t, args);
  return out;
}

Tensor reduce_to(const Tensor& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  std::vector<int> axes;
  const int missing = t.rank() - shape.rank();
  for (int i = 0; i < t.rank(); ++i) {
    if (i < missing || (shape[i - missing] == 1 && t.shape()[i] != 1)) axes.push_back(i);
  }
  return with_shape(axes.empty() ? t : sum(t, axes), shape);
}

Tensor relu_grad(const Tensor& dy, const Tensor& y) {
  Tensor dx = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
  kernels::UnaryGradArgs args;
  args.op = kernels::Unary::relu;
  args.n = dy.numel();
  args.y = y.raw();
  args.dy = dy.raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::unary_grad>(dy, args);
  return dx;
}

}  // namespace taxon::ops

// What the ops share: checks of their inputs, strides, and views of memory.
#pragma once

#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/core/op.h>
#include <taxon/core/ops.h>

#include <array>
#include <span>
#include <string_view>

namespace taxon::ops {

/// The op needs input i; throws ShapeError if it is not there.
const Spec& required(std::string_view op, const Specs& in, std::size_t i, std::string_view name);
/// Throws DTypeError unless all defined inputs have one floating dtype that kernels exist for.
void check_float(std::string_view op, const Specs& in);
/// The same for an op on activations with parameters beside them: inputs `parameters` have the
/// dtype of the activations, or f32 where those are bf16.
void check_float(std::string_view op, const Specs& in, std::span<const std::size_t> parameters);
/// The dtype of parameters, their gradients and statistics beside activations of `dtype`.
inline DType parameter_dtype(DType dtype) {
  return dtype == DType::bf16 ? DType::f32 : dtype;
}
void check_rank(std::string_view op, std::string_view what, const Spec& spec, int rank);
/// An optional vector input must be [extent].
void check_vector(std::string_view op, std::string_view what, const Spec& spec,
                  std::int64_t extent);

/// Row-major strides in elements.
std::array<std::int64_t, Shape::max_rank> strides_of(const Shape& shape);
/// Product of extents [from, to).
std::int64_t product(const Shape& shape, int from, int to);

/// The memory of t under another shape of the same number of elements; not part of the graph.
Tensor with_shape(const Tensor& t, const Shape& shape);
/// t repeated along axes of extent 1 (or missing in front) until it has `shape`.
Tensor expand(const Tensor& t, const Shape& shape);
/// The sum of t over the axes along which `shape` was broadcast to t's shape.
Tensor reduce_to(const Tensor& t, const Shape& shape);

/// dy where y > 0, 0 elsewhere: what a ReLU that gave y passes back.
Tensor relu_grad(const Tensor& dy, const Tensor& y);

inline const void* raw_or_null(const Tensor& t) {
  return t.defined() ? t.raw() : nullptr;
}
inline void* mutable_or_null(Tensor& t) {
  return t.defined() ? t.mutable_raw() : nullptr;
}

}  // namespace taxon::ops

// What the rows of cuDNN share beyond cudnn_row.h: the numbers of the ops in keys, chains of
// pointwise steps, and the choice of a row by type.
#pragma once

#include <bit>

#include "cudnn_row.h"

namespace taxon::kernels::cuda::vendor {

enum OpId : std::int64_t {
  kConvForward = 1,
  kConvBackwardData,
  kConvBackwardWeight,
  kBatchNorm,
  kBatchNormGrad,
  kMaxPool,
  kAvgPool,
  kAvgPoolGrad
};

/// A number as part of a key: its bits.
inline std::int64_t key_of(double value) {
  return std::bit_cast<std::int64_t>(value);
}

/// Appends `steps` (whose x and y are set here) from the tensor `from` to `to`, which is added;
/// what lies between is virtual, with ids from `first_virtual` on.
inline void chain(Graph& graph, const std::vector<Pointwise>& steps, std::int64_t from,
                  const Tensor& to, std::int64_t first_virtual) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    const std::int64_t next = last ? to.id : first_virtual + static_cast<std::int64_t>(i);
    if (!last) graph.tensors.push_back(as_virtual(to, next));
    Pointwise step = steps[i];
    step.x = from;
    step.y = next;
    graph.operations.push_back(step);
    from = next;
  }
  graph.tensors.push_back(to);
}

/// exact: equal to the reference bit for bit on small integers.
template <template <bool> class Op>
const auto& row_of(Type type, const char* name, bool exact) {
  if (type == Type::bf16) return CudnnRow<Op<true>>::row(name, exact);
  return CudnnRow<Op<false>>::row(name, exact);
}

}  // namespace taxon::kernels::cuda::vendor

// AdamW's update, for the optimizers that use it.
#pragma once

#include <taxon/train/optimizer.h>

#include <vector>

namespace taxon {

struct AdamWSlot {
  Tensor& param;
  const Tensor& grad;
  Tensor &mean, &square;  ///< of gradients and of their squares; made where undefined
  double step, lr, weight_decay;
};
/// All in one pass; their dtype is f32 or f64.
void adamw_update(DType dtype, const std::vector<AdamWSlot>& slots, const AdamWOptions& options);

}  // namespace taxon

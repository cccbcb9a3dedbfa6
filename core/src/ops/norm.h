// What the batch-norm ops share.
#pragma once

#include <taxon/kernels/norm.h>

#include "declared.h"

namespace taxon::ops {

/// x [.., c] with optional vectors [c] from input 1 on, up to input `residual`, which has x's
/// shape.
void check_norm(std::string_view op, const Specs& in, std::size_t residual);

/// The arguments for inputs x, weight, bias, ..., residual; outputs and statistics are left to set.
kernels::BatchNormArgs batch_norm_args(const Tensors& in, const BatchNormOptions& o, bool training);

/// Keeps what batch_norm_grad reads: x, weight, bias, mean, var, y (where a residual hides its
/// sign). Whatever an op saves besides comes after these.
void save_for_backward(Context& context, const Tensors& in, const Tensor& mean, const Tensor& var,
                       const Tensor& y, const BatchNormOptions& o);

/// The gradients of the op's inputs. `training`: the statistics depend on x. `residual`: which
/// input it is. With `all`, those of x, weight and bias even where they are not asked for.
Tensors batch_norm_grad(Context& context, const Tensor& dy, const BatchNormOptions& o,
                        bool training, std::size_t residual, bool all = false);

/// Checks what batch_norm_train and batch_norm_shared take.
Specs infer_batch_norm(std::string_view op, const Specs& in);

}  // namespace taxon::ops

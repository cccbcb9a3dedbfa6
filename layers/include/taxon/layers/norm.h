// Normalisation: BatchNorm2d and LayerNorm.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/layers/linear.h>
#include <taxon/layers/module.h>

namespace taxon {

class BatchNorm2d;
/// For inference: moves what `norm` does in evaluation into the convolution before it (weights
/// scaled by channel, a bias added), after which `norm` passes its input through. The model
/// computes the same up to rounding and can no longer be trained or saved. Throws ShapeError if the
/// channels differ.
void fold_batch_norm(Conv2d& conv, BatchNorm2d& norm);

/// norm(conv(x)) and what follows it: in the convolution's pass where the batch-norm is folded into
/// it, else in the batch-norm's. For just these classes: a forward(x) that a derived class
/// overrides is not called.
Tensor conv_norm(Conv2d& conv, BatchNorm2d& norm, const Tensor& x, const Epilogue& after = {});

struct BatchNormOptions {
  double eps = 1e-5, momentum = 0.1;
  bool affine = true;
  bool scale = true;  ///< false: of the affine part, the bias alone
};

/// Ioffe & Szegedy 2015, over all axes but the last (channels). In training normalises with the
/// batch's statistics and moves running_mean and running_var (the unbiased variance, as torch) by
/// `momentum`; in evaluation normalises with the running ones. Throws ShapeError in training for
/// one value a channel.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, BatchNormOptions options = {});
  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  /// The same and what follows it (a residual added, ReLU) in one pass over memory.
  Tensor forward(const Tensor& x, const Epilogue& after);
  /// Whether the convolution before does its work: see fold_batch_norm.
  bool folded() const { return folded_; }
  /// On: the running statistics begin anew and are the plain mean over the training batches that
  /// follow (torch's momentum=None). Off: they move by `momentum` again.
  void average_batches(bool on);
  /// In training takes the statistics of the joint batch of these processes (see
  /// batch_norm_shared); nullptr: of its own. The group outlives the module's training.
  void synchronize(Group* group) { group_ = group; }
  std::string str() const override;
  std::int64_t channels() const { return running_mean.dim(0); }

  const BatchNormOptions options;
  Tensor& weight;  ///< undefined if not affine (as bias) or without scale
  Tensor& bias;
  Tensor& running_mean;
  Tensor& running_var;
  Tensor& num_batches_tracked;  ///< i64 scalar: training batches seen

 private:
  friend void fold_batch_norm(Conv2d& conv, BatchNorm2d& norm);
  bool folded_ = false;
  bool averaging_ = false;
  Group* group_ = nullptr;
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool affine = true;
};

/// Ba et al. 2016, over the last axis.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t size, LayerNormOptions options = {});
  Tensor forward(const Tensor& x) override;
  std::string str() const override;

  const std::int64_t size;
  const LayerNormOptions options;
  Tensor& weight;  ///< undefined if not affine, as bias
  Tensor& bias;
};

}  // namespace taxon

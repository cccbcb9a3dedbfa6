// Mixup and CutMix: the samples of a batch, and their targets, mixed in pairs.
#pragma once

#include <taxon/base/random.h>
#include <taxon/data/image_ops.h>
#include <taxon/data/loader.h>

namespace taxon {

/// What one batch gets. Sample i is mixed with sample n - 1 - i; the middle one stays as it is.
struct BatchMix {
  double own = 1;           ///< share of its own pixels and labels that a sample keeps
  bool cut = false;         ///< CutMix: the box is exchanged; else values are blended
  image_ops::Box box = {};  ///< inside the image
};

/// A function of (seed, epoch, number). Where both are on, one of them with probability 1/2 (as
/// timm).
BatchMix draw_mix(const LoaderOptions& options, std::int64_t epoch, std::int64_t number);
/// x: f32 [n, height, width, channels], changed in place.
void mix_images(Tensor& x, const BatchMix& mix);
/// f32 [n, classes] of class indices i64 [n] or labels f32 [n, classes].
Tensor mix_targets(const Tensor& y, std::int64_t classes, const BatchMix& mix);

/// From Beta(alpha, alpha), alpha > 0.
double draw_beta(Rng& rng, double alpha);

}  // namespace taxon

// Which samples an epoch takes, and in which order.
#pragma once

#include <taxon/data/loader.h>

#include <cstdint>
#include <vector>

namespace taxon {

struct Sampled {
  std::vector<std::int64_t> order;  ///< the samples of an epoch
  /// How often each has come before in this epoch; empty where none comes twice.
  std::vector<std::int64_t> again;
};

/// A function of (options, epoch) alone. Throws OptionError for weights that cannot be drawn by.
Sampled draw_samples(const LoaderOptions& options, std::int64_t samples, std::int64_t epoch);
/// Throws OptionError unless there is one finite weight >= 0 a sample, and one above 0.
void check_weights(const std::vector<double>& weights, const Dataset& data);

/// The epoch whose augmentation a sample gets when it comes `again`: another one for each time, odd
/// and even in turn, as mirroring in every other epoch wants.
constexpr std::int64_t augment_epoch(std::int64_t epoch, std::int64_t again) {
  return epoch + again * ((std::int64_t{1} << 32) + 1);
}

}  // namespace taxon

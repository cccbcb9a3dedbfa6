// Order and drawing of samples (see sampling.h).
#include "sampling.h"

#include <taxon/base/error.h>
#include <taxon/base/random.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace taxon {
namespace {

// As torch's WeightedRandomSampler with replacement: by inversion of the cumulative weights.
std::vector<std::int64_t> draw(const std::vector<double>& weights, Rng rng) {
  std::vector<double> cumulative(weights.size());
  std::partial_sum(weights.begin(), weights.end(), cumulative.begin());
  std::vector<std::int64_t> out(weights.size());
  for (std::int64_t& sample : out) {
    const double at = rng.uniform() * cumulative.back();
    // The first whose sum lies above: never one of weight 0. Rounding may give the sum itself.
    auto hit = std::upper_bound(cumulative.begin(), cumulative.end(), at);
    if (hit == cumulative.end()) {
      hit = std::lower_bound(cumulative.begin(), cumulative.end(), cumulative.back());
    }
    sample = hit - cumulative.begin();
  }
  return out;
}

}  // namespace

void check_weights(const std::vector<double>& weights, const Dataset& data) {
  if (static_cast<std::int64_t>(weights.size()) != data.size()) {
    fail<OptionError>("loader: ", weights.size(), " weights for ", data.size(),
                      " samples, expected one each");
  }
  double sum = 0;
  for (const double w : weights) {
    if (!(w >= 0)) {
      fail<OptionError>("loader: a sample's weight is ", w, ", expected 0 or above");
    }
    sum += w;
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    fail<OptionError>("loader: the weights of the samples sum to ", sum,
                      ", expected a finite number above 0");
  }
}

Sampled draw_samples(const LoaderOptions& options, std::int64_t samples, std::int64_t epoch) {
  Sampled out;
  const auto n = static_cast<std::size_t>(samples);
  const auto stream = static_cast<std::uint64_t>(epoch);
  if (!options.shuffle) {
    out.order.resize(n);
    std::iota(out.order.begin(), out.order.end(), std::int64_t{0});
    return out;
  }
  if (options.weights.empty()) {
    out.order = permutation(samples, mix(options.seed, 0x5047), stream);
    return out;
  }
  out.order = draw(options.weights, Rng(mix(options.seed, 0xd4a3), stream));
  std::vector<std::int64_t> seen(n);
  for (const std::int64_t sample : out.order) {
    out.again.push_back(seen[static_cast<std::size_t>(sample)]++);
  }
  return out;
}

std::vector<double> balanced_sampling(const Dataset& data) {
  const std::vector<std::int64_t> counts = data.class_counts();
  std::vector<std::int64_t>
      rarest;  // of each sample, how many samples its rarest class has; 0: none
  for (std::int64_t i = 0; i < data.size(); ++i) {
    if (data.task() == Task::single) {
      rarest.push_back(counts[static_cast<std::size_t>(data.label(i))]);
      continue;
    }
    std::int64_t least = 0;
    const auto hot = data.labels(i);
    for (std::size_t c = 0; c < hot.size(); ++c) {
      if (hot[c] != 0 && (least == 0 || counts[c] < least)) {
        least = counts[c];
      }
    }
    rarest.push_back(least);
  }
  const auto bare = std::count(rarest.begin(), rarest.end(), std::int64_t{0});
  std::vector<double> out;
  for (const std::int64_t count : rarest) {
    out.push_back(1.0 / static_cast<double>(count > 0 ? count : bare));
  }
  return out;
}

std::vector<double> class_sampling(const Dataset& data, const std::vector<double>& weights) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    if (data.task() == Task::single) {
      out.push_back(weights.at(static_cast<std::size_t>(data.label(i))));
      continue;
    }
    double greatest = -1;
    const auto hot = data.labels(i);
    for (std::size_t c = 0; c < hot.size(); ++c) {
      if (hot[c] != 0) greatest = std::max(greatest, weights.at(c));
    }
    out.push_back(greatest < 0 ? 1 : greatest);
  }
  return out;
}

}  // namespace taxon

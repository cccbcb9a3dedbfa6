// Resampling with replacement, and what every bootstrap of ours needs: the draws, the orders that
// rankings walk, the percentiles.
#pragma once

#include <taxon/base/parallel.h>
#include <taxon/metrics/intervals.h>

#include "score_walk.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon::scoring {

/// times[i]: how often sample i is drawn in resample `which`. The same for any number of threads.
void draw(std::uint64_t seed, std::int64_t which, std::span<std::uint32_t> times);

/// The samples of each class's problem, by probability, prepared once for many walks with other
/// weights.
class Orders {
 public:
  Orders(std::span<const double> probability, const Truth& truth);

  /// The rankings of all classes where sample i counts times[i] * weight[i].
  std::vector<Ranking> rankings(std::span<const std::uint32_t> times,
                                std::span<const double> weight) const;

 private:
  struct Entry {
    std::uint32_t sample : 30;
    std::uint32_t positive : 1;
    std::uint32_t last : 1;  // of those with its probability
  };
  static Ranking ranking(const std::vector<Entry>& entries, std::span<const std::uint32_t> times,
                         std::span<const double> weight);
  std::vector<std::vector<Entry>> entries_;
};

/// An average over the classes of a figure that some lack. A class that has it in the data and
/// loses it in a resample is left out there; one that never had it counts as 0.
class ClassMean {
 public:
  explicit ClassMean(std::vector<bool> defined) : defined_(std::move(defined)) {}
  template <class Figure>
  double operator()(const Figure& figure) const {
    double sum = 0, classes = 0;
    for (std::size_t k = 0; k < defined_.size(); ++k) {
      const std::optional<double> v = figure(k);
      if (!v && defined_[k]) continue;
      sum += v.value_or(0);
      classes += 1;
    }
    return classes > 0 ? sum / classes : 0;
  }

 private:
  std::vector<bool> defined_;
};

/// Rows of `names.size()` figures, one a resample, to intervals.
Intervals percentiles(const std::vector<std::string>& names, std::vector<std::vector<double>> rows,
                      const BootstrapOptions& options);

/// Throws OptionError for options out of range.
void check_bootstrap(const BootstrapOptions& options, std::size_t samples);

/// figures(times) -> one value a name, of every resample, on all threads.
template <class Figures>
Intervals resample(const std::vector<std::string>& names, std::size_t samples,
                   const BootstrapOptions& options, const Figures& figures) {
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(options.resamples));
  parallel_chunks(options.resamples, [&](std::int64_t which) {
    std::vector<std::uint32_t> times(samples);
    draw(options.seed, which, times);
    rows[static_cast<std::size_t>(which)] = figures(std::span<const std::uint32_t>(times));
  });
  return percentiles(names, std::move(rows), options);
}

}  // namespace taxon::scoring

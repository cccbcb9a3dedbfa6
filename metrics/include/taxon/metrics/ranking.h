// How well each sample's labels are ordered by probability: measures of multi-label ranking.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace taxon {

struct LabelRanking {
  /// How far one must go down the order, on average, to meet all true labels; 0 for none.
  double coverage_error = 0;
  /// Mean over the true labels of the share of true ones among those ranked as high or higher; 1
  /// for a sample with no label or all.
  double average_precision = 0;
  /// Share of pairs of a true and a false label that are in the wrong order or equal; 0 for a
  /// sample with no label or all.
  double loss = 0;
};
/// Tsoumakas, Katakis and Vlahavas 2010, "Mining multi-label data", section 7.3; equal
/// probabilities rank last, as scikit-learn has it. probability, truth [n, classes], weight [n] or
/// empty.
LabelRanking label_ranking(std::span<const double> probability, std::span<const std::uint8_t> truth,
                           std::int64_t classes, std::span<const double> weight = {});

/// The same of each sample.
std::vector<LabelRanking> label_rankings(std::span<const double> probability,
                                         std::span<const std::uint8_t> truth, std::int64_t classes);

}  // namespace taxon

// Measures of scores and probabilities: ROC and precision-recall curves with their areas, log loss,
// Brier score, top-k. Plain arrays in, double precision throughout.
#pragma once

#include <taxon/metrics/calibration.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace taxon {

/// How well scores put the positives of a two-class problem first. Equal scores count as one step
/// of the curve, so the order of the samples does not matter.
struct Ranking {
  std::optional<double> roc_auc;            ///< undefined without a positive or without a negative
  std::optional<double> average_precision;  ///< undefined without a positive
};
/// score [n], finite; positive [n], 0 or not; weight [n] or empty. The area under the ROC curve is
/// the Mann-Whitney statistic with ties counted one half (Fawcett 2006, "An introduction to ROC
/// analysis"); average precision is sum (R_k - R_{k-1}) P_k over the distinct scores, without
/// interpolation, as scikit-learn computes it. Throws ShapeError where the lengths differ.
Ranking ranking(std::span<const double> score, std::span<const std::uint8_t> positive,
                std::span<const double> weight = {});

/// What holds where every sample with score >= threshold counts as positive.
struct CurvePoint {
  double threshold = 0;
  double true_positives = 0, false_positives = 0;  ///< numbers of samples, or sums of weights
  double true_positive_rate = 0;                   ///< recall; 0 without positives
  double false_positive_rate = 0;                  ///< 0 without negatives
  double precision = 0;
};
/// One point a distinct score, from the highest to the lowest: the ROC curve (which starts at 0, 0)
/// and the precision-recall curve (which starts at recall 0, precision 1). Throws as ranking.
std::vector<CurvePoint> score_curve(std::span<const double> score,
                                    std::span<const std::uint8_t> positive,
                                    std::span<const double> weight = {});

/// -log p of the true class, p clipped to [eps, 1 - eps] with the epsilon of double, as
/// scikit-learn 1.9 does for doubles.
double sample_log_loss(double probability_of_truth);
/// The mean of sample_log_loss. probability [n, classes], truth [n] in [0, classes), weight [n] or
/// empty.
double log_loss(std::span<const double> probability, std::int64_t classes,
                std::span<const std::int64_t> truth, std::span<const double> weight = {});
/// Mean of sum_k (p_k - y_k)^2, halved for two classes (Brier 1950). Shapes as log_loss.
double brier_score(std::span<const double> probability, std::int64_t classes,
                   std::span<const std::int64_t> truth, std::span<const double> weight = {});

/// The share of samples whose true class is among the k most probable ones; of equal probabilities
/// the lower index comes first, so that k = 1 is the accuracy of argmax. k above `classes` counts
/// as `classes`. Shapes as log_loss.
double top_k_accuracy(std::span<const double> probability, std::int64_t classes,
                      std::span<const std::int64_t> truth, std::int64_t k,
                      std::span<const double> weight = {});

/// The area under the ROC curve of each pair of classes (a, b), a's probability told apart on the
/// samples of a and b: out[a * classes + b]; not a number where a or b has no samples, and on the
/// diagonal. Shapes as log_loss.
std::vector<double> one_vs_one_areas(std::span<const double> probability, std::int64_t classes,
                                     std::span<const std::int64_t> truth,
                                     std::span<const double> weight = {});

}  // namespace taxon

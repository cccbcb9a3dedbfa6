// Measures of scores and probabilities: ranking (ROC, precision-recall), calibration, log loss,
// top-k. Plain arrays in, double precision throughout.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace taxon {

/// How well scores put the positives of a two-class problem first. Equal scores count as one step
/// of the curve, so the order of the samples does not matter.
struct Ranking {
  std::optional<double> roc_auc;            ///< undefined without a positive or without a negative
  std::optional<double> average_precision;  ///< undefined without a positive
};
/// score [n], finite; positive [n], 0 or not. The area under the ROC curve is the Mann-Whitney
/// statistic with ties counted one half (Fawcett 2006, "An introduction to ROC analysis"); average
/// precision is sum (R_k - R_{k-1}) P_k over the distinct scores, without interpolation, as
/// scikit-learn computes it. Throws ShapeError where the lengths differ.
Ranking ranking(std::span<const double> score, std::span<const std::uint8_t> positive);

/// Expected calibration error (Guo et al. 2017, "On calibration of modern neural networks", eq. 3):
/// confidence [n] in [0, 1] falls into `bins` bins ((m-1)/bins, m/bins] of equal width; the mean of
/// |accuracy - confidence| over the bins, weighted by their counts. 0 belongs to the first bin.
double expected_calibration_error(std::span<const double> confidence,
                                  std::span<const std::uint8_t> correct, int bins = 15);

/// -log p of the true class, p clipped to [eps, 1 - eps] with the epsilon of double, as
/// scikit-learn 1.9 does for doubles.
double sample_log_loss(double probability_of_truth);
/// The mean of sample_log_loss. probability [n, classes], truth [n] in [0, classes).
double log_loss(std::span<const double> probability, std::int64_t classes,
                std::span<const std::int64_t> truth);

/// The share of samples whose true class is among the k most probable ones; of equal probabilities
/// the lower index comes first, so that k = 1 is the accuracy of argmax. k above `classes` counts
/// as `classes`.
double top_k_accuracy(std::span<const double> probability, std::int64_t classes,
                      std::span<const std::int64_t> truth, std::int64_t k);

}  // namespace taxon

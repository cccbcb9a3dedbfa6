// All figures of a classifier's predictions, single-label and multi-label, on plain arrays in
// double precision. Definitions and names are scikit-learn's (zero_division=0); what it leaves
// vague:
//  - a value of a class whose denominator is 0 is undefined (nullopt); averages count it as 0;
//  - Matthews' coefficient is 0 where the truth or the prediction is constant; a kappa of 0/0 and
//    figures that need probabilities, where there are none, are undefined.
// With weights of samples every count is a sum of weights, as with scikit-learn's sample_weight.
#pragma once

#include <taxon/metrics/calibration.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon {

/// F-beta is (1 + beta^2) P R / (beta^2 P + R) (van Rijsbergen 1979), Jaccard's index
/// hits / (predicted + actual - hits).
struct Scores {
  double precision = 0, recall = 0, f1 = 0, fbeta = 0, jaccard = 0;
};

struct ClassScores {
  std::string name;
  std::optional<double> precision, recall, f1, fbeta, jaccard;
  double support = 0;  ///< samples (their weights) whose truth has this class
  double missed = 0;   ///< those that the prediction lacks (false negatives)
  double added = 0;    ///< samples that have it predicted only (false positives)
  std::optional<double> average_precision, roc_auc;  ///< of this class against the rest
  std::optional<double> threshold;  ///< multi-label: what the probability must reach
};

/// Averages of a figure that each class has, one class against the rest: over the classes (macro),
/// weighted by support, and of all (sample, class) pairs taken together (micro).
struct Averages {
  std::optional<double> macro, weighted, micro;
};

struct MetricsOptions {
  double beta = 1;              ///< of F-beta, > 0
  std::int64_t top_k = 0;       ///< of SingleLabelMetrics::top_k; 0: none
  bool one_vs_one = true;       ///< the areas of each class against each other one
  bool rankings = true;         ///< ROC and precision-recall: what sorts the samples by probability
  int bins = kCalibrationBins;  ///< of the calibration errors
};

struct SingleLabelMetrics {
  double samples = 0;  ///< their number, or the sum of their weights
  double accuracy = 0;
  double balanced_accuracy = 0;  ///< mean recall of the classes that occur, as scikit-learn
  double mcc = 0;                ///< Gorodkin 2004, "Comparing two K-category assignments"
  double hamming_loss = 0;       ///< 1 - accuracy
  /// Cohen 1960; with weights |i - j| and (i - j)^2 of a mistake (Cohen 1968): for ordered classes,
  /// as they stand, or by value where all names are numbers.
  std::optional<double> cohen_kappa, kappa_linear, kappa_quadratic;
  std::optional<double> top5, log_loss;
  std::optional<double> top_k;  ///< truth among the k most probable, of the k asked for
  /// Mean of sum_k (p_k - y_k)^2, halved for two classes (Brier 1950), as scikit-learn.
  std::optional<double> brier;
  std::optional<double> ece, mce, ece_equal_mass;  ///< see calibration.h
  std::vector<CalibrationBin> reliability;         ///< of equal width; empty: no confidences
  Averages roc_auc, average_precision;
  /// Mean over the pairs of classes (Hand and Till 2001), and weighted by the pairs' samples.
  std::optional<double> roc_auc_ovo_macro, roc_auc_ovo_weighted;
  Scores macro, weighted, micro;
  std::vector<ClassScores> per_class;
  std::vector<double> confusion;  ///< [classes, classes]: row truth, column prediction
  double beta = 1;
  std::int64_t k = 0;  ///< of top_k; 0: none was asked for
};

/// What a single-label classifier said about n samples.
struct SingleLabelInput {
  std::span<const std::string> classes;
  std::span<const std::int64_t> truth;       ///< [n], indices of classes
  std::span<const std::int64_t> predicted;   ///< [n]; empty: the most probable class
  std::span<const double> probability = {};  ///< [n, classes]; empty: unknown
  std::span<const double> confidence = {};   ///< [n], for ece where probabilities are unknown
  std::span<const double> weight = {};       ///< [n], >= 0, not all 0; empty: 1 each
};
/// Throws ShapeError where lengths do not fit or n is 0, OptionError for an index out of range, a
/// probability that is not a number, or a weight that makes no sense.
SingleLabelMetrics single_label_metrics(const SingleLabelInput& input,
                                        const MetricsOptions& options = {});

struct MultiLabelMetrics {
  double samples = 0;                            ///< their number, or the sum of their weights
  double subset_accuracy = 0;                    ///< share of samples with every label right
  double hamming_loss = 0;                       ///< share of wrong labels
  std::optional<double> mean_average_precision;  ///< average_precision.macro
  Averages roc_auc, average_precision;
  std::optional<double> log_loss;  ///< mean over samples and labels of -log p(what is true)
  /// Of all labels' probabilities: how often the label is there; see calibration.h.
  std::optional<double> ece;
  std::vector<CalibrationBin> reliability;
  /// Of each sample's labels by probability (Tsoumakas et al. 2010, section 7.3); see ranking.h.
  std::optional<double> coverage_error, label_ranking_average_precision, label_ranking_loss;
  Scores micro, macro, weighted, samples_avg;
  std::vector<ClassScores> per_class;
  double beta = 1;
};

struct MultiLabelInput {
  std::span<const std::string> classes;
  std::span<const std::uint8_t> truth;      ///< [n, classes], 0 or not
  std::span<const std::uint8_t> predicted;  ///< [n, classes]; empty: probability >= threshold
  std::span<const double> probability = {};
  /// [classes]; empty: 0.5 where the probabilities decide, else unknown.
  std::span<const double> threshold = {};
  std::span<const double> weight = {};  ///< [n], as above
};
/// Throws as single_label_metrics.
MultiLabelMetrics multi_label_metrics(const MultiLabelInput& input,
                                      const MetricsOptions& options = {});

/// The first of the most probable classes of each sample. probability [n, classes] -> [n].
std::vector<std::int64_t> most_probable(std::span<const double> probability, std::int64_t classes);
/// probability [n, classes] >= threshold [classes] -> [n, classes] of 0 and 1.
std::vector<std::uint8_t> apply_thresholds(std::span<const double> probability,
                                           std::span<const double> threshold);
/// sums[t * classes + p] of the weights (empty: 1) of samples with truth t and prediction p.
std::vector<double> confusion_matrix(std::span<const std::int64_t> truth,
                                     std::span<const std::int64_t> predicted, std::int64_t classes,
                                     std::span<const double> weight = {});

enum class Normalize : std::uint8_t { row, column, all };
/// Shares of the true class (row), of the predicted class (column), of everything; 0/0 is 0.
std::vector<double> normalized(std::span<const double> confusion, std::int64_t classes,
                               Normalize by);

enum class KappaWeights : std::uint8_t { none, linear, quadratic };
/// 1 - observed / expected weight of the mistakes; undefined where none is expected.
std::optional<double> cohen_kappa(std::span<const double> confusion, std::int64_t classes,
                                  KappaWeights weights = KappaWeights::none);

}  // namespace taxon

// All figures of a classifier's predictions, single-label and multi-label, on plain arrays in
// double precision. Definitions and names are scikit-learn's (zero_division=0); what it leaves
// vague:
//  - a value of a class whose denominator is 0 is undefined (nullopt); averages count it as 0;
//  - Matthews' coefficient is 0 where the truth or the prediction is constant; a kappa of 0/0 and
//    figures that need probabilities, where there are none, are undefined.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon {

struct Scores {
  double precision = 0, recall = 0, f1 = 0;
};

struct ClassScores {
  std::string name;
  std::optional<double> precision, recall, f1;
  std::int64_t support = 0;  ///< samples whose truth has this class
  std::optional<double> average_precision, roc_auc;
  std::optional<double> threshold;  ///< multi-label: what the probability must reach
};

struct SingleLabelMetrics {
  std::int64_t samples = 0;
  double accuracy = 0;
  double balanced_accuracy = 0;  ///< mean recall of the classes that occur, as scikit-learn
  double mcc = 0;                ///< Gorodkin 2004, "Comparing two K-category assignments"
  std::optional<double> top5, log_loss, ece, cohen_kappa, roc_auc_ovr_macro;
  Scores macro, weighted, micro;
  std::vector<ClassScores> per_class;
  std::vector<std::int64_t> confusion;  ///< [classes, classes]: row truth, column prediction
};

/// What a single-label classifier said about n samples.
struct SingleLabelInput {
  std::span<const std::string> classes;
  std::span<const std::int64_t> truth;       ///< [n], indices of classes
  std::span<const std::int64_t> predicted;   ///< [n]; empty: the most probable class
  std::span<const double> probability = {};  ///< [n, classes]; empty: unknown
  std::span<const double> confidence = {};   ///< [n], for ece where probabilities are unknown
};
/// Throws ShapeError where lengths do not fit or n is 0, OptionError for an index out of range or a
/// probability that is not a number.
SingleLabelMetrics single_label_metrics(const SingleLabelInput& input);

struct MultiLabelMetrics {
  std::int64_t samples = 0;
  double subset_accuracy = 0;  ///< share of samples with every label right
  double hamming_loss = 0;     ///< share of wrong labels
  std::optional<double> mean_average_precision;
  Scores micro, macro, weighted, samples_avg;
  std::vector<ClassScores> per_class;
};

struct MultiLabelInput {
  std::span<const std::string> classes;
  std::span<const std::uint8_t> truth;      ///< [n, classes], 0 or not
  std::span<const std::uint8_t> predicted;  ///< [n, classes]; empty: probability >= threshold
  std::span<const double> probability = {};
  /// [classes]; empty: 0.5 where the probabilities decide, else unknown.
  std::span<const double> threshold = {};
};
/// Throws as single_label_metrics.
MultiLabelMetrics multi_label_metrics(const MultiLabelInput& input);

/// The first of the most probable classes of each sample. probability [n, classes] -> [n].
std::vector<std::int64_t> most_probable(std::span<const double> probability, std::int64_t classes);
/// probability [n, classes] >= threshold [classes] -> [n, classes] of 0 and 1.
std::vector<std::uint8_t> apply_thresholds(std::span<const double> probability,
                                           std::span<const double> threshold);
/// The threshold of each label that gives its best F1 on these samples: halfway between the least
/// probable sample that counts and the next (Lipton et al. 2014 on why it is rarely 0.5); 0.5 for a
/// label that no sample has. probability, truth [n, classes] -> [classes]. Throws ShapeError.
std::vector<double> best_f1_thresholds(std::span<const double> probability,
                                       std::span<const std::uint8_t> truth, std::int64_t classes);
/// counts[t * classes + p] of samples with truth t and prediction p.
std::vector<std::int64_t> confusion_matrix(std::span<const std::int64_t> truth,
                                           std::span<const std::int64_t> predicted,
                                           std::int64_t classes);

}  // namespace taxon

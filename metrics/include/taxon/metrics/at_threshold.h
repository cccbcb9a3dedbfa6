// What one probability threshold for all classes comes to: each class against the rest.
#pragma once

#include <taxon/metrics/predictions.h>

#include <optional>
#include <string>
#include <vector>

namespace taxon {

/// A class counts as predicted where its probability is at least the threshold.
struct BinaryFigures {
  std::string name;
  double true_positives = 0, false_positives = 0, false_negatives = 0, true_negatives = 0;
  std::optional<double> precision, recall, f1, false_positive_rate;  ///< undefined: 0/0
};

struct ThresholdFigures {
  double threshold = 0;
  std::vector<BinaryFigures> per_class;
  BinaryFigures micro;                                         ///< of the sums over the classes
  double macro_precision = 0, macro_recall = 0, macro_f1 = 0;  ///< undefined counts as 0
  /// Single-label: samples whose largest probability reaches the threshold, and how many of those
  /// are right (undefined without any).
  std::optional<double> answered, answered_accuracy;
};

/// Throws OptionError for a threshold outside [0, 1] or predictions without probabilities.
ThresholdFigures threshold_figures(const Predictions& predictions, double threshold);

/// {"threshold", "micro", "macro", "per_class", ...}: JSON, one line where indent < 0.
std::string threshold_json(const ThresholdFigures& figures, int indent = -1);
/// A table of the classes.
std::string threshold_text(const ThresholdFigures& figures);

}  // namespace taxon

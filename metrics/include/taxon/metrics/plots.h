// Figures for papers, as SVG: confusion matrix, ROC and precision-recall curves, reliability.
#pragma once

#include <taxon/metrics/predictions.h>

#include <string>
#include <utility>
#include <vector>

namespace taxon {

/// The matrix of one label a sample: counts, each cell shaded by its share of the true class.
std::string confusion_svg(const SingleLabelMetrics& metrics);
/// A curve for each class against the rest (up to ten are named, more are drawn in grey) and one
/// of all classes together; areas in the legend. Throws OptionError without probabilities.
std::string roc_svg(const Predictions& predictions);
std::string precision_recall_svg(const Predictions& predictions);
/// Accuracy and share of the samples by confidence; with several labels a sample, of all labels by
/// their probability. Throws OptionError without bins.
std::string reliability_svg(const std::vector<CalibrationBin>& bins, bool multi_label);

/// All that these predictions allow, by file name: confusion_matrix.svg, roc.svg,
/// precision_recall.svg, reliability.svg.
std::vector<std::pair<std::string, std::string>> all_plots(const Predictions& predictions);

}  // namespace taxon

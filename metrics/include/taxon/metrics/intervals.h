// Confidence intervals of a classifier's figures, by resampling its samples.
#pragma once

#include <taxon/metrics/classification.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace taxon {

struct Interval {
  double low = 0, high = 0;
};

/// Intervals by the names of metrics.json ("macro.f1" for f1 of macro).
struct Intervals {
  double level = 0.95;
  std::int64_t resamples = 0;
  std::vector<std::pair<std::string, Interval>> of;

  const Interval* find(std::string_view name) const;  ///< nullptr: none of that name
};

struct BootstrapOptions {
  std::int64_t resamples = 1000;
  double level = 0.95;
  std::uint64_t seed = 0;
  /// ROC areas and average precisions are left out where samples * classes * resamples is above
  /// it: their resampling takes seconds from there on.
  double most_steps = 2e9;
};

/// Percentile bootstrap (Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter
/// 13): `resamples` times, n samples are drawn with replacement. Single-label: balanced_accuracy,
/// log_loss, brier, mcc, cohen_kappa, macro.f1, weighted.f1, roc_auc_ovr_macro and
/// average_precision_macro; accuracy and top5, being shares, have Wilson's interval
/// (proportions.h). Figures that need probabilities are left out where there are none. Calibration
/// errors have none: those of resamples are larger than those of the samples they are drawn from. A
/// class with few samples is missing in some resamples, which macro averages then leave out. The
/// same for any number of threads. Throws as single_label_metrics; OptionError for options out of
/// range (resamples >= 1, level in (0, 1)).
Intervals bootstrap_intervals(const SingleLabelInput& input, const BootstrapOptions& options = {});
/// Multi-label: subset_accuracy (Wilson's), hamming_loss, mAP, roc_auc_macro,
/// label_ranking_average_precision, micro.f1, macro.f1, samples_avg.f1.
Intervals bootstrap_intervals(const MultiLabelInput& input, const BootstrapOptions& options = {});

}  // namespace taxon

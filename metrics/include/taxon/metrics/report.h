// Metrics as text and as metrics.json.
#pragma once

#include <taxon/metrics/classification.h>
#include <taxon/metrics/predictions.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taxon {

/// The object of metrics.json; indent < 0: one line. Undefined values are null; intervals and
/// prediction sets are left out where there are none.
std::string metrics_json(const Figures& figures, int indent = -1);
std::string metrics_json(const SingleLabelMetrics& m, int indent = -1);
std::string metrics_json(const MultiLabelMetrics& m, int indent = -1);

/// Laid out as scikit-learn's classification_report. An undefined value is `-`; a last line,
/// starting with "warning:", then names what is undefined, once.
std::string classification_report(const SingleLabelMetrics& m, int digits = 4);
std::string classification_report(const MultiLabelMetrics& m, int digits = 4);

/// The report with the other figures below it and, single-label, the worst confusions.
std::string metrics_text(const Figures& figures);

/// The confusion matrix as a table with class names: a row a true class, a column a predicted one.
/// Counts, or shares in per cent.
std::string confusion_table(const SingleLabelMetrics& m, std::optional<Normalize> by = {});

struct Confusion {
  std::int64_t truth = 0, predicted = 0;
  double count = 0;
  double share = 0;  ///< of the samples of the true class
};
/// The most frequent mistakes, largest count first, then by true and predicted class.
std::vector<Confusion> worst_confusions(const SingleLabelMetrics& m, std::size_t limit = 10);

}  // namespace taxon

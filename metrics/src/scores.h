// Precision, recall and what follows, from counts; shared by the single- and the multi-label
// figures.
#pragma once

#include <taxon/metrics/classification.h>

#include "score_walk.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon::scoring {

/// True positives, predicted positives and actual positives of a class, a sample or everything.
struct Counts {
  double hits = 0, predicted = 0, actual = 0;

  Counts& operator+=(const Counts& o) {
    hits += o.hits;
    predicted += o.predicted;
    actual += o.actual;
    return *this;
  }
};

inline std::optional<double> ratio(double a, double b) {
  return b == 0 ? std::nullopt : std::optional<double>(a / b);
}

/// Matthews' coefficient of several classes; 0 where the truth or the prediction is constant.
double matthews(std::span<const Counts> counts);

/// The matrix [classes, classes] with the classes by value, where all names are numbers (ordered
/// ones often are, and as text 10 comes before 9); else as it is.
std::vector<double> ordered_by_number(std::vector<double> confusion,
                                      std::span<const std::string> names);

/// Undefined counts as 0.
Scores scores_of(const Counts& c, double beta);
void fill_scores(ClassScores& out, const Counts& c, double beta);
Scores macro_average(const std::vector<ClassScores>& classes);
/// Weighted by support; 0 where no class has any.
Scores weighted_average(const std::vector<ClassScores>& classes);

/// Fills average_precision and roc_auc of every class; their averages.
void fill_rankings(std::vector<ClassScores>& classes, const ClassRankings& rankings,
                   Averages& roc_auc, Averages& average_precision);

/// Throw as single_label_metrics and multi_label_metrics for input that makes no sense.
void check_input(const SingleLabelInput& in);
void check_input(const MultiLabelInput& in);
/// Throws OptionError for a beta that is not above 0 or bins below 1.
void check_options(const char* what, const MetricsOptions& options);

}  // namespace taxon::scoring

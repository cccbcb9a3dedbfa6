// Precision, recall and what follows, from counts.
#include "scores.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <cmath>

namespace taxon::scoring {
namespace {

std::optional<double> f_of(const Counts& c, double beta) {
  const double b = beta * beta;
  return ratio((1 + b) * c.hits, c.predicted + b * c.actual);
}

std::optional<double> jaccard_of(const Counts& c) {
  return ratio(c.hits, c.predicted + c.actual - c.hits);
}

Scores average(const std::vector<ClassScores>& classes, bool by_support) {
  Scores sum;
  double weights = 0;
  for (const ClassScores& k : classes) {
    const double w = by_support ? k.support : 1.0;
    sum.precision += w * k.precision.value_or(0);
    sum.recall += w * k.recall.value_or(0);
    sum.f1 += w * k.f1.value_or(0);
    sum.fbeta += w * k.fbeta.value_or(0);
    sum.jaccard += w * k.jaccard.value_or(0);
    weights += w;
  }
  if (weights == 0) return {};
  for (double* v : {&sum.precision, &sum.recall, &sum.f1, &sum.fbeta, &sum.jaccard}) *v /= weights;
  return sum;
}

// Of a figure that classes may lack: undefined counts as 0.
template <class Figure>
Averages averages(const std::vector<ClassScores>& classes, const Figure& figure,
                  std::optional<double> micro) {
  double sum = 0, weighted = 0, support = 0;
  for (const ClassScores& k : classes) {
    sum += figure(k).value_or(0);
    weighted += k.support * figure(k).value_or(0);
    support += k.support;
  }
  return {sum / static_cast<double>(classes.size()), ratio(weighted, support), micro};
}

}  // namespace

Scores scores_of(const Counts& c, double beta) {
  return {ratio(c.hits, c.predicted).value_or(0), ratio(c.hits, c.actual).value_or(0),
          f_of(c, 1).value_or(0), f_of(c, beta).value_or(0), jaccard_of(c).value_or(0)};
}

void fill_scores(ClassScores& out, const Counts& c, double beta) {
  out.precision = ratio(c.hits, c.predicted);
  out.recall = ratio(c.hits, c.actual);
  out.missed = c.actual - c.hits;
  out.added = c.predicted - c.hits;
  out.f1 = f_of(c, 1);
  out.fbeta = f_of(c, beta);
  out.jaccard = jaccard_of(c);
  out.support = c.actual;
}

Scores macro_average(const std::vector<ClassScores>& classes) {
  return average(classes, false);
}

Scores weighted_average(const std::vector<ClassScores>& classes) {
  return average(classes, true);
}

void fill_rankings(std::vector<ClassScores>& classes, const ClassRankings& rankings,
                   Averages& roc_auc, Averages& average_precision) {
  for (std::size_t k = 0; k < classes.size(); ++k) {
    classes[k].average_precision = rankings.classes[k].average_precision;
    classes[k].roc_auc = rankings.classes[k].roc_auc;
  }
  roc_auc = averages(
      classes, [](const ClassScores& k) { return k.roc_auc; }, rankings.micro.roc_auc);
  average_precision = averages(
      classes, [](const ClassScores& k) { return k.average_precision; },
      rankings.micro.average_precision);
}

double matthews(std::span<const Counts> counts) {
  double chance = 0, predicted_squares = 0, actual_squares = 0;
  Counts all;
  for (const Counts& k : counts) {
    all += k;
    chance += k.predicted * k.actual;
    predicted_squares += k.predicted * k.predicted;
    actual_squares += k.actual * k.actual;
  }
  // A constant side leaves nothing, or the rounding of a sum of weights.
  const double n = all.actual;
  const double predicted = n * n - predicted_squares, actual = n * n - actual_squares;
  if (std::min(predicted, actual) <= 1e-13 * n * n) return 0;
  return (all.hits * n - chance) / std::sqrt(predicted * actual);
}

void check_options(const char* what, const MetricsOptions& options) {
  if (!std::isfinite(options.beta) || options.beta <= 0)
    fail<OptionError>(what, ": beta is ", options.beta, ", expected a number above 0");
  if (options.top_k < 0) fail<OptionError>(what, ": top_k is ", options.top_k, ", expected >= 0");
  if (options.bins < 1) fail<OptionError>(what, ": ", options.bins, " bins, expected >= 1");
}

}  // namespace taxon::scoring

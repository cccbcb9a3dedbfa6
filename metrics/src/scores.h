// Precision, recall and F1 from counts, shared by the single- and the multi-label figures.
#pragma once

#include <taxon/base/parallel.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace taxon::scoring {

/// True positives, predicted positives and actual positives of a class, a sample or everything.
struct Counts {
  double hits = 0, predicted = 0, actual = 0;
};

inline std::optional<double> ratio(double a, double b) {
  return b == 0 ? std::nullopt : std::optional<double>(a / b);
}

inline std::optional<double> f1_of(const Counts& c) {
  return ratio(2 * c.hits, c.predicted + c.actual);
}

/// Undefined counts as 0.
Scores scores_of(const Counts& c);
void fill_scores(ClassScores& out, const Counts& c);
Scores macro_average(const std::vector<ClassScores>& classes);
/// Weighted by support; 0 where no class has any.
Scores weighted_average(const std::vector<ClassScores>& classes);

/// Fills average_precision and roc_auc of every class. probability [n, classes]; positive(i, k):
/// does sample i have class k.
template <class Positive>
void fill_rankings(std::vector<ClassScores>& classes, std::span<const double> probability,
                   const Positive& positive) {
  const std::size_t c = classes.size(), n = probability.size() / c;
  parallel_chunks(static_cast<std::int64_t>(c), [&](std::int64_t chunk) {
    const auto k = static_cast<std::size_t>(chunk);
    std::vector<double> score(n);
    std::vector<std::uint8_t> label(n);
    for (std::size_t i = 0; i < n; ++i) {
      score[i] = probability[i * c + k];
      label[i] = positive(i, k) ? 1 : 0;
    }
    const Ranking r = ranking(score, label);
    classes[k].average_precision = r.average_precision;
    classes[k].roc_auc = r.roc_auc;
  });
}

/// Throws OptionError for a probability that is no finite number.
void check_finite(const char* what, std::span<const double> values);

}  // namespace taxon::scoring

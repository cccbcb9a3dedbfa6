// Curves and areas of scores.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/metrics/curves.h>

#include "checks.h"
#include "score_walk.h"

#include <algorithm>
#include <limits>

namespace taxon {

using namespace scoring;

namespace {

void check_sizes(const char* what, std::size_t scores, std::size_t labels, std::size_t weights) {
  if (scores != labels) fail<ShapeError>(what, ": ", scores, " scores, ", labels, " labels");
  if (weights != 0 && weights != scores)
    fail<ShapeError>(what, ": ", scores, " scores, ", weights, " weights");
}

}  // namespace

Ranking ranking(std::span<const double> score, std::span<const std::uint8_t> positive,
                std::span<const double> weight) {
  check_sizes("ranking", score.size(), positive.size(), weight.size());
  return class_rankings(score, {{}, positive, 1}, weight).micro;
}

std::vector<CurvePoint> score_curve(std::span<const double> score,
                                    std::span<const std::uint8_t> positive,
                                    std::span<const double> weight) {
  check_sizes("score_curve", score.size(), positive.size(), weight.size());
  const std::vector<Scored> order = in_order(score);
  std::vector<CurvePoint> points;
  double hits = 0, misses = 0;
  walk_ties(order, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t at = order[i].index;
      (positive[at] != 0 ? hits : misses) += weight.empty() ? 1 : weight[at];
    }
    points.push_back({score[order[begin].index], hits, misses, 0, 0, 0});
  });
  for (CurvePoint& p : points) {
    const double all = p.true_positives + p.false_positives;
    p.true_positive_rate = hits > 0 ? p.true_positives / hits : 0;
    p.false_positive_rate = misses > 0 ? p.false_positives / misses : 0;
    p.precision = all > 0 ? p.true_positives / all : 0;
  }
  return points;
}

std::vector<double> one_vs_one_areas(std::span<const double> probability, std::int64_t classes,
                                     std::span<const std::int64_t> truth,
                                     std::span<const double> weight) {
  check_table("one_vs_one_areas", probability, classes, truth, weight);
  const auto c = static_cast<std::size_t>(classes);
  const std::size_t n = truth.size();
  std::vector<double> areas(c * c, std::numeric_limits<double>::quiet_NaN());
  // One walk by the probability of a meets the samples of every other class on its way.
  parallel_chunks(classes, [&](std::int64_t chunk) {
    const auto a = static_cast<std::size_t>(chunk);
    std::vector<double> column(n), below(c, 0.0), twice(c, 0.0);
    for (std::size_t i = 0; i < n; ++i) column[i] = probability[i * c + a];
    const std::vector<Scored> order = in_order(column);
    double above = 0;
    walk_ties(order, [&](std::size_t begin, std::size_t end) {
      double hits = 0;
      const auto each = [&](const auto& visit) {
        for (std::size_t i = begin; i < end; ++i) {
          const std::size_t at = order[i].index;
          visit(static_cast<std::size_t>(truth[at]), weight.empty() ? 1 : weight[at]);
        }
      };
      each([&](std::size_t k, double w) { hits += k == a ? w : 0; });
      each([&](std::size_t k, double w) {
        if (k == a) return;
        twice[k] += w * (2 * above + hits);
        below[k] += w;
      });
      above += hits;
    });
    for (std::size_t b = 0; b < c; ++b)
      if (b != a && above > 0 && below[b] > 0) areas[a * c + b] = twice[b] / (2 * above * below[b]);
  });
  return areas;
}

}  // namespace taxon

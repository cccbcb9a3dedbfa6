// Scores of probabilities: log loss, Brier score, top-k.
#include <taxon/base/error.h>
#include <taxon/metrics/curves.h>

#include "checks.h"
#include "parts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace taxon {

using namespace scoring;

namespace {

/// The weighted mean of value(sample).
template <class Value>
double mean_over(std::size_t n, std::span<const double> weight, const Value& value) {
  const auto weighted = [&](std::size_t i) { return weight_of(weight, i) * value(i); };
  return sum_of<double>(n, weighted) / total_weight(weight, n);
}

}  // namespace

double sample_log_loss(double p) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  return -std::log(std::clamp(p, eps, 1 - eps));
}

double log_loss(std::span<const double> probability, std::int64_t classes,
                std::span<const std::int64_t> truth, std::span<const double> weight) {
  check_table("log_loss", probability, classes, truth, weight);
  const auto c = static_cast<std::size_t>(classes);
  return mean_over(truth.size(), weight, [&](std::size_t i) {
    return sample_log_loss(probability[i * c + static_cast<std::size_t>(truth[i])]);
  });
}

double brier_score(std::span<const double> probability, std::int64_t classes,
                   std::span<const std::int64_t> truth, std::span<const double> weight) {
  check_table("brier_score", probability, classes, truth, weight);
  const auto c = static_cast<std::size_t>(classes);
  const double mean = mean_over(truth.size(), weight, [&](std::size_t i) {
    const auto row = probability.subspan(i * c, c);
    double squares = 0;
    for (const double p : row) squares += p * p;
    const double p = row[static_cast<std::size_t>(truth[i])];
    return squares - p * p + (p - 1) * (p - 1);
  });
  return classes == 2 ? mean / 2 : mean;
}

double top_k_accuracy(std::span<const double> probability, std::int64_t classes,
                      std::span<const std::int64_t> truth, std::int64_t k,
                      std::span<const double> weight) {
  check_table("top_k_accuracy", probability, classes, truth, weight);
  if (k < 1) fail<OptionError>("top_k_accuracy: k is ", k, ", expected >= 1");
  const auto c = static_cast<std::size_t>(classes);
  return mean_over(truth.size(), weight, [&](std::size_t i) {
    const auto row = probability.subspan(i * c, c);
    const auto t = static_cast<std::size_t>(truth[i]);
    std::int64_t before = 0;
    for (std::size_t j = 0; j < c; ++j)
      before += row[j] > row[t] || (row[j] == row[t] && j < t) ? 1 : 0;
    return before < k ? 1.0 : 0.0;
  });
}

}  // namespace taxon

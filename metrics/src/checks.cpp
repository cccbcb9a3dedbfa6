// Checks of the arguments that several metrics share.
#include "checks.h"

#include <taxon/base/error.h>

#include "parts.h"

#include <cmath>
#include <numeric>

namespace taxon::scoring {

void check_finite(const char* what, std::span<const double> values) {
  const auto wrong = sum_of<std::size_t>(
      values.size(), [&](std::size_t i) { return std::isfinite(values[i]) ? 0U : 1U; });
  for (std::size_t i = 0; wrong > 0 && i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail<OptionError>(what, ": probability ", i, " is ", values[i], ", expected a finite number");
}

void check_weights(const char* what, std::span<const double> weight, std::size_t n) {
  if (weight.empty()) return;
  if (weight.size() != n)
    fail<ShapeError>(what, ": ", weight.size(), " weights of ", n, " samples");
  for (std::size_t i = 0; i < n; ++i)
    if (!std::isfinite(weight[i]) || weight[i] < 0)
      fail<OptionError>(what, ": the weight of sample ", i, " is ", weight[i],
                        ", expected a number of at least 0");
  if (total_weight(weight, n) == 0)
    fail<OptionError>(what, ": all weights are 0, expected at least one above");
}

void check_classes(const char* what, std::span<const std::int64_t> indices, std::int64_t classes) {
  for (const std::int64_t k : indices)
    if (k < 0 || k >= classes)
      fail<OptionError>(what, ": class ", k, ", expected one in [0, ", classes, ")");
}

void check_table(const char* what, std::span<const double> probability, std::int64_t classes,
                 std::span<const std::int64_t> truth, std::span<const double> weight) {
  if (classes < 1 || truth.empty() ||
      probability.size() != truth.size() * static_cast<std::size_t>(classes))
    fail<ShapeError>(what, ": ", probability.size(), " probabilities for ", truth.size(),
                     " samples of ", classes, " classes");
  check_classes(what, truth, classes);
  check_weights(what, weight, truth.size());
}

double total_weight(std::span<const double> weight, std::size_t n) {
  if (weight.empty()) return static_cast<double>(n);
  return std::accumulate(weight.begin(), weight.end(), 0.0);
}

}  // namespace taxon::scoring

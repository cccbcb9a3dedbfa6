// The confusion matrix and what follows from it alone: kappa and shares.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>

#include "checks.h"
#include "scores.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace taxon {

namespace {

void check_matrix(const char* what, std::span<const double> confusion, std::int64_t classes) {
  if (classes < 1 || confusion.size() != static_cast<std::size_t>(classes * classes))
    fail<ShapeError>(what, ": ", confusion.size(), " entries, expected ", classes, "x", classes);
}

struct Sums {
  std::vector<double> rows, columns;
  double all = 0;
};

Sums sums_of(std::span<const double> confusion, std::size_t c) {
  Sums out{std::vector<double>(c, 0.0), std::vector<double>(c, 0.0), 0};
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p) {
      out.rows[t] += confusion[t * c + p];
      out.columns[p] += confusion[t * c + p];
      out.all += confusion[t * c + p];
    }
  return out;
}

double mistake(KappaWeights weights, std::size_t t, std::size_t p) {
  const double distance = std::abs(static_cast<double>(t) - static_cast<double>(p));
  if (weights == KappaWeights::none) return distance > 0 ? 1 : 0;
  return weights == KappaWeights::linear ? distance : distance * distance;
}

}  // namespace

std::vector<double> confusion_matrix(std::span<const std::int64_t> truth,
                                     std::span<const std::int64_t> predicted, std::int64_t classes,
                                     std::span<const double> weight) {
  if (truth.size() != predicted.size())
    fail<ShapeError>("confusion_matrix: ", truth.size(), " true classes, ", predicted.size(),
                     " predicted");
  scoring::check_weights("confusion_matrix", weight, truth.size());
  std::vector<double> sums(static_cast<std::size_t>(classes * classes), 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    for (const std::int64_t k : {truth[i], predicted[i]})
      if (k < 0 || k >= classes)
        fail<OptionError>("confusion_matrix: class ", k, " of sample ", i, ", expected one in [0, ",
                          classes, ")");
    sums[static_cast<std::size_t>(truth[i] * classes + predicted[i])] +=
        scoring::weight_of(weight, i);
  }
  return sums;
}

std::vector<double> scoring::ordered_by_number(std::vector<double> confusion,
                                               std::span<const std::string> names) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t k = 0; k < names.size(); ++k) {
    double v = 0;
    const char* end = names[k].data() + names[k].size();
    const auto [stop, error] = std::from_chars(names[k].data(), end, v);
    if (error != std::errc() || stop != end || !std::isfinite(v)) return confusion;
    order.emplace_back(v, k);
  }
  std::sort(order.begin(), order.end());
  const std::size_t c = names.size();
  std::vector<double> out(confusion.size());
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p)
      out[t * c + p] = confusion[order[t].second * c + order[p].second];
  return out;
}

std::vector<double> normalized(std::span<const double> confusion, std::int64_t classes,
                               Normalize by) {
  check_matrix("normalized", confusion, classes);
  const auto c = static_cast<std::size_t>(classes);
  const auto [rows, columns, all] = sums_of(confusion, c);
  std::vector<double> out(c * c, 0.0);
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p) {
      const double sum = by == Normalize::row      ? rows[t]
                         : by == Normalize::column ? columns[p]
                                                   : all;
      if (sum > 0) out[t * c + p] = confusion[t * c + p] / sum;
    }
  return out;
}

std::optional<double> cohen_kappa(std::span<const double> confusion, std::int64_t classes,
                                  KappaWeights weights) {
  check_matrix("cohen_kappa", confusion, classes);
  const auto c = static_cast<std::size_t>(classes);
  const auto [rows, columns, all] = sums_of(confusion, c);
  double observed = 0, expected = 0;
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p) {
      observed += confusion[t * c + p] * mistake(weights, t, p);
      expected += rows[t] * columns[p] * mistake(weights, t, p);
    }
  if (expected == 0) return std::nullopt;
  return 1 - observed * all / expected;
}

}  // namespace taxon

// See mcnemar.h.
#include <taxon/base/error.h>
#include <taxon/metrics/mcnemar.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace taxon {
namespace {

constexpr std::int64_t exact_below = 25;

// P(X <= k) for X ~ Binomial(n, 1/2), n small.
double binomial_tail(std::int64_t k, std::int64_t n) {
  double term = std::ldexp(1.0, -static_cast<int>(n)), sum = 0;
  for (std::int64_t i = 0; i <= k; ++i) {
    sum += term;
    term *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return sum;
}

}  // namespace

McNemar mcnemar(std::int64_t first_only, std::int64_t second_only) {
  if (first_only < 0 || second_only < 0) {
    fail<OptionError>("mcnemar: ", first_only, " and ", second_only,
                      " samples, expected numbers of 0 or more");
  }
  McNemar out;
  out.first_only = first_only;
  out.second_only = second_only;
  const std::int64_t differ = first_only + second_only;
  out.exact = differ < exact_below;
  if (out.exact) {
    const std::int64_t fewer = std::min(first_only, second_only);
    out.statistic = static_cast<double>(fewer);
    out.p_value = std::min(1.0, 2 * binomial_tail(fewer, differ));
    return out;
  }
  const double gap =
      static_cast<double>(std::max<std::int64_t>(0, std::abs(first_only - second_only) - 1));
  out.statistic = gap * gap / static_cast<double>(differ);
  // The upper tail of chi-squared with one degree of freedom.
  out.p_value = std::erfc(std::sqrt(out.statistic / 2));
  return out;
}

McNemar mcnemar(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second) {
  if (first.size() != second.size()) {
    fail<ShapeError>("mcnemar: ", first.size(), " and ", second.size(),
                     " samples, expected the same ones");
  }
  std::int64_t counts[2][2] = {};
  for (std::size_t i = 0; i < first.size(); ++i) ++counts[first[i] != 0][second[i] != 0];
  McNemar out = mcnemar(counts[1][0], counts[0][1]);
  out.both = counts[1][1];
  out.neither = counts[0][0];
  return out;
}

}  // namespace taxon

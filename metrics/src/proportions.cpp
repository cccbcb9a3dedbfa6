// See proportions.h.
#include <taxon/base/error.h>
#include <taxon/metrics/proportions.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

// Where the standard normal distribution reaches p. Bisection: some microseconds, exact to a few
// ulps for any p.
double normal_quantile(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

void check(double share, double n, double level) {
  if (!(share >= 0 && share <= 1) || !(n > 0) || !(level > 0 && level < 1))
    fail<OptionError>("Wilson's interval of a share of ", share, " in ", n, " samples, level ",
                      level, "; expected a share from 0 to 1, samples, a level between 0 and 1");
}

Interval score_interval(double share, double n, double z) {
  const double z2 = z * z / n;
  const double centre = share + z2 / 2;
  const double half = z * std::sqrt((share * (1 - share) + z2 / 4) / n);
  // A share of 0 or 1 is in its interval, whatever rounding says.
  return {std::clamp((centre - half) / (1 + z2), 0.0, share),
          std::clamp((centre + half) / (1 + z2), share, 1.0)};
}

}  // namespace

Interval wilson_interval(double share, double n, double level) {
  check(share, n, level);
  return score_interval(share, n, normal_quantile((1 + level) / 2));
}

double wilson_lower(double share, double n, double certainty) {
  check(share, n, certainty);
  return score_interval(share, n, std::max(0.0, normal_quantile(certainty))).low;
}

double effective_samples(std::span<const double> weight, std::size_t n) {
  if (weight.empty()) return static_cast<double>(n);
  double sum = 0, squares = 0;
  for (const double w : weight) {
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

}  // namespace taxon

// McNemar's test: do two classifiers, asked about the same samples, differ by more than chance?
#pragma once

#include <cstdint>
#include <span>

namespace taxon {

struct McNemar {
  std::int64_t both = 0;         ///< samples that both get right
  std::int64_t first_only = 0;   ///< right by the first alone (b)
  std::int64_t second_only = 0;  ///< right by the second alone (c)
  std::int64_t neither = 0;      ///< wrong by both
  bool exact = true;             ///< b + c < 25: by the binomial distribution
  double statistic = 0;          ///< min(b, c) if exact, else chi-squared, one degree of freedom
  double p_value = 1;            ///< two-sided
};

/// From the numbers of samples that only one of the two gets right (McNemar 1947). b + c < 25: the
/// exact two-sided binomial test, min(1, 2 P(X <= min(b, c))) for X ~ Binomial(b + c, 1/2); else
/// chi-squared with continuity correction, max(0, |b - c| - 1)^2 / (b + c) (Edwards 1948). Throws
/// OptionError for negative numbers.
McNemar mcnemar(std::int64_t first_only, std::int64_t second_only);
/// first, second [n]: whether each is right about a sample (0 or not). Throws ShapeError where the
/// lengths differ.
McNemar mcnemar(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second);

}  // namespace taxon

// Checks of the arguments that several metrics share.
#pragma once

#include <cstdint>
#include <span>

namespace taxon::scoring {

/// Throws OptionError for a probability that is no finite number.
void check_finite(const char* what, std::span<const double> values);
/// Throws ShapeError unless there are no weights or n, OptionError for weights that are negative,
/// not finite, or all 0.
void check_weights(const char* what, std::span<const double> weight, std::size_t n);
/// Throws OptionError for an index that is not in [0, classes).
void check_classes(const char* what, std::span<const std::int64_t> indices, std::int64_t classes);
/// probability [n, classes], n > 0, truth [n] in [0, classes), weight [n] or empty. Throws
/// ShapeError or OptionError.
void check_table(const char* what, std::span<const double> probability, std::int64_t classes,
                 std::span<const std::int64_t> truth, std::span<const double> weight);

inline double weight_of(std::span<const double> weight, std::size_t i) {
  return weight.empty() ? 1.0 : weight[i];
}

/// The sum of the weights of n samples.
double total_weight(std::span<const double> weight, std::size_t n);

}  // namespace taxon::scoring

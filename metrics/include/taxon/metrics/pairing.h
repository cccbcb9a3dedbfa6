// Predictions of two classifiers about the same samples.
#pragma once

#include <taxon/metrics/mcnemar.h>
#include <taxon/metrics/predictions.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taxon {

inline constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

/// The row of each sample of `first` in `second`, kNoRow where it has none: by id where both name
/// ids, line by line otherwise. Of samples with the same id the first goes with the first, the
/// second with the second. Throws OptionError for files of different lengths without ids.
std::vector<std::size_t> matching_rows(const Predictions& first, const Predictions& second);

/// Where each of `names` stands in `classes`; -1: nowhere.
std::vector<std::int64_t> places_of(std::span<const std::string> names,
                                    std::span<const std::string> classes);

/// Tells whether two files give a sample the same labels, by name.
class SameTruth {
 public:
  /// Predictions of one kind, which must outlive this.
  SameTruth(const Predictions& first, const Predictions& second);
  bool operator()(std::size_t row_of_first, std::size_t row_of_second) const;

 private:
  const Predictions &first_, &second_;
  std::vector<std::int64_t> place_;  // of the second's classes in the first's
};

struct PredictionPair {
  std::vector<std::uint8_t> first, second;  ///< [n], whether each is right about a sample
};

/// Of the samples that both have, as matching_rows finds them. Right means every label right.
/// Throws OptionError for predictions of another kind, samples that are labelled otherwise in the
/// other file, or none in common.
PredictionPair paired(const Predictions& first, const Predictions& second);

}  // namespace taxon

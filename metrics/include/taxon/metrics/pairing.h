// Predictions of two classifiers about the same samples.
#pragma once

#include <taxon/metrics/mcnemar.h>
#include <taxon/metrics/predictions.h>

#include <cstdint>
#include <vector>

namespace taxon {

struct PredictionPair {
  std::vector<std::uint8_t> first, second;  ///< [n], whether each is right about a sample
};

/// Of the samples that both have: by id where both name ids, line by line otherwise. Right means
/// every label right. Throws OptionError for predictions of another kind, samples that are labelled
/// otherwise in the other file, or none in common.
PredictionPair paired(const Predictions& first, const Predictions& second);

}  // namespace taxon

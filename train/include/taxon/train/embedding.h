// A map of samples: the features that a model's head sees, laid into the plane by principal
// components.
#pragma once

#include <taxon/metrics/predictions.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taxon {

/// Features of samples 0, step, 2 step, ... of an evaluation (see EvaluateOptions::features).
struct FeatureSample {
  std::int64_t bytes = std::int64_t{256} << 20;  ///< what the values may take
  std::int64_t step = 1;                         ///< filled so that they fit
  std::int64_t features = 0;                     ///< of one sample
  std::vector<float> values;                     ///< [ceil(samples / step), features]
};

/// The coordinates of rows x [n, features] along their first two principal axes (Pearson 1901), in
/// double: [n, 2], around 0. The axes are found by subspace iteration with Rayleigh-Ritz steps
/// (Halko, Martinsson and Tropp 2011, algorithm 4.4); each is turned so that its largest component
/// is positive, so that the same rows give the same picture. An axis without variance gives 0.
/// Throws ShapeError where the length of x is no multiple of `features`.
std::vector<double> principal_plane(std::span<const float> x, std::int64_t features);

/// embedding.csv: `id,x,y`, a row a sample that has features.
std::string embedding_csv(const Predictions& predictions, const FeatureSample& sample);

}  // namespace taxon

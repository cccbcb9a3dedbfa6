// Cross-validation: all samples but test's, dealt out in equal parts.
#pragma once

#include <taxon/data/dataset.h>

#include <cstdint>
#include <vector>

namespace taxon {

/// The part, 0 to folds - 1, of each sample, drawn by the seed. One class a sample: each part holds
/// as many of each class, and of all, to within one. Several labels: by iterative stratification
/// (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data", algorithm
/// 1). Throws OptionError for fewer than 2 folds, or a class with fewer samples than folds.
std::vector<std::int64_t> stratified_folds(const Dataset& data, std::int64_t folds,
                                           std::uint64_t seed);

}  // namespace taxon

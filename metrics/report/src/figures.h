// Figures of all samples that the page cannot work out from those it shows.
#pragma once

#include "record.h"

#include <cstdint>
#include <vector>

namespace taxon::report {

/// One class a sample: [truth, prediction, count] of each pair that occurs, row by row. Several
/// labels: [label, true positives, false positives, false negatives, true negatives] of each.
Json confusion_of(const Predictions& p);

/// The most frequent mistakes, [truth, prediction, count], largest first. Several labels: a label
/// that was missed and one that was added to the same sample.
Json confused_pairs(const Predictions& p, std::size_t most = 100);

/// {"ece", "bins": [[count, mean confidence, accuracy], ...]} of 15 bins of equal width (see
/// expected_calibration_error). Several labels: of every label's probability, whether it is there.
/// null where confidences are unknown.
Json reliability_of(const Predictions& p, int bins = 15);

/// counts[(class * 2 + there) * (steps + 1) + k]: samples with p >= k / steps that have the class
/// (there = 1) or have it not (0).
std::vector<std::uint32_t> threshold_counts(const Predictions& p, int steps);

/// Samples that carry each class.
std::vector<std::int64_t> positives_of(const Predictions& p);

}  // namespace taxon::report

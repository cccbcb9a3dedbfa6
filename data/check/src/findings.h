// The steps that make the findings.
#pragma once

#include "look.h"

namespace taxon::check {

/// Groups of equal pixels, in order of their first sample.
std::vector<DuplicateGroup> exact_duplicates(const Samples& samples, const Looks& looks);
/// Readable samples to be compared by look: of each group the first; none of one colour.
std::vector<std::int64_t> comparable(const Looks& looks, const std::vector<DuplicateGroup>& groups);
/// What two splits share; findings' duplicates and near must be there.
std::vector<Leak> find_leaks(const Findings& findings);

Balance class_balance(const Samples& samples);
std::vector<MissingClass> missing_classes(const Samples& samples, const Balance& balance);
Sizes image_sizes(const Looks& looks);

std::vector<Outlier> find_outliers(const Samples& samples, const Looks& looks,
                                   const CheckOptions& options);
/// Rows of looks.features, scaled to [0, 1]: f32 [members, feature_count].
Tensor feature_rows(const Looks& looks, std::span<const std::int64_t> members);

/// Out-of-fold probabilities of the readable samples: rows of `samples` in order.
struct Probabilities {
  std::vector<std::int64_t> samples;
  std::vector<double> values;  ///< [samples, classes]
};
/// By five-fold cross-validated ridge regression on 1,024 random rectified projections of the
/// features (Rahimi and Recht 2008, "Weighted sums of random kitchen sinks"); one class: a softmax
/// of the outputs, its scale fitted to the folds' log loss; several labels: outputs clipped to
/// [0, 1].
Probabilities fast_probabilities(const Samples& samples, const Looks& looks,
                                 const CheckOptions& options);
/// Of predictions.csv, matched by id (or path). Throws FormatError where it does not fit the data.
Probabilities read_probabilities(const Samples& samples, const CheckOptions& options);

/// What probabilities say about the labels.
LabelFindings suspicious_labels(const Samples& samples, const Probabilities& probabilities);

}  // namespace taxon::check

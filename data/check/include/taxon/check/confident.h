// Confident learning: which labels look wrong, given probabilities by models that were not trained
// on the samples they judge.
//
// Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels",
// Journal of Artificial Intelligence Research 70, pages 1373 to 1411.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace taxon::check {

/// n samples with a class and a probability of each class. Rows need not sum to 1.
struct LabelledProbabilities {
  std::int64_t classes = 0;
  std::span<const std::int64_t> given;  ///< [n], each in [0, classes)
  std::span<const double> probability;  ///< [n, classes], each in [0, 1]
};

/// What the labels and the probabilities say about each other.
struct ConfidentJoint {
  /// [classes]: t_j, the mean probability of class j over the samples labelled j (equation 2). A
  /// class without samples has a threshold above 1: nothing is counted as it.
  std::vector<double> threshold;
  /// [classes, classes]: C[i][j], samples labelled i that are confidently j: among the classes with
  /// p_l >= t_l, j has the greatest probability (the first of equal ones) (equation 1).
  std::vector<std::int64_t> count;
  /// [classes, classes]: Q[i][j], the share of all samples that are labelled i and are j: the rows
  /// of C scaled to the numbers of labels there are, then all to a sum of 1 (equation 3). A row
  /// without a confident sample counts as correctly labelled.
  std::vector<double> joint;
};
/// Throws OptionError where extents do not fit, a label is outside or a probability is not in
/// [0, 1].
ConfidentJoint confident_joint(const LabelledProbabilities& data);

/// A label that looks wrong.
struct LabelIssue {
  std::int64_t sample = 0;  ///< its row
  std::int64_t given = 0, suggested = 0;
  double given_probability = 0, suggested_probability = 0;
  /// Normalised margin, p(given) - the greatest other probability: -1 is surely wrong (section 4).
  double margin = 0;
};
/// Samples that are pruned both by class and by noise rate (section 3.2, "C+NR"): of each class i
/// the n sum_{j != i} Q[i][j] samples with the least p_i, and for each i != j the n Q[i][j]
/// samples labelled i with the greatest p_j - p_i. (Numbers are rounded to the nearest.) Ordered by
/// margin, the worst first; equal ones by sample. A sample whose given class is the most probable
/// is never listed.
std::vector<LabelIssue> label_issues(const LabelledProbabilities& data);

}  // namespace taxon::check

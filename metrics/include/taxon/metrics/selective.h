// Knowing when not to answer, and answers of several labels with a promise: what is decided on a
// validation split and kept in a model.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace taxon {

/// Split conformal prediction with the score 1 - p(true) (Sadinle, Lei and Wasserman 2019, "Least
/// ambiguous set-valued classifiers with bounded error levels"; Angelopoulos and Bates 2023, "A
/// gentle introduction to conformal prediction"): the set of all labels with p >= threshold(q)
/// holds the truth of a share q of new samples that come from where the calibrating ones came from.
/// A set may be empty: no answer is certain enough. With several labels a sample the score is that
/// of its least probable label, and the set holds all of them.
class Conformal {
 public:
  Conformal() = default;
  /// From the probability of what is true of n samples, n > 0, each in [0, 1].
  static Conformal fit(std::span<const double> probability_of_truth);
  /// From levels(), as a file keeps them. Throws OptionError for what is no such list.
  static Conformal from_levels(std::vector<float> levels);

  bool empty() const { return levels_.empty(); }
  /// From which probability on a label belongs to the set. coverage in (0, 1): OptionError
  /// otherwise. 0 (every label) where the samples are too few for so high a coverage.
  double threshold(double coverage) const;
  /// levels()[j]: the threshold for a coverage of j / kSteps.
  static constexpr std::int64_t kSteps = 1000;
  const std::vector<float>& levels() const { return levels_; }

 private:
  std::vector<float> levels_;
};

/// The probability of what is true of each sample: that of its class, or of the least probable of
/// its labels (1 for a sample without any). probability [n, classes].
std::vector<double> probability_of_truth(std::span<const double> probability, std::int64_t classes,
                                         std::span<const std::int64_t> truth);
std::vector<double> probability_of_truth(std::span<const double> probability, std::int64_t classes,
                                         std::span<const std::uint8_t> truth);

/// What prediction sets with one threshold are worth on samples.
struct SetFigures {
  double wanted = 0;     ///< the coverage that was asked for
  double threshold = 0;  ///< Conformal::threshold of it
  double coverage = 0;   ///< share of the samples whose set holds all that is true
  double mean_size = 0;  ///< labels a set
  double empty = 0;      ///< share of the sets without any
};
/// probability [n, classes]; probability_of_truth [n]. Throws ShapeError, OptionError as
/// Conformal::threshold.
SetFigures set_figures(const Conformal& conformal, double wanted,
                       std::span<const double> probability,
                       std::span<const double> probability_of_truth);

/// What holds of the samples whose confidence is at least `threshold`.
struct SelectivePoint {
  double threshold = 0;
  double coverage = 0;  ///< their share of all
  double accuracy = 0;
  double at_least = 0;  ///< what their accuracy exceeds with a certainty of 95 % (proportions.h)
};
/// A point for each hundredth of coverage, rising: how accuracy pays for silence (El-Yaniv and
/// Wiener 2010, "On the foundations of noise-free selective classification"). confidence, correct
/// [n], n > 0. Equal confidences are kept together. Throws ShapeError.
std::vector<SelectivePoint> selective_curve(std::span<const double> confidence,
                                            std::span<const std::uint8_t> correct);
/// The point of the largest coverage that reaches the accuracy with certainty, by its `at_least`
/// (as Geifman and El-Yaniv 2017, "Selective classification for deep neural networks", bound the
/// risk, here of each point alone); nullptr: none does. What merely reached it on some samples
/// misses it on others half the time.
const SelectivePoint* point_for_accuracy(std::span<const SelectivePoint> curve, double accuracy);

/// What a promise of accuracy is worth on samples.
struct AnswerFigures {
  double wanted = 0;     ///< the accuracy that was asked for
  double threshold = 0;  ///< from which confidence on there is an answer
  double answered = 0;   ///< share of the samples
  double accuracy = 0;   ///< of the answers; 0 without any
};
/// nullopt where the curve cannot promise that much. confidence, correct [n], n > 0. Throws
/// ShapeError.
std::optional<AnswerFigures> answer_figures(std::span<const SelectivePoint> curve, double wanted,
                                            std::span<const double> confidence,
                                            std::span<const std::uint8_t> correct);

}  // namespace taxon

// From which probability on a label counts, decided on samples that the model was not trained on.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace taxon {

/// What a threshold is to reach on the samples it is tuned on.
struct ThresholdAim {
  enum class Figure : std::uint8_t { f1, precision, recall };
  Figure figure = Figure::f1;  ///< f1: the best there is
  double wanted = 0;           ///< precision, recall: at least this
};

/// "f1", "precision=X" or "recall=X"; throws OptionError.
ThresholdAim parse_aim(std::string_view text);

/// The threshold of each label. f1: that of its best F1 (Lipton et al. 2014 on why it is rarely
/// 0.5); precision: the lowest that reaches the wanted precision, so with the best recall, or,
/// where none does, that of the best precision; recall: the highest that reaches the wanted recall.
/// Each lies halfway between the least probable sample that counts and the next; a probability of 0
/// never counts; 0.5 for a label that no sample has or is given. probability, truth [n, classes] ->
/// [classes]; `missed`, if given, gets the labels of no sample and those whose wanted figure no
/// threshold reaches. Throws ShapeError, OptionError for a wanted figure outside [0, 1].
std::vector<double> tuned_thresholds(std::span<const double> probability,
                                     std::span<const std::uint8_t> truth, std::int64_t classes,
                                     const ThresholdAim& aim = {},
                                     std::vector<std::size_t>* missed = nullptr);

}  // namespace taxon

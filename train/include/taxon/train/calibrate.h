// What is decided on the validation split once a model is trained: honest confidences, thresholds,
// prediction sets, when not to answer.
#pragma once

#include <taxon/metrics/thresholds.h>
#include <taxon/train/evaluate.h>

namespace taxon {

struct CalibrateOptions {
  EvaluateOptions evaluate;
  /// The temperature, the levels of prediction sets and the curve of selective answers; without it
  /// only thresholds.
  bool confidences = true;
  /// Of the thresholds. nullopt: the best F1 of each label, none for a model of one label.
  std::optional<ThresholdAim> aim;
};

/// Fills the temperature, conformal levels, selective curve and thresholds of model.meta from what
/// the model says of `val`, whose classes are the model's; its golden pair follows. Returns what a
/// user should know: the labels of which val shows too little. Throws Interrupted, what the data
/// set throws.
std::vector<std::string> calibrate(LoadedModel& model, const DatasetPtr& val,
                                   const CalibrateOptions& options);

/// The figures of a model's predictions; those of its prediction sets and of the answers that its
/// promises and thresholds leave too, where it has them.
Figures model_figures(const ModelMeta& meta, const Predictions& predictions);

}  // namespace taxon

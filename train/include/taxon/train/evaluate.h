// Running a trained model over a data set.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/base/interrupted.h>
#include <taxon/data/dataset.h>
#include <taxon/metrics/predictions.h>
#include <taxon/models/model_file.h>
#include <taxon/train/embedding.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace taxon {

struct EvaluateOptions {
  std::int64_t batch = 128;
  Callback<void(std::int64_t done, std::int64_t all)> on_progress;
  FeatureSample* features = nullptr;             ///< filled where it is given
  const std::atomic<bool>* interrupt = nullptr;  ///< when true, Interrupted is thrown
};

/// The model's answers before any probability: [samples, classes], all views of an image averaged.
/// Classes of the data must be the model's. Throws Interrupted, and what the data set throws.
std::vector<float> evaluate_logits(Model& model, const ModelMeta& meta, const DatasetPtr& data,
                                   const EvaluateOptions& options = {});

/// Probabilities of every sample, with its truth, id and path, complete (see predictions.h).
/// Classes are matched by name. The model must be in evaluation mode. Throws FormatError for a
/// class of the data that the model does not know, or a task that is not the model's; what the data
/// set throws.
Predictions evaluate(Model& model, const ModelMeta& meta, const DatasetPtr& data,
                     const EvaluateOptions& options = {});
/// Evaluation's predictions from logits that are there already.
Predictions predictions_of(const std::vector<float>& logits, const ModelMeta& meta,
                           const DatasetPtr& data);

}  // namespace taxon

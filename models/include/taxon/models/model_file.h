// The model file: safetensors whose weights have PyTorch's names and layouts, and whose metadata
// carries what a model needs in order to be used.
#pragma once

#include <taxon/data/preprocess.h>
#include <taxon/models/model.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace taxon {

/// One decoded image and what the model answered when it was saved: proof that a copy still works.
struct Golden {
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< before preprocessing, [height, width, channels]
  std::vector<float> probabilities;
  double tolerance = 1e-3;  ///< largest allowed difference of a probability
};

struct ModelMeta {
  ModelSpec spec;
  std::vector<std::string> classes;  ///< names, in the order of the outputs
  Preprocess preprocess;
  std::vector<float> thresholds;  ///< multi-label: one a class (default 0.5)
  double temperature = 1;         ///< logits are divided by it before softmax or sigmoid
  std::optional<Golden> golden;
  /// Anything else worth keeping with the model ("data", "accuracy", "created by", ...).
  std::map<std::string, std::string> notes;
};

struct LoadedModel {
  std::shared_ptr<Model> model;  ///< in evaluation mode
  ModelMeta meta;
};

/// Writes atomically. Throws OptionError if classes or thresholds do not fit the model, IoError.
void save_model(const std::string& path, const Model& model, const ModelMeta& meta);
/// Throws IoError; FormatError naming the file, what was found and what was expected.
LoadedModel load_model(const std::string& path);
/// The metadata without the weights.
ModelMeta load_model_meta(const std::string& path);

/// logits [n, classes] -> probabilities: softmax, or sigmoid if multi-label, after the temperature.
Tensor probabilities(const Tensor& logits, bool multi_label, double temperature = 1);

}  // namespace taxon

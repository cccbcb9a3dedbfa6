// The model file: safetensors whose weights have PyTorch's names and layouts, and whose metadata
// carries what a model needs in order to be used.
#pragma once

#include <taxon/data/transforms.h>
#include <taxon/metrics/selective.h>
#include <taxon/models/model.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace taxon {

/// One decoded image and what the model answered when it was saved: proof that a copy still works.
struct Golden {
  Image image;  ///< before preprocessing
  std::vector<float> probabilities;
  double tolerance = 1e-3;  ///< largest allowed difference of a probability
};

/// Test-time augmentation: the views of an image whose logits a model's answer averages. flip: as
/// it is and mirrored; shift: as it is, half, and moved by a pixel up and left and down and right,
/// with reflected edges; flip_shift: each of these mirrored too (Jordan 2024, section 3.5).
enum class Tta : std::uint8_t { none, flip, shift, flip_shift };
std::string_view name_of(Tta tta);
Tta parse_tta(std::string_view name);  ///< throws OptionError
/// The logits [n, classes] of images [n, h, w, c].
Tensor logits_of(Model& model, const Tensor& x, Tta tta);

struct ModelMeta {
  ModelSpec spec;
  std::vector<std::string> classes;  ///< names, in the order of the outputs
  Preprocess preprocess;
  std::vector<float> thresholds;  ///< one a class; multi-label: 0.5 by default
  Tta tta = Tta::none;
  double temperature = 1;                 ///< logits are divided by it before softmax or sigmoid
  Conformal conformal;                    ///< empty: not calibrated
  std::vector<SelectivePoint> selective;  ///< accuracy by coverage on val; empty: not calibrated
  std::optional<Golden> golden;
  /// Anything else worth keeping with the model ("data", "accuracy", "created by", ...).
  std::map<std::string, std::string> notes;
  /// Throws OptionError where fields do not fit each other: classes, thresholds, preprocessing.
  void validate() const;
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

/// logits [n, classes] -> probabilities: softmax, or sigmoid (Task::multi), after the temperature.
Tensor probabilities(const Tensor& logits, Task task, double temperature = 1);

/// What the model answers to one image: [classes].
std::vector<float> predict(Model& model, const ModelMeta& meta, const Image& image);
/// A golden pair: `image` (shrunk to the model's size first) and what the model answers now. The
/// model must be in evaluation mode.
Golden make_golden(Model& model, const ModelMeta& meta, const Image& image);
/// Runs the golden pair; the largest difference of a probability. Throws FormatError if it is above
/// the tolerance, or if there is no golden pair; `name` names the model.
double verify_golden(Model& model, const ModelMeta& meta, const std::string& name = "model");

}  // namespace taxon

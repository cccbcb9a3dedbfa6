// Classifier: a model file, ready to label images. For programs that embed Taxon.
#pragma once

#include <taxon/base/device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon {

class Model;
struct ModelMeta;

/// 8-bit pixels in memory, interleaved, top row first: grey, grey and alpha, RGB or RGBA.
struct RawImage {
  const std::uint8_t* pixels = nullptr;
  std::int64_t height = 0, width = 0, channels = 3;
  std::int64_t row_stride = 0;  ///< bytes from one row to the next; 0: width * channels
};

struct Label {
  std::string label;
  std::int64_t index = 0;
  float probability = 0;
};

struct Classification {
  std::vector<Label> top;            ///< the k most probable, best first
  std::vector<float> probabilities;  ///< of all classes, in the model's order
  std::vector<Label> labels;  ///< multi-label: those at or above their threshold; else the best one
  std::vector<Label> set;     ///< with ClassifierOptions::coverage: best first; may be empty
  bool abstained = false;     ///< too little confidence for ClassifierOptions::accuracy or for a
                              ///< class's own threshold
};

struct ClassifierOptions {
  bool verify = false;  ///< check the golden pair on load (FormatError if the answer differs)
  int threads = 0;      ///< threads that compute, for the whole process; 0: as it is
  std::optional<Device> device;  ///< where it computes; none: where the model is, or the CPU
  std::int64_t top = 5;
  /// In (0, 1): answer with sets of labels that hold the truth in this share of cases; 0: no sets.
  double coverage = 0;
  /// In (0, 1]: abstain where confidence is below what reached this accuracy on val; 0: never.
  double accuracy = 0;
};

/// Thread-safe: const calls may come from several threads at once. Copies share the model.
class Classifier {
 public:
  /// Throws IoError or FormatError; OptionError for a coverage or an accuracy where the model was
  /// not calibrated for it, or never reached the accuracy.
  static Classifier load(const std::string& path, const ClassifierOptions& options = {});
  /// Of a model in memory, which is used as it is (put into evaluation mode).
  Classifier(std::shared_ptr<Model> model, ModelMeta meta, const ClassifierOptions& options = {});

  /// A PNG, JPEG or BMP file. Throws IoError or FormatError.
  Classification classify(const std::string& path) const;
  /// The bytes of such a file.
  Classification classify(std::span<const std::uint8_t> encoded) const;
  /// Throws ShapeError for extents that make no sense.
  Classification classify(const RawImage& image) const;
  /// One answer an image, computed together.
  std::vector<Classification> classify(std::span<const RawImage> images) const;

  const std::vector<std::string>& classes() const;
  const ModelMeta& meta() const;
  /// Runs the golden pair; the largest difference of a probability. Throws FormatError if it is
  /// above the tolerance, or if the model has no golden pair.
  double verify() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace taxon

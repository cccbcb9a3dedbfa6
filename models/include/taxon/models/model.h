// Models: what to build (ModelSpec), the registry, and Model: a module that is a backbone and a
// head.
#pragma once

#include <taxon/data/dataset.h>
#include <taxon/layers/init.h>
#include <taxon/layers/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace taxon {

/// imagenet: 7x7 stride 2, then 3x3 max-pool stride 2. small: 3x3 stride 1, no pooling. automatic:
/// small for images of at most 64 pixels.
enum class Stem : std::uint8_t { automatic, imagenet, small };
/// How a ResNet's shortcut changes shape (He et al. 2016, section 3.3). a: subsampled, padded with
/// zero channels; b: 1x1 projection. automatic: a for the CIFAR ResNets, b for the others.
enum class Shortcut : std::uint8_t { automatic, a, b };

std::string_view name_of(Stem stem);
std::string_view name_of(Shortcut shortcut);
Stem parse_stem(std::string_view name);          ///< throws OptionError
Shortcut parse_shortcut(std::string_view name);  ///< "auto", "A" or "B"
DType parse_precision(std::string_view name);    ///< "f32" or "bf16"; throws OptionError

/// The architecture: enough to build a model without its weights. Extents of 0: the model's own
/// input (28x28x1, 32x32x3 or 224x224x3).
struct ModelSpec {
  std::string name = "resnet18";
  std::int64_t height = 0, width = 0, channels = 0;
  std::int64_t classes = 10;
  /// multi: the outputs are independent labels (sigmoid) instead of one class (softmax).
  Task task = Task::single;
  Stem stem = Stem::automatic;
  Shortcut shortcut = Shortcut::automatic;
  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

/// A classifier network: forward(x [n, h, w, c]) = head(features(x)) -> logits [n, classes].
class Model : public Module {
 public:
  explicit Model(ModelSpec spec) : spec_(std::move(spec)) {}
  /// x and the logits are f32 whatever the precision.
  Tensor forward(const Tensor& x) override;
  virtual Tensor features(const Tensor& x) = 0;  ///< [n, f]
  Tensor features_f32(const Tensor& x);  ///< the same of an f32 x, in f32, whatever the precision
  virtual Tensor head(const Tensor& features) = 0;
  /// The name of the last layer ("fc"), whose parameters depend on the classes.
  virtual std::string head_name() const = 0;
  /// A new head for other classes, freshly drawn.
  virtual void replace_head(std::int64_t classes, Init& init) = 0;
  /// The same weights for another task and size of images. Throws OptionError where the weights
  /// depend on the size, or it is too small.
  void adapt(Task task, std::int64_t height, std::int64_t width);
  /// For inference: computes the same with fewer operations (batch-norm folded into convolutions,
  /// weights transformed and packed once). The model can no longer be trained or saved.
  virtual void optimize_for_inference();
  /// Training images, normalised, that fit_to_data() wants to see before training; 0: none.
  virtual std::int64_t images_wanted() const { return 0; }
  /// Weights that are computed from the data rather than learnt. images: f32 [n, h, w, c].
  virtual void fit_to_data(const Tensor& images) { static_cast<void>(images); }
  /// All but the head stop (or start again) to require gradients.
  void freeze_backbone(bool on = true);
  /// f32, or bf16: the backbone's activations and their gradients are stored in 16 bits;
  /// arithmetic, parameters and the head stay f32. Throws OptionError for other types.
  void set_precision(DType precision);
  DType precision() const { return precision_; }
  Device device() const;                           ///< where its parameters are; see Module::to
  const ModelSpec& spec() const { return spec_; }  ///< resolved: nothing automatic, no extent 0
  std::string str() const override;

 protected:
  ModelSpec spec_;

 private:
  DType precision_ = DType::f32;
};

/// Fills what is automatic or 0 and checks the rest. Throws OptionError: an unknown name (with a
/// suggestion), no classes, an image too small for the model.
ModelSpec resolve(const ModelSpec& spec);
/// Builds the model, weights drawn from the seed.
std::shared_ptr<Model> build_model(const ModelSpec& spec, std::uint64_t seed = 0);
/// A row of the registry.
struct ModelInfo {
  std::string name, summary;
  std::int64_t height, width, channels;  ///< its own input
};
const std::vector<ModelInfo>& model_table();
std::vector<std::string> model_names();

}  // namespace taxon

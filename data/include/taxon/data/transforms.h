// From a decoded image to what a model sees. Preprocess is the one path of training, evaluation,
// prediction and export, and is stored in the model file; Augment varies training samples.
#pragma once

#include <taxon/core/tensor.h>
#include <taxon/data/image.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

enum class ResizeMode : std::uint8_t {
  crop,      ///< shorter side to size / crop_pct, then the centre is cut out
  squash,    ///< both sides to size; the aspect ratio is lost
  letterbox  ///< longer side to size, the rest filled with grey 114
};
std::string_view name_of(ResizeMode mode);
ResizeMode parse_resize_mode(std::string_view name);  ///< throws OptionError with a suggestion

struct Preprocess {
  std::int64_t height = 32, width = 32, channels = 3;  ///< channels: 1 or 3
  ResizeMode resize = ResizeMode::crop;
  double crop_pct = 1.0;             ///< mode crop only, in (0, 1]; 0.875 is 256 -> 224
  std::vector<float> mean{0, 0, 0};  ///< one a channel, of pixels scaled to [0, 1]
  std::vector<float> std{1, 1, 1};

  /// Throws OptionError where a field is out of range.
  void validate() const;
  /// Channels converted, resized and cut: u8 [height, width, channels].
  Image fit(const Image& image) const;
  /// pixel * scale + shift is (pixel / 255 - mean) / std of a channel.
  struct Affine {
    float scale, shift;
  };
  Affine affine(std::int64_t channel) const;
  /// out = (pixel / 255 - mean) / std for `pixels` pixels of `channels` values each.
  void normalize(const std::uint8_t* in, std::int64_t pixels, float* out) const;
  /// fit and normalize: f32 [1, height, width, channels].
  Tensor operator()(const Image& image) const;
  /// The same for several: f32 [n, height, width, channels]. Images are fitted in parallel.
  Tensor operator()(std::span<const Image> images) const;

  friend bool operator==(const Preprocess&, const Preprocess&) = default;
};

/// Normalisation of images about which nothing is known: the statistics of ImageNet (for one
/// channel, their mean).
std::vector<float> imagenet_mean(std::int64_t channels);
std::vector<float> imagenet_std(std::int64_t channels);

enum class PadMode : std::uint8_t { zero, reflect };
enum class Policy : std::uint8_t { none, trivial, rand };
enum class EraseFill : std::uint8_t { mean, random };

/// Random changes of training samples, done in the order of the fields. What happens to a sample
/// depends only on (seed, epoch, index), never on threads or on its place in a batch.
struct Augment {
  /// Below 1: a random part of the image with this share of its area or more and an aspect ratio
  /// in [3/4, 4/3] is resized to the model's size (Szegedy et al., "Going deeper with
  /// convolutions", 2015), in place of Preprocess's resize and cut.
  double min_area = 1.0;
  std::int64_t pad = 0;  ///< random crop after padding each side by this many pixels
  PadMode pad_mode = PadMode::zero;
  bool flip = false;  ///< left-right, with probability 1/2
  /// Instead, half of the samples in even epochs and the other half in odd ones, so that two epochs
  /// show each sample both ways (Jordan 2024, section 3.6).
  bool flip_alternate = false;
  /// In random order, each by a factor from [1 - x, 1 + x] (not below 0), hue by a share of the
  /// full circle from [-x, x], x up to 1/2: torchvision's ColorJitter.
  double brightness = 0, contrast = 0, saturation = 0, hue = 0;
  /// trivial: one of 14 operations at a random strength (Mueller and Hutter, "TrivialAugment",
  /// 2021, the wide space). rand: `rand_ops` of 14, one after the other, at strength
  /// `rand_magnitude` of 0 to 30 (Cubuk et al., "RandAugment", 2020). Both as torchvision's.
  Policy policy = Policy::none;
  std::int64_t rand_ops = 2, rand_magnitude = 9;
  /// A square of this side, its centre anywhere, is filled with the mean colour (DeVries and
  /// Taylor, "Improved regularization of convolutional neural networks with cutout", 2017).
  std::int64_t cutout = 0;
  /// With this probability a rectangle of 2 to 33 % of the area and an aspect ratio in [0.3, 3.3]
  /// is filled (Zhong et al., "Random erasing data augmentation", 2017; torchvision's defaults).
  double erase = 0;
  EraseFill erase_fill = EraseFill::random;  ///< random: each value for itself; mean: one colour

  /// Whether pixels are moved as a whole; whether values or rectangles of them change.
  bool shifts() const { return pad > 0 || flip || flip_alternate; }
  bool varies() const { return jitters() || policy != Policy::none || cutout > 0 || erase > 0; }
  bool jitters() const { return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0; }
  bool enabled() const { return min_area < 1.0 || shifts() || varies(); }
  /// Throws OptionError where a field is out of range for images of this size.
  void validate(std::int64_t height, std::int64_t width) const;
  /// none; light: shifts by up to 1/16 of the size, reflected at the edges, and alternating flips;
  /// standard: shifts by up to 1/8 (images up to 64 pixels) or random parts of at least 0.35 of the
  /// area; trivial: standard and TrivialAugment. `flip`: whether a mirrored image keeps its class
  /// (photos do, digits and letters do not); used by all but none. Throws OptionError with a
  /// suggestion for another name.
  static Augment preset(std::string_view name, std::int64_t height, std::int64_t width, bool flip);
  static std::vector<std::string> names();

  friend bool operator==(const Augment&, const Augment&) = default;
};

/// One training sample: `image` changed by `augment`, fitted: u8 [height, width, channels].
Image augmented(const Image& image, const Preprocess& preprocess, const Augment& augment,
                std::uint64_t seed, std::int64_t epoch, std::int64_t index);

}  // namespace taxon

// What augmentation does to the values of a sample: colour jitter, TrivialAugment and RandAugment,
// and erased parts.
#include <taxon/base/random.h>
#include <taxon/data/image_ops.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "augment.h"

namespace taxon {
namespace {

constexpr std::int64_t last_bin = 30;  // strengths are 0 to 30

// One operation of a policy. `most`: its magnitude at the last bin; shifts of RandAugment are a
// share of the image's side.
struct Operation {
  void (*apply)(Image&, double magnitude);
  double trivial_most, rand_most;
  bool has_sign;
};

std::int64_t whole(double v) {
  return static_cast<std::int64_t>(v);
}

int whole_bits(double bits_lost) {
  return 8 - static_cast<int>(std::lrint(bits_lost));
}

// The spaces of torchvision's TrivialAugmentWide and RandAugment. Signs are drawn where a magnitude
// has two sides.
constexpr std::array<Operation, 14> operations{{
    {[](Image&, double) {}, 0, 0, false},
    {[](Image& i, double m) { image_ops::shear_x(i, m); }, 0.99, 0.3, true},
    {[](Image& i, double m) { image_ops::shear_y(i, m); }, 0.99, 0.3, true},
    {[](Image& i, double m) { image_ops::translate_x(i, whole(m)); }, 32, 150.0 / 331.0, true},
    {[](Image& i, double m) { image_ops::translate_y(i, whole(m)); }, 32, 150.0 / 331.0, true},
    {[](Image& i, double m) { image_ops::rotate(i, m); }, 135, 30, true},
    {[](Image& i, double m) { image_ops::brightness(i, 1 + m); }, 0.99, 0.9, true},
    {[](Image& i, double m) { image_ops::saturation(i, 1 + m); }, 0.99, 0.9, true},
    {[](Image& i, double m) { image_ops::contrast(i, 1 + m); }, 0.99, 0.9, true},
    {[](Image& i, double m) { image_ops::sharpness(i, 1 + m); }, 0.99, 0.9, true},
    {[](Image& i, double m) { image_ops::posterize(i, whole_bits(m)); }, 6, 4, false},
    {[](Image& i, double m) { image_ops::solarize(i, 255 - m); }, 255, 255, false},
    {[](Image& i, double) { image_ops::autocontrast(i); }, 0, 0, false},
    {[](Image& i, double) { image_ops::equalize(i); }, 0, 0, false},
}};
constexpr std::size_t translate_x = 3, translate_y = 4;

double signed_by(Rng& rng, bool has_sign, double magnitude) {
  return has_sign && (rng.next_u32() & 1u) != 0 ? -magnitude : magnitude;
}

// torch.linspace(0, most, 31): in single precision, from the nearer end, rounded once. It decides
// how a few magnitudes are cut off to whole numbers.
double at_bin(double most, std::int64_t bin) {
  const double end = static_cast<double>(static_cast<float>(most));
  const double step = static_cast<double>(static_cast<float>(most) / static_cast<float>(last_bin));
  const double up = step * static_cast<double>(bin);
  const double down = end - step * static_cast<double>(last_bin - bin);
  return static_cast<double>(static_cast<float>(bin < (last_bin + 1) / 2 ? up : down));
}

void trivial_augment(Image& image, Rng& rng) {
  const Operation& op = operations[rng.below(operations.size())];
  const auto bin = static_cast<std::int64_t>(rng.below(last_bin + 1));
  op.apply(image, signed_by(rng, op.has_sign, at_bin(op.trivial_most, bin)));
}

void rand_augment(Image& image, Rng& rng, const Augment& a) {
  for (std::int64_t n = 0; n < a.rand_ops; ++n) {
    const std::size_t i = rng.below(operations.size());
    double most = operations[i].rand_most;
    if (i == translate_x) {
      most *= static_cast<double>(image.width());
    } else if (i == translate_y) {
      most *= static_cast<double>(image.height());
    }
    operations[i].apply(image,
                        signed_by(rng, operations[i].has_sign, at_bin(most, a.rand_magnitude)));
  }
}

double factor(Rng& rng, double by) {
  const double low = std::max(0.0, 1 - by);
  return low + (1 + by - low) * rng.uniform();
}

void jitter(Image& image, Rng& rng, const Augment& a) {
  std::array<int, 4> order{0, 1, 2, 3};
  for (std::size_t i = 3; i > 0; --i) {
    std::swap(order[i], order[rng.below(i + 1)]);
  }
  const double brightness = factor(rng, a.brightness), contrast = factor(rng, a.contrast);
  const double saturation = factor(rng, a.saturation), hue = a.hue * (2 * rng.uniform() - 1);
  for (const int which : order) {
    if (which == 0 && a.brightness > 0) {
      image_ops::brightness(image, brightness);
    } else if (which == 1 && a.contrast > 0) {
      image_ops::contrast(image, contrast);
    } else if (which == 2 && a.saturation > 0) {
      image_ops::saturation(image, saturation);
    } else if (which == 3 && a.hue > 0) {
      image_ops::hue(image, hue);
    }
  }
}

// Each step draws from a stream of its own, so that one more step changes nothing in the others.
Rng step_rng(std::uint64_t seed, std::int64_t epoch, std::int64_t index, std::uint64_t step) {
  return Rng(mix(seed, step),
             mix(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index)));
}

// torchvision's RandomErasing.get_params: ten tries, else the image stays.
void erase(Image& image, Rng& rng, const Preprocess& p, EraseFill how) {
  const auto area = static_cast<double>(image.height() * image.width());
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double part = area * (0.02 + (0.33 - 0.02) * rng.uniform());
    const double ratio = std::exp(std::log(0.3) + std::log(3.3 / 0.3) * rng.uniform());
    const std::int64_t h = std::lrint(std::sqrt(part * ratio));
    const std::int64_t w = std::lrint(std::sqrt(part / ratio));
    if (h >= image.height() || w >= image.width()) {
      continue;
    }
    const auto top = rng.below(static_cast<std::uint64_t>(image.height() - h + 1));
    const auto left = rng.below(static_cast<std::uint64_t>(image.width() - w + 1));
    const image_ops::Box box{static_cast<std::int64_t>(top), static_cast<std::int64_t>(left), h, w};
    if (how == EraseFill::mean) {
      image_ops::fill(image, box, mean_colour(p));
      return;
    }
    for (std::int64_t y = box.top; y < box.top + h; ++y) {
      std::uint8_t* row = image.row(y) + box.left * image.channels();
      std::generate_n(row, w * image.channels(),
                      [&] { return static_cast<std::uint8_t>(rng.next_u32() >> 24); });
    }
    return;
  }
}

}  // namespace

std::array<std::uint8_t, 3> mean_colour(const Preprocess& p) {
  std::array<std::uint8_t, 3> out{};
  for (std::size_t c = 0; c < out.size(); ++c) {
    const double mean = 255 * static_cast<double>(p.mean[std::min(c, p.mean.size() - 1)]);
    out[c] = static_cast<std::uint8_t>(std::clamp(std::round(mean), 0.0, 255.0));
  }
  return out;
}

image_ops::Box draw_cutout(const Preprocess& p, const Augment& augment, std::uint64_t seed,
                           std::int64_t epoch, std::int64_t index) {
  Rng rng = step_rng(seed, epoch, index, 0xc070);
  const auto y = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(p.height)));
  const auto x = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(p.width)));
  const std::int64_t side = augment.cutout;
  const std::int64_t top = std::max<std::int64_t>(y - side / 2, 0);
  const std::int64_t left = std::max<std::int64_t>(x - side / 2, 0);
  return {top, left, std::min(y - side / 2 + side, p.height) - top,
          std::min(x - side / 2 + side, p.width) - left};
}

void vary(Image& image, const Preprocess& preprocess, const Augment& augment, std::uint64_t seed,
          std::int64_t epoch, std::int64_t index) {
  if (!augment.varies()) {
    return;
  }
  const auto rng_of = [&](std::uint64_t step) { return step_rng(seed, epoch, index, step); };
  if (augment.jitters()) {
    Rng rng = rng_of(0xc010);
    jitter(image, rng, augment);
  }
  if (augment.policy != Policy::none) {
    Rng rng = rng_of(0x7a1a);
    if (augment.policy == Policy::trivial) {
      trivial_augment(image, rng);
    } else {
      rand_augment(image, rng, augment);
    }
  }
  if (augment.cutout > 0) {
    image_ops::fill(image, draw_cutout(preprocess, augment, seed, epoch, index),
                    mean_colour(preprocess));
  }
  Rng rng = rng_of(0xe2a5);
  if (augment.erase > 0 && rng.uniform() < augment.erase) {
    erase(image, rng, preprocess, augment.erase_fill);
  }
}

}  // namespace taxon

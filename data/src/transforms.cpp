// Preprocessing and augmentation.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/base/text.h>
#include <taxon/data/transforms.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "augment.h"
#include "resize.h"

namespace taxon {
namespace {

constexpr std::uint8_t letterbox_grey = 114;  // as Ultralytics

std::int64_t rounded(double v) {
  return std::max<std::int64_t>(1, std::llrint(v));
}

Image fit_crop(const Image& image, const Preprocess& p) {
  const auto h = static_cast<double>(image.height()), w = static_cast<double>(image.width());
  const std::int64_t need_h =
      std::max(p.height, rounded(static_cast<double>(p.height) / p.crop_pct));
  const std::int64_t need_w = std::max(p.width, rounded(static_cast<double>(p.width) / p.crop_pct));
  ResizePart part;
  // The side that needs the larger scale fits exactly; the other is cut down as torchvision does.
  if (static_cast<double>(need_h) * w >= static_cast<double>(need_w) * h) {
    part.full_height = need_h;
    part.full_width =
        std::max(need_w, static_cast<std::int64_t>(static_cast<double>(need_h) * w / h));
  } else {
    part.full_width = need_w;
    part.full_height =
        std::max(need_h, static_cast<std::int64_t>(static_cast<double>(need_w) * h / w));
  }
  part.height = p.height;
  part.width = p.width;
  part.top = std::llrint(static_cast<double>(part.full_height - p.height) / 2);
  part.left = std::llrint(static_cast<double>(part.full_width - p.width) / 2);
  return resize_part(image, part);
}

Image fit_letterbox(const Image& image, const Preprocess& p) {
  const auto h = static_cast<double>(image.height()), w = static_cast<double>(image.width());
  const double scale =
      std::min(static_cast<double>(p.height) / h, static_cast<double>(p.width) / w);
  const Image inner =
      resize(image, std::min(p.height, rounded(h * scale)), std::min(p.width, rounded(w * scale)));
  Image out(p.height, p.width, image.channels());
  std::fill_n(out.data(), out.bytes(), letterbox_grey);
  const std::int64_t top = (p.height - inner.height()) / 2, left = (p.width - inner.width()) / 2;
  const std::int64_t c = image.channels();
  for (std::int64_t y = 0; y < inner.height(); ++y) {
    std::copy_n(inner.row(y), inner.width() * c, out.row(top + y) + left * c);
  }
  return out;
}

}  // namespace

std::string_view name_of(ResizeMode mode) {
  static constexpr std::array<std::string_view, 3> names{"crop", "squash", "letterbox"};
  return names[static_cast<std::size_t>(mode)];
}

ResizeMode parse_resize_mode(std::string_view name) {
  const std::vector<std::string> names{"crop", "squash", "letterbox"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) {
      return static_cast<ResizeMode>(i);
    }
  }
  fail<OptionError>("resize mode '", name, "' is unknown", did_you_mean(name, names),
                    ", expected one of: ", join(names, ", "));
}

void Preprocess::validate() const {
  if (height < 1 || width < 1 || height > 4096 || width > 4096) {
    fail<OptionError>("preprocess: size ", height, "x", width, ", expected sides from 1 to 4096");
  }
  if (channels != 1 && channels != 3) {
    fail<OptionError>("preprocess: ", channels, " channels, expected 1 or 3");
  }
  if (!(crop_pct > 0 && crop_pct <= 1)) {
    fail<OptionError>("preprocess: crop_pct ", crop_pct, ", expected a number in (0, 1]");
  }
  const auto n = static_cast<std::size_t>(channels);
  if (mean.size() != n || std.size() != n) {
    fail<OptionError>("preprocess: ", mean.size(), " means and ", std.size(),
                      " standard deviations, expected ", n, " of each");
  }
  for (std::size_t c = 0; c < n; ++c) {
    if (!std::isfinite(mean[c]) || !std::isfinite(std[c]) || !(std[c] > 0)) {
      fail<OptionError>("preprocess: mean ", static_cast<double>(mean[c]), " and std ",
                        static_cast<double>(std[c]), ", expected finite numbers and std above 0");
    }
  }
}

Image Preprocess::fit(const Image& image) const {
  if (image.empty()) {
    fail<ShapeError>("preprocess: an empty image, expected pixels");
  }
  if (image.channels() != channels) {
    return fit(convert_channels(image, channels));
  }
  const bool same = image.height() == height && image.width() == width;
  if (same && (resize != ResizeMode::crop || crop_pct == 1.0)) {
    return image;
  }
  switch (resize) {
    case ResizeMode::crop:
      return fit_crop(image, *this);
    case ResizeMode::letterbox:
      return fit_letterbox(image, *this);
    default:
      return taxon::resize(image, height, width);
  }
}

Preprocess::Affine Preprocess::affine(std::int64_t channel) const {
  const auto c = static_cast<std::size_t>(channel);
  const double deviation = static_cast<double>(std[c]);
  return {static_cast<float>(1.0 / (255.0 * deviation)),
          static_cast<float>(-static_cast<double>(mean[c]) / deviation)};
}

void Preprocess::normalize(const std::uint8_t* in, std::int64_t pixels, float* out) const {
  // A period that is a multiple of the channels and of the vector width, so that the inner loop has
  // fixed bounds and vectorises.
  constexpr std::int64_t period = 48;
  std::array<float, period> scale{}, shift{};
  for (std::size_t i = 0; i < period; ++i) {
    const Affine a = affine(static_cast<std::int64_t>(i) % channels);
    scale[i] = a.scale;
    shift[i] = a.shift;
  }
  const std::int64_t n = pixels * channels;
  std::int64_t i = 0;
  for (; i + period <= n; i += period) {
    for (std::int64_t k = 0; k < period; ++k) {
      out[i + k] = static_cast<float>(in[i + k]) * scale[static_cast<std::size_t>(k)] +
                   shift[static_cast<std::size_t>(k)];
    }
  }
  for (std::int64_t k = 0; i + k < n; ++k) {
    out[i + k] = static_cast<float>(in[i + k]) * scale[static_cast<std::size_t>(k)] +
                 shift[static_cast<std::size_t>(k)];
  }
}

Tensor Preprocess::operator()(const Image& image) const {
  return (*this)(std::span<const Image>(&image, 1));
}

Tensor Preprocess::operator()(std::span<const Image> images) const {
  validate();
  const auto n = static_cast<std::int64_t>(images.size());
  Tensor x = Tensor::empty({n, height, width, channels});
  auto* out = x.mutable_view<float>().data();
  parallel_chunks(n, [&](std::int64_t i) {
    const Image fitted = fit(images[static_cast<std::size_t>(i)]);
    normalize(fitted.data(), height * width, out + i * height * width * channels);
  });
  return x;
}

std::vector<float> imagenet_mean(std::int64_t channels) {
  return channels == 1 ? std::vector<float>{0.449f} : std::vector<float>{0.485f, 0.456f, 0.406f};
}

std::vector<float> imagenet_std(std::int64_t channels) {
  return channels == 1 ? std::vector<float>{0.226f} : std::vector<float>{0.229f, 0.224f, 0.225f};
}

}  // namespace taxon

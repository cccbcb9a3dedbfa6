// Random crops, parts and mirroring of training samples; policy.cpp has what happens to values.
#include "augment.h"

#include <taxon/base/random.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "resize.h"

namespace taxon {
namespace {

Rng sample_rng(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  return Rng(mix(seed, static_cast<std::uint64_t>(epoch)), static_cast<std::uint64_t>(index));
}

// The row or column that a padded position shows; -1: padding.
std::int64_t source_of(std::int64_t i, std::int64_t n, PadMode mode) {
  if (i >= 0 && i < n) {
    return i;
  }
  if (mode == PadMode::zero) {
    return -1;
  }
  if (n == 1) {
    return 0;
  }
  const std::int64_t period = 2 * (n - 1);
  const std::int64_t r = ((i % period) + period) % period;
  return r < n ? r : period - r;
}

template <std::int64_t Channels>
void mirror_row(std::uint8_t* row, std::int64_t width) {
  for (std::int64_t a = 0, b = width - 1; a < b; ++a, --b) {
    std::swap_ranges(row + a * Channels, row + (a + 1) * Channels, row + b * Channels);
  }
}

// One row shifted by dx: the part inside is one copy, the rest is padding.
void shift_row(const std::uint8_t* in, std::int64_t width, std::int64_t channels, std::int64_t dx,
               PadMode mode, std::uint8_t* out) {
  const std::int64_t begin = std::clamp<std::int64_t>(-dx, 0, width);
  const std::int64_t end = std::clamp<std::int64_t>(width - dx, begin, width);
  std::memcpy(out + begin * channels, in + (begin + dx) * channels,
              static_cast<std::size_t>((end - begin) * channels));
  const auto pad = [&](std::int64_t x) {
    const std::int64_t from = source_of(x + dx, width, mode);
    for (std::int64_t c = 0; c < channels; ++c) {
      out[x * channels + c] = from < 0 ? std::uint8_t{0} : in[from * channels + c];
    }
  };
  for (std::int64_t x = 0; x < begin; ++x) {
    pad(x);
  }
  for (std::int64_t x = end; x < width; ++x) {
    pad(x);
  }
}

// torchvision's RandomResizedCrop.get_params: ten tries, then the largest centred part whose aspect
// ratio is allowed.
Part any_part(Rng& rng, const Extents& image, double min_area) {
  const auto h = static_cast<double>(image.height), w = static_cast<double>(image.width);
  const double low = std::log(3.0 / 4.0), high = std::log(4.0 / 3.0);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = h * w * (min_area + (1.0 - min_area) * rng.uniform());
    const double ratio = std::exp(low + (high - low) * rng.uniform());
    const auto pw = static_cast<std::int64_t>(std::llround(std::sqrt(area * ratio)));
    const auto ph = static_cast<std::int64_t>(std::llround(std::sqrt(area / ratio)));
    if (pw >= 1 && ph >= 1 && pw <= image.width && ph <= image.height) {
      const auto top = rng.below(static_cast<std::uint64_t>(image.height - ph + 1));
      const auto left = rng.below(static_cast<std::uint64_t>(image.width - pw + 1));
      return {static_cast<std::int64_t>(top), static_cast<std::int64_t>(left), ph, pw};
    }
  }
  const double ratio = std::clamp(w / h, 3.0 / 4.0, 4.0 / 3.0);
  const std::int64_t pw = std::clamp<std::int64_t>(std::llround(h * ratio), 1, image.width);
  const std::int64_t ph = std::clamp<std::int64_t>(std::llround(w / ratio), 1, image.height);
  return {(image.height - ph) / 2, (image.width - pw) / 2, ph, pw};
}

}  // namespace

Shift draw_shift(const Augment& augment, std::uint64_t seed, std::int64_t epoch,
                 std::int64_t index) {
  Rng rng = sample_rng(seed, epoch, index);
  Shift s;
  if (augment.pad > 0) {
    const auto positions = static_cast<std::uint64_t>(2 * augment.pad + 1);
    s.dy = static_cast<std::int64_t>(rng.below(positions)) - augment.pad;
    s.dx = static_cast<std::int64_t>(rng.below(positions)) - augment.pad;
  }
  s.flip = augment.flip && (rng.next_u32() & 1u) != 0;
  if (augment.flip_alternate) {
    Rng first(mix(seed, 0xf11b), static_cast<std::uint64_t>(index));
    s.flip = (first.next_u32() & 1u) != static_cast<std::uint32_t>(epoch & 1);
  }
  return s;
}

void apply_shift(const std::uint8_t* in, std::int64_t height, std::int64_t width,
                 std::int64_t channels, const Shift& shift, PadMode mode, std::uint8_t* out) {
  const std::int64_t row_bytes = width * channels;
  for (std::int64_t y = 0; y < height; ++y) {
    std::uint8_t* row = out + y * row_bytes;
    const std::int64_t from = source_of(y + shift.dy, height, mode);
    if (from < 0) {
      std::memset(row, 0, static_cast<std::size_t>(row_bytes));
      continue;
    }
    shift_row(in + from * row_bytes, width, channels, shift.dx, mode, row);
    if (shift.flip) {
      if (channels == 3) {
        mirror_row<3>(row, width);
      } else {
        std::reverse(row, row + width);
      }
    }
  }
}

image_ops::Box Part::box() const {
  const std::int64_t y = top / shrink, x = left / shrink;
  return {y, x, (top + height + shrink - 1) / shrink - y, (left + width + shrink - 1) / shrink - x};
}

Part draw_part(const Extents& image, const Preprocess& preprocess, const Augment& augment,
               std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  Rng rng(mix(seed, 0x9a27),
          mix(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index)));
  Part part = any_part(rng, image, augment.min_area);
  part.shrink = least_shrink(image);
  for (int s = 2 * part.shrink; s <= 8; s *= 2) {
    if (part.height >= s * preprocess.height && part.width >= s * preprocess.width) {
      part.shrink = s;
    }
  }
  return part;
}

Image fit_part(const Image& pixels, const Part& part, const Preprocess& preprocess) {
  if (pixels.channels() != preprocess.channels) {
    return fit_part(convert_channels(pixels, preprocess.channels), part, preprocess);
  }
  const auto s = static_cast<double>(part.shrink);
  const auto begin = [&](std::int64_t n) { return static_cast<double>(n % part.shrink) / s; };
  const Frame frame{begin(part.top), begin(part.left), static_cast<double>(part.height) / s,
                    static_cast<double>(part.width) / s};
  return resize_frame(pixels, frame, preprocess.height, preprocess.width);
}

Image augment_fitted(const Image& fitted, const Preprocess& preprocess, const Augment& augment,
                     std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  const Shift shift = draw_shift(augment, seed, epoch, index);
  Image out(fitted.height(), fitted.width(), fitted.channels());
  apply_shift(fitted.data(), fitted.height(), fitted.width(), fitted.channels(), shift,
              augment.pad_mode, out.data());
  vary(out, preprocess, augment, seed, epoch, index);
  return out;
}

Image augmented(const Image& image, const Preprocess& preprocess, const Augment& augment,
                std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  if (augment.min_area >= 1.0) {
    return augment_fitted(preprocess.fit(image), preprocess, augment, seed, epoch, index);
  }
  const Part part =
      draw_part({image.height(), image.width()}, preprocess, augment, seed, epoch, index);
  const Image fitted = fit_part(shrink_part(image, part.shrink, part.box()), part, preprocess);
  return augment_fitted(fitted, preprocess, augment, seed, epoch, index);
}

}  // namespace taxon

// Augmentation in steps, for the loader: what is drawn for a sample, and its pixels.
#pragma once

#include <taxon/data/image_ops.h>
#include <taxon/data/transforms.h>

#include "encoded.h"

namespace taxon {

/// What happens to one sample of `height` x `width` pixels (after fitting).
struct Shift {
  std::int64_t dy = 0, dx = 0;  ///< in [-pad, pad]: out(y, x) = in(y + dy, x + dx)
  bool flip = false;
};
Shift draw_shift(const Augment& augment, std::uint64_t seed, std::int64_t epoch,
                 std::int64_t index);

/// out = the shifted (padded as `mode`), then mirrored image. Both [height, width, channels].
void apply_shift(const std::uint8_t* in, std::int64_t height, std::int64_t width,
                 std::int64_t channels, const Shift& shift, PadMode mode, std::uint8_t* out);

/// Colours, the policy's operations and erased parts, in place: all that follows the shift.
void vary(Image& image, const Preprocess& preprocess, const Augment& augment, std::uint64_t seed,
          std::int64_t epoch, std::int64_t index);

/// Where cutout fills, cut at the image's edges, and the colour: close to 0 after normalisation.
image_ops::Box draw_cutout(const Preprocess& preprocess, const Augment& augment, std::uint64_t seed,
                           std::int64_t epoch, std::int64_t index);
std::array<std::uint8_t, 3> mean_colour(const Preprocess& preprocess);

/// A random part of an image (min_area < 1), in its own pixels; the image need not be decoded
/// larger than at 1/shrink of its size for the part to have the model's size or more.
struct Part {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  int shrink = 1;
  /// Where it lies in the shrunken image: all pixels that it touches.
  image_ops::Box box() const;
};
Part draw_part(const Extents& image, const Preprocess& preprocess, const Augment& augment,
               std::uint64_t seed, std::int64_t epoch, std::int64_t index);
/// The part resized to the model's size from `pixels`, those of part.box().
Image fit_part(const Image& pixels, const Part& part, const Preprocess& preprocess);
/// All that follows, to an image of the model's size.
Image augment_fitted(const Image& fitted, const Preprocess& preprocess, const Augment& augment,
                     std::uint64_t seed, std::int64_t epoch, std::int64_t index);

}  // namespace taxon

// Augmentation in steps, for the loader: what is drawn for a sample, and its pixels.
#pragma once

#include <taxon/data/transforms.h>

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

/// With random parts (min_area < 1), decoded images are first brought down to this: the shorter
/// side to twice the model's. It bounds the memory of a cache and costs no visible detail.
Image shrink_for_parts(const Image& image, const Preprocess& preprocess);

/// The image that augmentation starts from, the same in each epoch: what a cache holds.
Image working_image(const Image& image, const Preprocess& preprocess, const Augment& augment);
/// The changed and fitted sample, from its working image.
Image augment_working(const Image& working, const Preprocess& preprocess, const Augment& augment,
                      std::uint64_t seed, std::int64_t epoch, std::int64_t index);

}  // namespace taxon

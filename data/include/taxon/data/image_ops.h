// Operations on 8-bit images of 1 or 3 channels, in place: what augmentation is made of. Pixels are
// those of Pillow (ImageEnhance, ImageOps, Image.transform with NEAREST), which torchvision's
// transforms call for PIL images. A factor of 1 changes nothing.
#pragma once

#include <taxon/data/image.h>

#include <array>
#include <cstdint>

namespace taxon::image_ops {

/// Each pixel is blended with black, with the mean grey of the image, with its own grey, or with a
/// smoothed image (3x3 sums with weights 1 and, in the middle, 5, over 13; the border stays):
/// other + factor * (pixel - other), cut off below 0 and above 255.
void brightness(Image& image, double factor);
void contrast(Image& image, double factor);
void saturation(Image& image, double factor);  ///< grey images stay
void sharpness(Image& image, double factor);
/// Adds `turn` (in [-0.5, 0.5], of a full circle) to the hue of 8-bit HSV; grey images stay.
void hue(Image& image, double turn);

void posterize(Image& image, int bits);         ///< keeps the upper `bits` (0 to 8) of each value
void solarize(Image& image, double threshold);  ///< inverts the values from the threshold on
void invert(Image& image);
/// Each channel's values stretched so that the lowest becomes 0 and the highest 255.
void autocontrast(Image& image);
/// Each channel's values mapped so that their histogram is even.
void equalize(Image& image);

/// The nearest pixel; black where there is none. out(x, y) = in(x + factor y, y), and so on:
/// pixels are counted from the upper left corner.
void shear_x(Image& image, double factor);
void shear_y(Image& image, double factor);
void translate_x(Image& image, std::int64_t pixels);  ///< to the right
void translate_y(Image& image, std::int64_t pixels);  ///< down
void rotate(Image& image, double degrees);            ///< counter-clockwise, about the centre

/// A rectangle, cut at the image's edges.
struct Box {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};
/// Fills a rectangle with one colour (its first channels).
void fill(Image& image, const Box& box, const std::array<std::uint8_t, 3>& colour);

}  // namespace taxon::image_ops

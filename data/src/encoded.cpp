// Decoding by libjpeg-turbo, which can shrink and cut while it decodes, or else by stb_image.
#include "encoded.h"

#include <taxon/base/error.h>

#include <algorithm>

#include "resize.h"
#include "stb.h"
#include "turbo.h"

namespace taxon {
namespace {

using image_ops::Box;

// An EXIF orientation: where a shown pixel is stored. 5 to 8 swap the axes.
struct Turn {
  explicit Turn(int orientation)
      : swap(orientation >= 5),
        mirror_x(orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8),
        mirror_y(orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {}
  // Where in the stored image of these extents the box `box` of the shown one lies.
  Box stored_box(const Box& box, const Extents& stored) const {
    Box b = swap ? Box{box.left, box.top, box.width, box.height} : box;
    b.top = mirror_y ? stored.height - b.top - b.height : b.top;
    b.left = mirror_x ? stored.width - b.left - b.width : b.left;
    return b;
  }
  bool swap, mirror_x, mirror_y;  // mirrored as stored
};

// The image turned as EXIF says.
Image oriented(Image image, int orientation) {
  if (orientation == 1) {
    return image;
  }
  const Turn turn(orientation);
  const std::int64_t h = image.height(), w = image.width(), c = image.channels();
  Image out(turn.swap ? w : h, turn.swap ? h : w, c);
  for (std::int64_t y = 0; y < out.height(); ++y) {
    for (std::int64_t x = 0; x < out.width(); ++x) {
      std::int64_t sy = turn.swap ? x : y, sx = turn.swap ? y : x;
      sy = turn.mirror_y ? h - 1 - sy : sy;
      sx = turn.mirror_x ? w - 1 - sx : sx;
      std::copy_n(image.row(sy) + sx * c, c, out.row(y) + x * c);
    }
  }
  return out;
}

bool within_caps(const Extents& e) {
  return e.height <= max_image_side && e.width <= max_image_side &&
         e.height <= max_image_pixels / e.width;
}

void check_extents(const Extents& e, bool shrinks, bool progressive, std::string_view what) {
  if (e.height < 1 || e.width < 1 || !(shrinks || within_caps(e))) {
    fail<FormatError>(what, ": an image of ", e.height, "x", e.width,
                      " pixels, expected sides up to ", max_image_side, " and ", max_image_pixels,
                      " pixels in all",
                      progressive ? " (more only for JPEGs that are not progressive)" : "");
  }
}

}  // namespace

Extents shrunken(const Extents& full, int shrink) {
  return {(full.height + shrink - 1) / shrink, (full.width + shrink - 1) / shrink};
}

int least_shrink(const Extents& full) {
  int shrink = 1;
  while (shrink < 8 && !within_caps(shrunken(full, shrink))) {
    shrink *= 2;
  }
  return shrink;
}

Image shrink_part(const Image& image, int shrink, const Box& b) {
  if (shrink == 1) {
    return crop(image, b.top, b.left, b.height, b.width);
  }
  const Extents to = shrunken({image.height(), image.width()}, shrink);
  return resize_part(image, {to.height, to.width, b.top, b.left, b.height, b.width});
}

EncodedImage::EncodedImage(std::span<const std::uint8_t> bytes, std::string_view what)
    : bytes_(bytes), what_(what), container_(check_container(bytes, what)) {
  if (!container_.cleaned.empty()) {
    bytes_ = container_.cleaned;
  }
  const std::int64_t components = container_.components;
  bool shrinks = false;
  if (container_.format == ImageFormat::jpeg) {
    size_ = {container_.height, container_.width};
    channels_ = components == 1 ? 1 : 3;
    turbo_ = turbo::available() && (components == 1 || components == 3 || components == 4);
    // Others are held as a whole while they are decoded, however small they are wanted.
    shrinks = turbo_ && container_.one_scan;
  } else {
    std::string error;
    const stb::Info info = stb::info(bytes_, error);
    if (!error.empty()) {
      fail<FormatError>(what_, ": cannot be decoded: ", error);
    }
    size_ = {std::abs(info.height),
             info.width};  // of a BMP whose first row is the top one: negative
    channels_ = info.channels <= 2 ? 1 : 3;
  }
  check_extents(size_, shrinks, turbo_ && !shrinks, what_);
  if (Turn(container_.orientation).swap) {
    std::swap(size_.height, size_.width);
  }
}

Image EncodedImage::decode(int shrink) const {
  const Extents all = shrunken(size_, shrink);
  return decode(shrink, {0, 0, all.height, all.width});
}

Image EncodedImage::decode(int shrink, const Box& box) const {
  const bool turned = Turn(container_.orientation).swap;
  const Extents shown = shrunken(size_, shrink);
  const Extents stored = turned ? Extents{shown.width, shown.height} : shown;
  const Box b = Turn(container_.orientation).stored_box(box, stored);
  return oriented(turbo_ ? decode_turbo(shrink, b) : decode_stb(shrink, b), container_.orientation);
}

Image EncodedImage::decode_turbo(int shrink, const Box& box) const {
  Image out(box.height, box.width, channels_);
  std::string error;
  if (!turbo::decode({bytes_, shrink, static_cast<int>(channels_), box}, out.data(), error)) {
    fail<FormatError>(what_, ": cannot be decoded: ", error);
  }
  return out;
}

Image EncodedImage::decode_stb(int shrink, const Box& box) const {
  stb::Info info;
  std::string error;
  const auto pixels = stb::decode(bytes_, static_cast<int>(channels_), info, error);
  if (!error.empty()) {
    fail<FormatError>(what_, ": cannot be decoded: ", error);
  }
  if (shrink == 1) {
    return Image::copy_of(pixels.data() + (box.top * info.width + box.left) * channels_, box.height,
                          box.width, channels_,
                          static_cast<std::ptrdiff_t>(info.width * channels_));
  }
  return shrink_part(Image::copy_of(pixels.data(), info.height, info.width, channels_), shrink,
                     box);
}

}  // namespace taxon

// An encoded image that is decoded when its pixels are asked for: whole or in part, in full or at
// 1/2, 1/4 or 1/8 of its size.
#pragma once

#include <taxon/data/image.h>
#include <taxon/data/image_ops.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "container.h"

namespace taxon {

/// Height and width of an image.
struct Extents {
  std::int64_t height = 0, width = 0;
  friend bool operator==(const Extents&, const Extents&) = default;
};

/// How large an image is when decoded at 1/shrink of its size.
Extents shrunken(const Extents& full, int shrink);
/// 1, 2, 4 or 8: the least with which an image stays within max_image_side and max_image_pixels.
int least_shrink(const Extents& full);

class EncodedImage {
 public:
  /// Reads the header. Throws FormatError naming `what`. Both must live as long as the object.
  EncodedImage(std::span<const std::uint8_t> bytes, std::string_view what);

  const Extents& size() const { return size_; }        ///< as shown: after the EXIF orientation
  std::int64_t channels() const { return channels_; }  ///< 1 for grey, else 3

  /// All of it, `shrink` (1, 2, 4 or 8) times smaller; at least least_shrink(size()).
  Image decode(int shrink) const;
  /// A part of that: the same pixels as crop() of it, at less cost.
  Image decode(int shrink, const image_ops::Box& box) const;

 private:
  Image decode_turbo(int shrink, const image_ops::Box& box) const;
  Image decode_stb(int shrink, const image_ops::Box& box) const;

  std::span<const std::uint8_t> bytes_;
  std::string_view what_;
  Container container_;
  bool turbo_ = false;
  Extents size_;
  std::int64_t channels_ = 0;
};

/// The part of resize(image, shrunken extents): what decode() does for files, for pixels.
Image shrink_part(const Image& image, int shrink, const image_ops::Box& box);

}  // namespace taxon

// What the containers PNG, JPEG and BMP say about an image, checked before pixels are decoded.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace taxon {

enum class ImageFormat : std::uint8_t { png, jpeg, bmp };

struct Container {
  ImageFormat format = ImageFormat::png;
  int orientation = 1;  ///< EXIF: 1 (as it is) to 8
  /// Of a JPEG, what its frame header says; `one_scan`: each part of the image comes once, so that
  /// a decoder need not keep all of it.
  std::int64_t height = 0, width = 0, components = 0;
  bool one_scan = false;
  /// The bytes to decode where they are not the file's own (JPEG: see check_jpeg).
  std::vector<std::uint8_t> cleaned;
};

/// Finds the format by its magic and checks the container. Throws FormatError naming `what`.
Container check_container(std::span<const std::uint8_t> bytes, std::string_view what);

/// Walks the segments of a JPEG and writes a clean stream of those that decoding needs, each
/// checked: stb_image 2.27 trusts Huffman tables, and a stream with oversized ones writes past its
/// buffers. A file too short for the pixels that it claims is refused.
void check_jpeg(std::span<const std::uint8_t> bytes, std::string_view what, Container& out);

/// The orientation tag (274) of an EXIF block (a TIFF header and its first directory), or 1.
int exif_orientation(std::span<const std::uint8_t> tiff);

}  // namespace taxon

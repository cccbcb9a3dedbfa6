// Images as people have them: 8-bit pixels, decoded from PNG, JPEG or BMP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// 8-bit pixels in the order [height][width][channels], rows from the top. Owns them.
class Image {
 public:
  Image() = default;
  /// All pixels 0. Throws OptionError for extents below 1 or above the caps of decode_image.
  Image(std::int64_t height, std::int64_t width, std::int64_t channels);
  /// A copy of raw pixels; `row_bytes` is the distance from row to row (0: rows are packed).
  static Image copy_of(const std::uint8_t* pixels, std::int64_t height, std::int64_t width,
                       std::int64_t channels, std::ptrdiff_t row_bytes = 0);

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t channels() const { return channels_; }
  bool empty() const { return pixels_.empty(); }
  std::size_t bytes() const { return pixels_.size(); }
  const std::uint8_t* data() const { return pixels_.data(); }
  std::uint8_t* data() { return pixels_.data(); }
  const std::uint8_t* row(std::int64_t y) const { return data() + y * width_ * channels_; }
  std::uint8_t* row(std::int64_t y) { return data() + y * width_ * channels_; }
  std::uint8_t at(std::int64_t y, std::int64_t x, std::int64_t c) const {
    return row(y)[x * channels_ + c];
  }
  std::uint8_t& at(std::int64_t y, std::int64_t x, std::int64_t c) {
    return row(y)[x * channels_ + c];
  }
  std::string str() const;  ///< "480x640x3"
  friend bool operator==(const Image&, const Image&) = default;

 private:
  std::int64_t height_ = 0, width_ = 0, channels_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// Larger images are refused before a pixel is decoded, but for JPEGs that libjpeg-turbo decodes at
/// 1/2, 1/4 or 1/8 of their size, the largest that stays within. (It cannot for progressive ones.)
inline constexpr std::int64_t max_image_side = 1 << 15;
inline constexpr std::int64_t max_image_pixels = 100'000'000;

struct ImageInfo {
  std::int64_t height = 0, width = 0;  ///< as shown: after the EXIF orientation
  std::int64_t channels = 0;           ///< 1 for grey, else 3
};
/// Reads only the header. Throws FormatError as decode_image does.
ImageInfo image_info(std::span<const std::uint8_t> encoded, std::string_view what = "image");

/// Decodes PNG (8 bits a channel or fewer), JPEG or BMP to 1 (grey) or 3 (RGB) channels. Palettes
/// are resolved, alpha is dropped (as PIL's convert("RGB") does), CMYK becomes RGB, the EXIF
/// orientation is applied. Throws FormatError naming `what`, what was found and what was expected.
Image decode_image(std::span<const std::uint8_t> encoded, std::string_view what = "image");
/// The same at 1/1, 1/2, 1/4 or 1/8 of its size, the least whose longer side has `side` pixels or
/// more: for small copies of photos.
Image decode_for_side(std::span<const std::uint8_t> encoded, std::int64_t side,
                      std::string_view what = "image");
/// decode_image for a file. Throws IoError if it cannot be read.
Image load_image(const std::string& path);
/// Who decodes JPEGs: "libjpeg-turbo" where it is installed, else "stb_image" and why in brackets.
std::string_view jpeg_decoder();

/// 1 -> 3 repeats the value; 3 -> 1 is ITU-R 601 luma as in PIL's convert("L").
Image convert_channels(const Image& image, std::int64_t channels);
/// Bilinear resize with antialias: a triangle filter, widened by the scale when shrinking; within
/// one level of PIL's resize(BILINEAR) and of torchvision's with antialias=True.
Image resize(const Image& image, std::int64_t height, std::int64_t width);
/// The part [top, top + height) x [left, left + width). Throws ShapeError if it is not inside.
Image crop(const Image& image, std::int64_t top, std::int64_t left, std::int64_t height,
           std::int64_t width);

/// The file's bytes; `quality` in 1..100. JPEG takes 1 or 3 channels, PNG 1 to 4.
std::vector<std::uint8_t> encode_png(const Image& image);
std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality = 90);
void save_png(const Image& image, const std::string& path);

}  // namespace taxon

// Image: making, decoding and encoding.
#include <taxon/data/image.h>

#include <taxon/base/error.h>
#include <taxon/base/file.h>

#include <algorithm>
#include <cstring>

#include "container.h"
#include "stb.h"

namespace taxon {
namespace {

void check_extents(std::int64_t height, std::int64_t width, std::string_view what) {
  if (height < 1 || width < 1 || height > max_image_side || width > max_image_side ||
      height > max_image_pixels / width) {
    fail<FormatError>(what, ": an image of ", height, "x", width, " pixels, expected sides up to ",
                      max_image_side, " and ", max_image_pixels, " pixels in all");
  }
}

// The image turned as EXIF says: orientations 5 to 8 swap the axes.
Image oriented(const Image& image, int orientation) {
  if (orientation == 1) {
    return image;
  }
  const bool swap = orientation >= 5;
  const bool mirror_x =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const std::int64_t h = image.height(), w = image.width(), c = image.channels();
  Image out(swap ? w : h, swap ? h : w, c);
  for (std::int64_t y = 0; y < out.height(); ++y) {
    for (std::int64_t x = 0; x < out.width(); ++x) {
      std::int64_t sy = swap ? x : y, sx = swap ? y : x;
      sy = mirror_y ? h - 1 - sy : sy;
      sx = mirror_x ? w - 1 - sx : sx;
      std::copy_n(image.row(sy) + sx * c, c, out.row(y) + x * c);
    }
  }
  return out;
}

stb::Info checked_info(std::span<const std::uint8_t> encoded, std::string_view what) {
  std::string error;
  const stb::Info info = stb::info(encoded, error);
  if (!error.empty()) {
    fail<FormatError>(what, ": cannot be decoded: ", error);
  }
  check_extents(info.height, info.width, what);
  return info;
}

}  // namespace

Image::Image(std::int64_t height, std::int64_t width, std::int64_t channels)
    : height_(height), width_(width), channels_(channels) {
  if (height < 1 || width < 1 || height > max_image_side || width > max_image_side ||
      height > max_image_pixels / width || channels < 1 || channels > 4) {
    fail<OptionError>("image: ", str(), ", expected sides from 1 to ", max_image_side, ", at most ",
                      max_image_pixels, " pixels, and 1 to 4 channels");
  }
  pixels_.resize(static_cast<std::size_t>(height * width * channels));
}

Image Image::copy_of(const std::uint8_t* pixels, std::int64_t height, std::int64_t width,
                     std::int64_t channels, std::ptrdiff_t row_bytes) {
  Image out(height, width, channels);
  const auto packed = static_cast<std::ptrdiff_t>(width * channels);
  const std::ptrdiff_t step = row_bytes == 0 ? packed : row_bytes;
  for (std::int64_t y = 0; y < height; ++y) {
    std::copy_n(pixels + y * step, packed, out.row(y));
  }
  return out;
}

std::string Image::str() const {
  return text(height_, "x", width_, "x", channels_);
}

ImageInfo image_info(std::span<const std::uint8_t> encoded, std::string_view what) {
  const Container container = check_container(encoded, what);
  const auto bytes = container.cleaned.empty() ? encoded : std::span(container.cleaned);
  const stb::Info info = checked_info(bytes, what);
  const bool swap = container.orientation >= 5;
  return {swap ? info.width : info.height, swap ? info.height : info.width,
          info.channels <= 2 ? 1 : 3};
}

Image decode_image(std::span<const std::uint8_t> encoded, std::string_view what) {
  const Container container = check_container(encoded, what);
  const auto bytes = container.cleaned.empty() ? encoded : std::span(container.cleaned);
  const int channels = checked_info(bytes, what).channels <= 2 ? 1 : 3;
  stb::Info info;
  std::string error;
  const auto pixels = stb::decode(bytes, channels, info, error);
  if (!error.empty()) {
    fail<FormatError>(what, ": cannot be decoded: ", error);
  }
  return oriented(Image::copy_of(pixels.data(), info.height, info.width, channels),
                  container.orientation);
}

Image load_image(const std::string& path) {
  return decode_image(read_file(path), path);
}

Image convert_channels(const Image& image, std::int64_t channels) {
  if (image.channels() == channels) {
    return image;
  }
  const std::int64_t from = image.channels(), pixels = image.height() * image.width();
  if ((channels != 1 && channels != 3) || from == 2) {
    fail<OptionError>("convert_channels: ", image, " to ", channels,
                      " channels, expected 1, 3 or 4 to 1 or 3");
  }
  Image out(image.height(), image.width(), channels);
  const std::uint8_t* in = image.data();
  std::uint8_t* to = out.data();
  for (std::int64_t i = 0; i < pixels; ++i, in += from, to += channels) {
    if (from == 1) {
      std::fill_n(to, channels, in[0]);
    } else if (channels == 1) {  // luma with 16-bit weights, as PIL
      to[0] = static_cast<std::uint8_t>(
          (in[0] * 19595u + in[1] * 38470u + in[2] * 7471u + 0x8000u) >> 16);
    } else {
      std::copy_n(in, channels, to);
    }
  }
  return out;
}

Image crop(const Image& image, std::int64_t top, std::int64_t left, std::int64_t height,
           std::int64_t width) {
  if (top < 0 || left < 0 || height < 1 || width < 1 || top > image.height() - height ||
      left > image.width() - width) {
    fail<ShapeError>("crop: ", height, "x", width, " at (", top, ", ", left, ") is not inside ",
                     image);
  }
  const std::int64_t c = image.channels();
  return Image::copy_of(image.row(top) + left * c, height, width, c,
                        static_cast<std::ptrdiff_t>(image.width() * c));
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  return stb::encode_png(image.data(), static_cast<int>(image.height()),
                         static_cast<int>(image.width()), static_cast<int>(image.channels()));
}

std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality) {
  if (quality < 1 || quality > 100 || image.channels() == 2 || image.channels() == 4) {
    fail<OptionError>("encode_jpeg: quality ", quality, " for ", image,
                      ", expected quality 1 to 100 and 1 or 3 channels");
  }
  return stb::encode_jpeg(image.data(), static_cast<int>(image.height()),
                          static_cast<int>(image.width()), static_cast<int>(image.channels()),
                          quality);
}

void save_png(const Image& image, const std::string& path) {
  const auto bytes = encode_png(image);
  write_file_atomic(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace taxon

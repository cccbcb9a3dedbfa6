// Image: making, decoding and encoding.
#include <taxon/data/image.h>

#include <taxon/base/error.h>
#include <taxon/base/file.h>

#include <algorithm>
#include <cstring>

#include "encoded.h"
#include "stb.h"
#include "turbo.h"

namespace taxon {
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
  const EncodedImage image(encoded, what);
  return {image.size().height, image.size().width, image.channels()};
}

Image decode_image(std::span<const std::uint8_t> encoded, std::string_view what) {
  const EncodedImage image(encoded, what);
  return image.decode(least_shrink(image.size()));
}

Image decode_for_side(std::span<const std::uint8_t> encoded, std::int64_t side,
                      std::string_view what) {
  const EncodedImage image(encoded, what);
  int shrink = least_shrink(image.size());
  for (; shrink < 8; shrink *= 2) {
    const Extents next = shrunken(image.size(), 2 * shrink);
    if (std::max(next.height, next.width) < side) break;
  }
  return image.decode(shrink);
}

std::string_view jpeg_decoder() {
  return turbo::description();
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

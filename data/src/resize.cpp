// Antialiased bilinear resize in two passes, rows then columns, with 22-bit fixed-point weights and
// 8-bit values between the passes: the scheme of PIL's ImagingResample, so that a model sees the
// same pixels here and in Python.
#include "resize.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

constexpr int weight_bits = 22;

// Weights of the input elements [first, first + count) for each output element.
struct Filter {
  struct Window {
    std::int64_t first, count;
    std::size_t weights;
  };
  std::vector<Window> windows;
  std::vector<std::int32_t> weights;
};

// For the outputs [from, from + n) of `out`, which show [begin, begin + length) of `in` inputs.
struct Stretch {
  std::int64_t in = 0;
  double begin = 0, length = 0;
  std::int64_t out = 0, from = 0, n = 0;
};

Filter triangle_filter(const Stretch& s) {
  const auto [in, begin, length, out, from, n] = s;
  Filter f;
  const double scale = length / static_cast<double>(out);
  const double support = std::max(scale, 1.0);
  std::vector<double> w;
  for (std::int64_t o = from; o < from + n; ++o) {
    const double center = begin + (static_cast<double>(o) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const auto end = std::min(in, static_cast<std::int64_t>(center + support + 0.5));
    w.clear();
    double sum = 0;
    for (std::int64_t i = first; i < end; ++i) {
      const double distance = (static_cast<double>(i) - center + 0.5) / support;
      w.push_back(std::max(0.0, 1.0 - std::abs(distance)));
      sum += w.back();
    }
    f.windows.push_back({first, end - first, f.weights.size()});
    for (const double v : w) {
      f.weights.push_back(static_cast<std::int32_t>(v / sum * (1 << weight_bits) + 0.5));
    }
  }
  return f;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

constexpr std::int32_t half = 1 << (weight_bits - 1);

template <int Channels>
void resize_row(const std::uint8_t* in, std::uint8_t* out, const Filter& f) {
  for (const Filter::Window& window : f.windows) {
    const std::int32_t* w = f.weights.data() + window.weights;
    const std::uint8_t* p = in + window.first * Channels;
    std::int32_t sum[Channels];
    std::fill_n(sum, Channels, half);
    for (std::int64_t i = 0; i < window.count; ++i, p += Channels) {
      for (int c = 0; c < Channels; ++c) {
        sum[c] += p[c] * w[i];
      }
    }
    for (int c = 0; c < Channels; ++c) {
      *out++ = to_pixel(sum[c]);
    }
  }
}

// The rows [first, first + rows) of the image with columns filtered.
Image resize_width(const Image& image, const Filter& f, std::int64_t first, std::int64_t rows) {
  Image out(rows, static_cast<std::int64_t>(f.windows.size()), image.channels());
  for (std::int64_t y = 0; y < rows; ++y) {
    const std::uint8_t* in = image.row(first + y);
    switch (image.channels()) {
      case 1:
        resize_row<1>(in, out.row(y), f);
        break;
      case 2:
        resize_row<2>(in, out.row(y), f);
        break;
      case 3:
        resize_row<3>(in, out.row(y), f);
        break;
      default:
        resize_row<4>(in, out.row(y), f);
    }
  }
  return out;
}

// `first`: the row of the original image that is the first one here.
Image resize_height(const Image& image, const Filter& f, std::int64_t first) {
  Image out(static_cast<std::int64_t>(f.windows.size()), image.width(), image.channels());
  const std::int64_t n = image.width() * image.channels();
  std::vector<std::int32_t> sums(static_cast<std::size_t>(n));
  for (std::int64_t y = 0; y < out.height(); ++y) {
    const Filter::Window& window = f.windows[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), half);
    std::int32_t* sum = sums.data();
    for (std::int64_t i = 0; i < window.count; ++i) {
      const std::int32_t w = f.weights[window.weights + static_cast<std::size_t>(i)];
      const std::uint8_t* in = image.row(window.first - first + i);
      for (std::int64_t x = 0; x < n; ++x) {
        sum[x] += in[x] * w;
      }
    }
    std::transform(sums.begin(), sums.end(), out.row(y), to_pixel);
  }
  return out;
}

}  // namespace

Image resize_part(const Image& image, const ResizePart& part) {
  if (image.empty()) {
    fail<ShapeError>("resize: an empty image, expected pixels");
  }
  if (part.height < 1 || part.width < 1) {
    fail<OptionError>("resize: to ", part.height, "x", part.width, ", expected sides of 1 or more");
  }
  const auto whole = [](std::int64_t in, std::int64_t out, std::int64_t from, std::int64_t n) {
    return triangle_filter({in, 0, static_cast<double>(in), out, from, n});
  };
  const Filter rows = whole(image.height(), part.full_height, part.top, part.height);
  const bool same_height = image.height() == part.full_height;
  const auto& end = rows.windows.back();
  const std::int64_t first = same_height ? part.top : rows.windows.front().first;
  const std::int64_t last = same_height ? part.top + part.height : end.first + end.count;
  if (image.width() == part.full_width) {
    const Image columns = crop(image, first, part.left, last - first, part.width);
    return same_height ? columns : resize_height(columns, rows, first);
  }
  const Filter columns = whole(image.width(), part.full_width, part.left, part.width);
  Image narrow = resize_width(image, columns, first, last - first);
  return same_height ? narrow : resize_height(narrow, rows, first);
}

Image resize_frame(const Image& image, const Frame& f, std::int64_t height, std::int64_t width) {
  const Filter rows = triangle_filter({image.height(), f.top, f.height, height, 0, height});
  const Filter columns = triangle_filter({image.width(), f.left, f.width, width, 0, width});
  const std::int64_t first = rows.windows.front().first;
  const std::int64_t last = rows.windows.back().first + rows.windows.back().count;
  return resize_height(resize_width(image, columns, first, last - first), rows, first);
}

Image resize(const Image& image, std::int64_t height, std::int64_t width) {
  if (height == image.height() && width == image.width()) {
    return image;
  }
  return resize_part(image, {height, width, 0, 0, height, width});
}

}  // namespace taxon

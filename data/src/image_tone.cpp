// Brightness, contrast, colour, sharpness and tables of values (see image_ops.h).
#include <taxon/data/image_ops.h>

#include <algorithm>
#include <cmath>

namespace taxon::image_ops {
namespace {

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

// Pillow's blend: in single precision, cut off to whole numbers.
std::uint8_t blend(int other, int pixel, float factor) {
  const float v = static_cast<float>(other) + factor * static_cast<float>(pixel - other);
  return static_cast<std::uint8_t>(std::clamp(v, 0.0f, 255.0f));
}

template <class F>
Table table_of(F&& f) {
  Table table{};
  for (int v = 0; v < 256; ++v) {
    table[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(f(v));
  }
  return table;
}

void look_up(Image& image, const Table& table) {
  std::uint8_t* p = image.data();
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    p[i] = table[p[i]];
  }
}

std::int64_t pixels_of(const Image& image) {
  return image.height() * image.width();
}

// Replaces each channel's values by a table made from its histogram.
template <class F>
void look_up_channels(Image& image, F&& table_from) {
  const std::int64_t channels = image.channels(), pixels = pixels_of(image);
  for (std::int64_t c = 0; c < channels; ++c) {
    Histogram counts{};
    std::uint8_t* p = image.data() + c;
    for (std::int64_t i = 0; i < pixels; ++i) {
      ++counts[p[i * channels]];
    }
    const Table table = table_from(counts);
    for (std::int64_t i = 0; i < pixels; ++i) {
      p[i * channels] = table[p[i * channels]];
    }
  }
}

// The sum of a 3x3 window with weights 1 and, in the middle, 5, over 13 and rounded.
std::uint8_t smooth(const std::uint8_t* p, std::int64_t row, std::int64_t channels) {
  int sum = 4 * p[0];
  for (const std::int64_t y : {-row, std::int64_t{0}, row}) {
    sum += p[y - channels] + p[y] + p[y + channels];
  }
  return static_cast<std::uint8_t>((2 * sum + 13) / 26);
}

struct Hsv {
  std::uint8_t h, s, v;
};

// Smith 1978, "Color gamut transform pairs", with all three cut off to 8 bits.
Hsv to_hsv(const std::uint8_t* p) {
  const int high = std::max({p[0], p[1], p[2]}), low = std::min({p[0], p[1], p[2]});
  const auto value = static_cast<std::uint8_t>(high);
  if (high == low) {
    return {0, 0, value};
  }
  const auto range = static_cast<float>(high - low);
  const auto below = [&](int c) { return static_cast<float>(high - p[c]) / range; };
  const float r = below(0), g = below(1), b = below(2);
  double sixths = 0;
  if (p[0] == high) {
    sixths = static_cast<double>(b - g);
  } else if (p[1] == high) {
    sixths = static_cast<double>(
        static_cast<float>(2.0 + static_cast<double>(r) - static_cast<double>(b)));
  } else {
    sixths = static_cast<double>(
        static_cast<float>(4.0 + static_cast<double>(g) - static_cast<double>(r)));
  }
  const auto turn = static_cast<float>(std::fmod(sixths / 6.0 + 1.0, 1.0));
  const float share = range / static_cast<float>(high);
  return {static_cast<std::uint8_t>(static_cast<double>(turn) * 255.0),
          static_cast<std::uint8_t>(static_cast<double>(share) * 255.0), value};
}

void from_hsv(const Hsv& c, std::uint8_t* p) {
  if (c.s == 0) {
    std::fill_n(p, 3, c.v);
    return;
  }
  const double sixths = static_cast<double>(static_cast<float>(c.h)) * 6.0 / 255.0;
  const double sector = std::floor(sixths);
  const double f = static_cast<double>(static_cast<float>(sixths - sector));
  const double s = static_cast<double>(static_cast<float>(c.s) / 255.0f), v = c.v;
  const auto value = [&](double share) {
    return static_cast<std::uint8_t>(std::round(v * (1.0 - share)));
  };
  const std::uint8_t low = value(s), falling = value(s * f), rising = value(s * (1.0 - f));
  const std::array<std::array<std::uint8_t, 3>, 6> colours{{{c.v, rising, low},
                                                            {falling, c.v, low},
                                                            {low, c.v, rising},
                                                            {low, falling, c.v},
                                                            {rising, low, c.v},
                                                            {c.v, low, falling}}};
  const auto& rgb = colours[static_cast<std::size_t>(sector) % 6];
  std::copy(rgb.begin(), rgb.end(), p);
}

}  // namespace

void brightness(Image& image, double factor) {
  const auto by = static_cast<float>(factor);
  look_up(image, table_of([&](int v) { return blend(0, v, by); }));
}

void contrast(Image& image, double factor) {
  if (image.empty()) {
    return;
  }
  const Image grey = convert_channels(image, 1);
  double sum = 0;
  for (std::size_t i = 0; i < grey.bytes(); ++i) {
    sum += grey.data()[i];
  }
  const int mean = static_cast<int>(sum / static_cast<double>(grey.bytes()) + 0.5);
  const auto by = static_cast<float>(factor);
  look_up(image, table_of([&](int v) { return blend(mean, v, by); }));
}

void saturation(Image& image, double factor) {
  if (image.channels() != 3) {
    return;
  }
  const Image grey = convert_channels(image, 1);
  const auto by = static_cast<float>(factor);
  std::uint8_t* p = image.data();
  for (std::size_t i = 0; i < grey.bytes(); ++i, p += 3) {
    for (int c = 0; c < 3; ++c) {
      p[c] = blend(grey.data()[i], p[c], by);
    }
  }
}

void sharpness(Image& image, double factor) {
  const std::int64_t channels = image.channels(), row = image.width() * channels;
  const Image before = image;
  const auto by = static_cast<float>(factor);
  for (std::int64_t y = 1; y + 1 < image.height(); ++y) {
    const std::uint8_t* in = before.row(y);
    std::uint8_t* out = image.row(y);
    for (std::int64_t i = channels; i < row - channels; ++i) {
      out[i] = blend(smooth(in + i, row, channels), in[i], by);
    }
  }
}

void hue(Image& image, double turn) {
  if (image.channels() != 3) {
    return;
  }
  const int by = static_cast<int>(turn * 255);
  std::uint8_t* p = image.data();
  for (std::int64_t i = 0; i < pixels_of(image); ++i, p += 3) {
    Hsv c = to_hsv(p);
    c.h = static_cast<std::uint8_t>(c.h + by);
    from_hsv(c, p);
  }
}

void posterize(Image& image, int bits) {
  const int mask = ~((1 << (8 - std::clamp(bits, 0, 8))) - 1);
  look_up(image, table_of([&](int v) { return v & mask; }));
}

void solarize(Image& image, double threshold) {
  look_up(image, table_of([&](int v) { return v < threshold ? v : 255 - v; }));
}

void invert(Image& image) {
  look_up(image, table_of([](int v) { return 255 - v; }));
}

void autocontrast(Image& image) {
  look_up_channels(image, [](const Histogram& counts) {
    const auto some = [](std::int64_t n) { return n > 0; };
    const auto low = std::find_if(counts.begin(), counts.end(), some) - counts.begin();
    const auto high = 255 - (std::find_if(counts.rbegin(), counts.rend(), some) - counts.rbegin());
    if (high <= low) {
      return table_of([](int v) { return v; });
    }
    const double scale = 255.0 / static_cast<double>(high - low);
    const double offset = -static_cast<double>(low) * scale;
    return table_of(
        [&](int v) { return std::clamp(static_cast<int>(v * scale + offset), 0, 255); });
  });
}

void equalize(Image& image) {
  look_up_channels(image, [&](const Histogram& counts) {
    const auto last = std::find_if(counts.rbegin(), counts.rend(), [](auto n) { return n > 0; });
    const std::int64_t step = last == counts.rend() ? 0 : (pixels_of(image) - *last) / 255;
    std::int64_t n = step / 2;
    return table_of([&](int v) {
      if (step == 0) {
        return v;
      }
      const auto to = static_cast<int>(std::min<std::int64_t>(n / step, 255));
      n += counts[static_cast<std::size_t>(v)];
      return to;
    });
  });
}

void fill(Image& image, const Box& box, const std::array<std::uint8_t, 3>& colour) {
  const std::int64_t top = std::clamp<std::int64_t>(box.top, 0, image.height());
  const std::int64_t bottom = std::clamp(box.top + box.height, top, image.height());
  const std::int64_t left = std::clamp<std::int64_t>(box.left, 0, image.width());
  const std::int64_t right = std::clamp(box.left + box.width, left, image.width());
  for (std::int64_t y = top; y < bottom; ++y) {
    std::uint8_t* p = image.row(y) + left * image.channels();
    for (std::int64_t x = left; x < right; ++x, p += image.channels()) {
      std::copy_n(colour.begin(), image.channels(), p);
    }
  }
}

}  // namespace taxon::image_ops

// Shears, shifts and rotations by the nearest pixel (see image_ops.h).
#include <taxon/data/image_ops.h>

#include <cmath>
#include <cstring>
#include <numbers>

namespace taxon::image_ops {
namespace {

// Where an output position comes from: x' = a x + b y + c, y' = d x + e y + f.
struct Affine {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

constexpr double one = 65536;  // Pillow's fixed point: 16 bits behind the point

std::int64_t fixed(double v) {
  return static_cast<std::int64_t>(std::floor(v * one + 0.5));
}

template <std::int64_t Channels>
void warp_channels(const Image& in, const Affine& m, Image& out) {
  const std::int64_t dx = fixed(m.a), dy = fixed(m.d);
  // Of the centre of the first pixel.
  std::int64_t x0 = fixed(m.c + (m.a + m.b) * 0.5), y0 = fixed(m.f + (m.d + m.e) * 0.5);
  const std::int64_t width = in.width() << 16, height = in.height() << 16;
  for (std::int64_t y = 0; y < out.height(); ++y, x0 += fixed(m.b), y0 += fixed(m.e)) {
    std::uint8_t* p = out.row(y);
    std::int64_t from_x = x0, from_y = y0;
    for (std::int64_t x = 0; x < out.width(); ++x, p += Channels, from_x += dx, from_y += dy) {
      if (from_x >= 0 && from_x < width && from_y >= 0 && from_y < height) {
        std::memcpy(p, in.row(from_y >> 16) + (from_x >> 16) * Channels, Channels);
      }
    }
  }
}

void warp(Image& image, const Affine& m) {
  if (image.empty()) {
    return;
  }
  Image out(image.height(), image.width(), image.channels());
  if (image.channels() == 3) {
    warp_channels<3>(image, m, out);
  } else {
    warp_channels<1>(image, m, out);
  }
  image = std::move(out);
}

// Pillow rounds sines and cosines to 15 places, so that right angles are exact.
double rounded(double v) {
  return std::round(v * 1e15) / 1e15;
}

}  // namespace

void shear_x(Image& image, double factor) {
  Affine m;
  m.b = factor;
  warp(image, m);
}

void shear_y(Image& image, double factor) {
  Affine m;
  m.d = factor;
  warp(image, m);
}

void translate_x(Image& image, std::int64_t pixels) {
  Affine m;
  m.c = -static_cast<double>(pixels);
  warp(image, m);
}

void translate_y(Image& image, std::int64_t pixels) {
  Affine m;
  m.f = -static_cast<double>(pixels);
  warp(image, m);
}

void rotate(Image& image, double degrees) {
  const double angle = -std::fmod(degrees, 360.0) * std::numbers::pi / 180.0;
  const double cx = static_cast<double>(image.width()) / 2;
  const double cy = static_cast<double>(image.height()) / 2;
  Affine m;
  m.a = m.e = rounded(std::cos(angle));
  m.b = rounded(std::sin(angle));
  m.d = rounded(-std::sin(angle));
  m.c = cx - m.a * cx - m.b * cy;
  m.f = cy - m.d * cx - m.e * cy;
  warp(image, m);
}

}  // namespace taxon::image_ops

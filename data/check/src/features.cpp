// See features.h.
#include "features.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace taxon::check {
namespace {

constexpr int side = 32, cells = 8, directions = 9;
using Histogram = float[cells][cells][directions];

float pixel(const Image& grey, int y, int x) {
  return static_cast<float>(grey.row(std::clamp(y, 0, side - 1))[std::clamp(x, 0, side - 1)]);
}

// A pixel's gradient counts for the two nearest directions and the four nearest cells.
void add_pixel(const Image& grey, int y, int x, Histogram& h) {
  const float dx = pixel(grey, y, x + 1) - pixel(grey, y, x - 1);
  const float dy = pixel(grey, y + 1, x) - pixel(grey, y - 1, x);
  const float length = std::sqrt(dx * dx + dy * dy);
  if (length == 0) return;
  float turn = std::atan2(dy, dx) / std::numbers::pi_v<float>;
  if (turn < 0) turn += 1;
  const float bin = turn * directions;
  const int low = static_cast<int>(bin) % directions, high = (low + 1) % directions;
  const float upper = bin - std::floor(bin);
  const float cy = (static_cast<float>(y) + 0.5F) / 4 - 0.5F;
  const float cx = (static_cast<float>(x) + 0.5F) / 4 - 0.5F;
  const int top = static_cast<int>(std::floor(cy)), left = static_cast<int>(std::floor(cx));
  for (int k = 0; k < 4; ++k) {
    const int row = top + k / 2, column = left + k % 2;
    if (row < 0 || row >= cells || column < 0 || column >= cells) continue;
    const float share = (1 - std::abs(cy - static_cast<float>(row))) *
                        (1 - std::abs(cx - static_cast<float>(column))) * length;
    h[row][column][low] += share * (1 - upper);
    h[row][column][high] += share * upper;
  }
}

// The energy of a cell and those around it.
float energy_near(const float (&energy)[cells][cells], int y, int x) {
  float sum = 0;
  for (int v = std::max(0, y - 1); v <= std::min(cells - 1, y + 1); ++v) {
    for (int u = std::max(0, x - 1); u <= std::min(cells - 1, x + 1); ++u) sum += energy[v][u];
  }
  return sum;
}

}  // namespace

void describe(const Image& small, const Image& grey, std::uint8_t* out) {
  Histogram h = {};
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) add_pixel(grey, y, x, h);
  }
  float energy[cells][cells] = {};
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      for (const float v : h[y][x]) energy[y][x] += v * v;
    }
  }
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      const float norm = std::sqrt(energy_near(energy, y, x)) + 16;
      for (const float v : h[y][x]) {
        *out++ = static_cast<std::uint8_t>(255 * std::sqrt(std::min(1.0F, v / norm)));
      }
    }
  }
  const Image colours = resize(small, 4, 4);
  std::copy_n(colours.data(), colours.bytes(), out);
}

}  // namespace taxon::check

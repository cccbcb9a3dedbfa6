// See phash.h.
#include "phash.h"

#include <array>
#include <cmath>
#include <numbers>

namespace taxon::check {
namespace {

constexpr int side = 32, most = 11;  // frequencies 0 to 10 in each direction hold the 64 lowest

struct Basis {
  float cosine[most][side];
  struct Frequency {
    int y, x;
  };
  std::array<Frequency, 64> order;
  std::uint64_t odd_x = 0;  // bits whose coefficient changes sign in the mirror

  Basis() {
    for (int k = 0; k < most; ++k) {
      for (int i = 0; i < side; ++i) {
        cosine[k][i] =
            static_cast<float>(std::cos(std::numbers::pi * k * (2 * i + 1) / (2 * side)));
      }
    }
    std::size_t n = 0;
    for (int sum = 1; n < order.size(); ++sum) {
      for (int y = 0; y <= sum && n < order.size(); ++y) {
        order[n] = {y, sum - y};
        if ((sum - y) % 2 == 1) odd_x |= std::uint64_t{1} << n;
        ++n;
      }
    }
  }
};

const Basis& basis() {
  static const Basis b;
  return b;
}

}  // namespace

std::uint64_t perceptual_hash(const Image& grey) {
  const Basis& b = basis();
  float rows[side][most];
  for (int y = 0; y < side; ++y) {
    for (int k = 0; k < most; ++k) {
      float sum = 0;
      for (int x = 0; x < side; ++x) sum += b.cosine[k][x] * static_cast<float>(grey.row(y)[x]);
      rows[y][k] = sum;
    }
  }
  std::uint64_t hash = 0;
  for (std::size_t n = 0; n < b.order.size(); ++n) {
    float sum = 0;
    for (int y = 0; y < side; ++y) sum += b.cosine[b.order[n].y][y] * rows[y][b.order[n].x];
    if (sum > 0) hash |= std::uint64_t{1} << n;
  }
  return hash;
}

std::uint64_t mirrored_hash(std::uint64_t hash) {
  return hash ^ basis().odd_x;
}

}  // namespace taxon::check

// Tiles of products of bf16 pairs on a unit of tile registers: 32 x 32 sums in four registers of
// 16 x 16, from two registers of A and two of B. `Unit` is AMX (tiles.amx.cpp), or what the tests
// put in its place on other processors. Its registers 0 to 7 hold 16 rows of 64 bytes:
//   begin()          all registers are zero
//   load<t>(p, step) register t = 16 rows, `step` bytes apart
//   dots<t, a, b>()  t[i][j] += sum over e < 16, h < 2 of a[i][2 e + h] * b[e][2 j + h]
//   store<t>(p)      16 rows side by side
//   end()
#pragma once

#include "gemm/micro.h"

namespace taxon::kernels {
namespace {

constexpr int kUnitRows = 16, kUnitDepth = 32;  // bf16 elements of a row of a register

template <class Unit>
class TileProducts {
 public:
  static constexpr int kRows = 2 * kUnitRows, kWidth = 16;

  /// See Products::tile; bias, residual and ReLU are none.
  static void tile(const Tile& t, int rows, int vectors) { TileProducts(t, rows, vectors).run(); }

 private:
  TileProducts(const Tile& t, int rows, int vectors)
      : t_(t),
        rows_{rows < kUnitRows ? rows : kUnitRows, rows - kUnitRows},
        two_rows_(rows > kUnitRows),
        two_columns_(vectors == 2) {}

  void run() {
    Unit::begin();
    find_steps(0);
    if (two_rows_) find_steps(1);
    const auto* b = static_cast<const Bf16*>(t_.b);
    const int64_t pair = 2 * t_.b_stride;  // elements of B between pairs of steps
    for (int64_t s = 0; s < t_.segment_count; ++s) {
      const Segment segment = t_.segments[s];
      for (int64_t k = 0; k < segment.depth; k += kUnitDepth) {
        const int64_t left = segment.depth - k;
        multiply(segment.offset + k, b + k / 2 * pair, left < kUnitDepth ? left : kUnitDepth);
      }
      b += segment.depth / 2 * pair;
    }
    put<0, 0>();
    if (two_columns_) put<0, 1>();
    if (two_rows_) put<1, 0>();
    if (two_rows_ && two_columns_) put<1, 1>();
    Unit::end();
  }

  /// Rows that all lie the same distance apart can be loaded where they are.
  void find_steps(int r) {
    const int64_t* rows = t_.a_rows + r * kUnitRows;
    step_[r] = rows_[r] == kUnitRows ? rows[1] - rows[0] : 0;
    for (int i = 2; i < rows_[r]; ++i) {
      if (rows[i] - rows[i - 1] != step_[r]) step_[r] = 0;
    }
  }

  void multiply(int64_t offset, const Bf16* b, int64_t depth) {
    load_rows<0>(offset, depth);
    if (two_rows_) load_rows<1>(offset, depth);
    load_columns<0>(b, depth);
    Unit::template dots<0, 4, 6>();
    if (two_rows_) Unit::template dots<2, 5, 6>();
    if (!two_columns_) return;
    load_columns<1>(b + 2 * kWidth, depth);
    Unit::template dots<1, 4, 7>();
    if (two_rows_) Unit::template dots<3, 5, 7>();
  }

  template <int r>
  void load_rows(int64_t offset, int64_t depth) {
    const auto* a = static_cast<const Bf16*>(t_.a) + offset;
    const int64_t* rows = t_.a_rows + r * kUnitRows;
    if (depth == kUnitDepth && step_[r] != 0) {
      Unit::template load<4 + r>(a + rows[0], step_[r] * static_cast<int64_t>(sizeof(Bf16)));
      return;
    }
    alignas(64) Bf16 copy[kUnitRows * kUnitDepth] = {};
    for (int i = 0; i < rows_[r]; ++i) {
      if (depth == kUnitDepth) {
        __builtin_memcpy(copy + i * kUnitDepth, a + rows[i], kUnitDepth * sizeof(Bf16));
      } else {
        for (int64_t e = 0; e < depth; ++e) copy[i * kUnitDepth + e] = a[rows[i] + e];
      }
    }
    Unit::template load<4 + r>(copy, kUnitDepth * sizeof(Bf16));
  }

  template <int v>
  void load_columns(const Bf16* b, int64_t depth) {
    const int64_t step = 2 * t_.b_stride;
    if (depth == kUnitDepth) {
      Unit::template load<6 + v>(b, step * static_cast<int64_t>(sizeof(Bf16)));
      return;
    }
    alignas(64) Bf16 copy[kUnitRows * kUnitDepth] = {};
    for (int64_t e = 0; e < depth / 2; ++e) {
      __builtin_memcpy(copy + e * kUnitDepth, b + e * step, kUnitDepth * sizeof(Bf16));
    }
    Unit::template load<6 + v>(copy, kUnitDepth * sizeof(Bf16));
  }

  template <int r, int v>
  void put() {
    alignas(64) float sums[kUnitRows * kWidth];
    Unit::template store<2 * r + v>(sums);
    for (int i = 0; i < rows_[r]; ++i) {
      float* c = t_.c + t_.c_rows[r * kUnitRows + i] + v * kWidth;
      const float* from = sums + i * kWidth;
      for (int j = 0; j < kWidth; ++j) c[j] = t_.accumulate ? c[j] + from[j] : from[j];
    }
  }

  const Tile& t_;
  int rows_[2];
  bool two_rows_, two_columns_;
  int64_t step_[2];  // elements between rows of A; 0: they are copied
};

}  // namespace
}  // namespace taxon::kernels

// The code for tile registers (AMX) on any processor: with a unit in plain C++ in place of the
// instructions, convolutions equal the rounded f32 reference bit for bit on small integers.
#include "catch.h"
#include "conv2d/conv_test.h"
#include "conv2d/gather.h"
#include "gemm/pairs.h"
#include "gemm/tiles.h"

#include <cstring>

using namespace taxon::kernels;
using namespace taxon::test;
using taxon::bf16;

namespace {

/// Registers as Intel's manual defines them (TILELOADD, TDPBF16PS, TILESTORED), at 16 x 64 bytes.
struct PlainUnit {
  static void begin() { std::memset(registers, 0, sizeof registers); }
  template <int t>
  static void load(const void* p, std::int64_t step) {
    for (int i = 0; i < 16; ++i) {
      std::memcpy(registers[t][i], static_cast<const char*>(p) + i * step, 64);
    }
  }
  template <int t, int a, int b>
  static void dots() {
    float sums[16][16];
    std::memcpy(sums, registers[t], sizeof sums);
    bf16 left[16][32], right[16][32];
    std::memcpy(left, registers[a], sizeof left);
    std::memcpy(right, registers[b], sizeof right);
    for (int i = 0; i < 16; ++i) {
      for (int e = 0; e < 32; ++e) {
        for (int j = 0; j < 16; ++j) {
          sums[i][j] +=
              static_cast<float>(left[i][e]) * static_cast<float>(right[e / 2][2 * j + e % 2]);
        }
      }
    }
    std::memcpy(registers[t], sums, sizeof sums);
  }
  template <int t>
  static void store(float* p) {
    std::memcpy(p, registers[t], sizeof registers[t]);
  }
  static void end() {}

  static thread_local unsigned char registers[8][16][64];
};
thread_local unsigned char PlainUnit::registers[8][16][64];

const Products plain = {TileProducts<PlainUnit>::kRows,
                        TileProducts<PlainUnit>::kWidth,
                        sizeof(Bf16),
                        TileProducts<PlainUnit>::tile,
                        [] {},
                        baseline::pack_pair_columns,
                        baseline::pack_pair_rows};

/// A row on the plain unit.
template <auto run, auto scratch>
constexpr Row<Conv2dArgs> kRow = {
    "tile_products/plain",
    Needs::baseline,
    true,
    nullptr,
    [](const Conv2dArgs& args, int threads) {
      return scratch(args, threads, plain, baseline::bf16_kept);
    },
    [](const Conv2dArgs& args, const Exec& exec) { run(args, exec, plain, baseline::bf16_kept); }};

const PairSet plain_set = {&plain, &baseline::pairs, &baseline::bf16_kept, &baseline::f32};
constexpr Row<Conv2dArgs> kWeightRow = {
    "tile_products/plain",
    Needs::baseline,
    true,
    nullptr,
    [](const Conv2dArgs& args, int threads) {
      return pair_backward_weight_scratch(args, threads, plain_set);
    },
    [](const Conv2dArgs& args, const Exec& exec) { pair_backward_weight(args, exec, plain_set); }};

const Case kShapes[] = {
    {1, 1, 1, 2, 2, 1, 1},
    {2, 7, 5, 6, 10, 3, 3, 1, 1},
    {1, 40, 33, 16, 16, 3, 3, 1, 1},      // rows of taps side by side: 32 and 16 steps
    {2, 16, 16, 32, 64, 3, 3, 2, 1},      // whole registers
    {3, 9, 7, 34, 66, 1, 1, 2},           // two slabs, the second with two channels
    {2, 8, 8, 40, 130, 3, 3, 2, 1},       // several panels
    {1, 33, 32, 64, 48, 1, 1},            // read in place
    {2, 9, 8, 6, 10, 3, 2, 1, 1, 4},      // dilation
    {2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3},  // groups
    {1, 4, 4, 300, 40, 3, 3, 1, 1},       // several passes over the weights
    {36, 4, 4, 160, 160, 3, 3, 1, 1},     // outputs of the weights' gradient are split
};

}  // namespace

TEST_CASE("conv2d bf16: tiles of registers equal the rounded reference on integers") {
  for (const Case& c : kShapes) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers();
    Conv<bf16, float> half = conv.narrowed(c);
    const auto check = [&](Direction direction, const Row<Conv2dArgs>& row) {
      auto expected = conv.run(reference_of(rows_of(direction, Type::f32)), direction, 1);
      if (direction != Direction::weight) {
        for (float& v : expected) v = static_cast<float>(bf16(v));
      }
      for (int threads = 1; threads <= 2; ++threads) {
        CHECK(same_bits(half.run(row, direction, threads), expected));
      }
    };
    REQUIRE(tile_products_forward_declines(half.args) == nullptr);
    check(Direction::forward, kRow<gather_forward, gather_forward_scratch>);
    if (tile_products_backward_data_declines(half.args) == nullptr) {
      check(Direction::data, kRow<gather_backward_data, gather_backward_data_scratch>);
    }
    check(Direction::weight, kWeightRow);
  }
}

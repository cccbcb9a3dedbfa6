// Convolution of bf16 images: every row sums in f32 and rounds what it stores, so rows of sums and
// products equal the rounded f32 reference bit for bit on small integers; Winograd's stay within
// their tolerance and half a unit of the last place of bf16. Dot products round the weights too.
#include "catch.h"
#include "conv2d/conv_test.h"

#include <string_view>

using namespace taxon::kernels;
using namespace taxon::test;
using taxon::bf16;

namespace {

const Case kShapes[] = {
    {1, 1, 1, 1, 1, 1, 1},
    {2, 5, 4, 3, 8, 3, 3, 1, 1},
    {3, 8, 8, 16, 16, 3, 3, 1, 1},
    {2, 31, 31, 3, 17, 3, 3, 2, 1},
    {1, 15, 15, 10, 24, 3, 3, 2, 1},
    {5, 7, 7, 17, 10, 3, 3, 1, 1},
    {4, 9, 9, 64, 96, 3, 3, 2, 1},
    {2, 8, 8, 40, 130, 3, 3, 2, 1},
    {3, 9, 7, 33, 65, 1, 1, 2},
    {2, 7, 9, 64, 32, 1, 1},
    {1, 23, 20, 3, 40, 7, 7, 2, 3},
    {2, 9, 8, 6, 9, 3, 2, 1, 1, 4},
    {2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3},   // groups
    {3, 7, 8, 37, 37, 3, 3, 1, 1, 1, 37},  // depthwise
    {40, 4, 4, 40, 48, 3, 3, 1, 1},        // several images a block
    {1, 4, 4, 300, 40, 3, 3, 1, 1},        // several passes over the weights
    {36, 4, 4, 160, 160, 3, 3, 1, 1},      // outputs of the weights' gradient are split
    {33, 5, 5, 160, 160, 3, 3, 2, 1},
};

/// What storing as bf16 makes of a result; the gradients of parameters stay f32.
std::vector<float> stored(std::vector<float> values, Direction direction) {
  if (direction == Direction::weight) return values;
  for (float& v : values) v = static_cast<float>(bf16(v));
  return values;
}

}  // namespace

TEST_CASE("conv2d bf16: rows equal the rounded reference on integers, on any number of threads") {
  for (const Case& c : kShapes) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers();
    Conv<bf16, float> half = conv.narrowed(c);
    for (const Direction direction : kDirections) {
      const auto expected =
          stored(conv.run(reference_of(rows_of(direction, Type::f32)), direction, 1), direction);
      for_each_row(rows_of(direction, Type::bf16), half.args, [&](const Row<Conv2dArgs>& row) {
        if (!row.exact) return;
        INFO(row.name);
        for (int threads = 1; threads <= 3; ++threads) {
          INFO(threads << " threads");
          CHECK(same_bits(half.run(row, direction, threads), expected));
        }
      });
    }
  }
}

TEST_CASE("conv2d bf16: without bias, with ReLU, with a residual") {
  for (const Case& c : {Case{2, 9, 9, 12, 20, 3, 3, 2, 1}, Case{2, 6, 6, 3, 64, 3, 3, 1, 1},
                        Case{2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3}, Case{2, 9, 9, 64, 70, 1, 1, 2},
                        Case{1, 4, 4, 300, 40, 3, 3, 1, 1}}) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers();
    Conv<bf16, float> half = conv.narrowed(c);
    const auto& reference = reference_of(conv2d_forward_rows(Type::f32));
    for_each_row(conv2d_forward_rows(Type::bf16), half.args, [&](const Row<Conv2dArgs>& row) {
      if (!row.exact) return;
      INFO(row.name);
      for (const bool bias : {false, true}) {
        for (const bool relu : {false, true}) {
          for (const bool add : {false, true}) {
            const auto expected = stored(
                conv.run(reference, Direction::forward, 1, bias, relu, add), Direction::forward);
            CHECK(same_bits(half.run(row, Direction::forward, 2, bias, relu, add), expected));
          }
        }
      }
    });
  }
}

TEST_CASE("conv2d bf16: every row is close to the result in double, and repeatable, on reals") {
  std::vector<Case> shapes(std::begin(kShapes), std::end(kShapes));
  shapes.push_back({13, 64, 64, 8, 64, 3, 3, 1, 1});  // outputs past the caches
  for (const Case& c : shapes) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_reals();
    Conv<bf16, float> half = conv.narrowed(c);
    Conv<double> exact(c);
    for (std::int64_t i = 0; i < exact.x.size(); ++i) {
      exact.x[i] = static_cast<double>(static_cast<float>(half.x[i]));
    }
    for (std::int64_t i = 0; i < exact.y.size(); ++i) {
      exact.y[i] = static_cast<double>(static_cast<float>(half.y[i]));
    }
    std::copy(half.bias.begin(), half.bias.end(), exact.bias.begin());
    for (const Direction direction : kDirections) {
      const auto& reference = reference_of(rows_of(direction, Type::f64));
      const auto with_weights = [&](auto as_read) {
        std::transform(half.weight.begin(), half.weight.end(), exact.weight.begin(), as_read);
        const auto sums = exact.run(reference, direction, 1);
        return std::vector<float>(sums.begin(), sums.end());
      };
      const auto by_f32 = with_weights([](float w) { return static_cast<double>(w); });
      const auto by_bf16 =
          with_weights([](float w) { return static_cast<double>(static_cast<float>(bf16(w))); });
      const double rounding = direction == Direction::weight ? 0 : 0x1p-8;
      for_each_row(rows_of(direction, Type::bf16), half.args, [&](const Row<Conv2dArgs>& row) {
        INFO(row.name);
        const std::string_view name = row.name;
        const bool dots =
            name.find("/dot_products/") != name.npos || name.find("/tile_products/") != name.npos;
        const auto& expected = dots ? by_bf16 : by_f32;
        const auto once = half.run(row, direction, 1, true, false, false, 64);
        const double tolerance = row.exact ? sum_tolerance<float>(conv.length(direction), 1)
                                 : name.find("/winograd_dots/") != name.npos
                                     ? winograd_dots_tolerance(expected)
                                     : winograd_tolerance(expected);
        CHECK(close_values(once.data(), expected.data(), static_cast<std::int64_t>(once.size()),
                           tolerance, rounding));
        CHECK(same_bits(half.run(row, direction, 2, true, false, false, 64), once));
        CHECK(same_bits(half.run(row, direction, 3, true, false, false, 64), once));
      });
    }
  }
}

// Every row of the three tables of convolution against the reference: bit for bit on small
// integers, within a derived tolerance on reals, on one, two and three threads, in buffers that end
// at guard pages; and the adjoint identity <dy, y> = <dx, x> = <dw, w>, which ties the directions
// together.
#include "catch.h"
#include "conv2d/conv_test.h"

using namespace taxon::kernels;
using namespace taxon::test;

namespace {

std::vector<Case> cases() {
  std::vector<Case> all = {
      {1, 1, 1, 1, 1, 1, 1},
      {2, 5, 4, 3, 8, 3, 3, 1, 1},
      {3, 8, 8, 16, 16, 3, 3, 1, 1},
      {2, 31, 31, 3, 17, 3, 3, 2, 1},
      {1, 15, 15, 10, 24, 3, 3, 2, 1},
      {5, 7, 7, 17, 10, 3, 3, 1, 1},
      {4, 3, 3, 24, 3, 3, 3, 1, 1},
      {2, 1, 1, 24, 33, 3, 3, 1, 1},
      {2, 7, 9, 64, 32, 1, 1},
      {3, 9, 7, 33, 65, 1, 1, 2},
      {2, 12, 12, 1, 6, 5, 5, 1, 2},
      {2, 14, 14, 6, 16, 5, 5},
      {1, 23, 20, 3, 40, 7, 7, 2, 3},
      {2, 6, 6, 5, 7, 3, 3, 1, 5},  // padding wider than the kernel
      {2, 4, 4, 3, 4, 1, 1, 1, 2},
      {2, 6, 5, 5, 9, 3, 3, 2, 5},
      {2, 5, 5, 4, 5, 3, 3, 2, 4},
      {2, 11, 11, 8, 12, 3, 3, 3},  // stride with a remainder
      {2, 10, 10, 8, 12, 1, 1, 3},
      {2, 9, 9, 8, 12, 2, 2, 3},         // pixels that no output reads
      {2, 13, 13, 6, 9, 3, 3, 1, 2, 2},  // dilation
      {2, 13, 12, 6, 9, 3, 3, 2, 3, 3},
      {2, 12, 13, 6, 9, 4, 3, 2, 2, 2},
      {2, 9, 8, 6, 9, 3, 2, 1, 1, 4},
      {2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3},  // groups
      {2, 9, 9, 20, 20, 3, 3, 2, 1, 1, 20},
      {2, 6, 6, 64, 96, 3, 3, 1, 1, 1, 2},
      {3, 7, 8, 37, 37, 3, 3, 1, 1, 1, 37},  // depthwise
      {1, 12, 9, 16, 16, 5, 3, 2, 3, 2, 16},
      {2, 7, 11, 3, 5, 1, 5, 1, 2},
      {2, 11, 7, 3, 5, 5, 1, 2, 1},
      {40, 4, 4, 40, 48, 3, 3, 1, 1},    // several images a block
      {3, 40, 41, 3, 8, 3, 3, 1, 1},     // several bands an image
      {1, 4, 4, 300, 40, 3, 3, 1, 1},    // many channels: several passes
      {36, 4, 4, 160, 160, 3, 3, 1, 1},  // outputs of the weights' gradient are split
      {13, 64, 64, 8, 64, 1, 1},         // the source read in place, the output past the caches
      {13, 65, 64, 6, 64, 2, 1},         // the output past the caches
      {13, 64, 64, 64, 8, 1, 1},         // and those of the gradient of the input
      {13, 64, 64, 64, 8, 2, 2, 2},
  };
  Case oblong{2, 10, 12, 9, 20, 3, 2, 2, 1};
  oblong.stride_w = 1;
  oblong.pad_w = 0;
  all.push_back(oblong);
  return all;
}

double dot(const std::vector<float>& a, const Guarded<float>& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < b.size(); ++i) {
    sum += static_cast<double>(a[static_cast<std::size_t>(i)]) * static_cast<double>(b[i]);
  }
  return sum;
}

}  // namespace

TEST_CASE("conv2d: the reference is the sum of its definition") {
  Conv<float> conv({1, 2, 2, 1, 1, 2, 2, 1, 1});
  const float x[] = {1, 2, 3, 4}, w[] = {1, 10, 100, 1000};
  std::copy(x, x + 4, conv.x.begin());
  std::copy(w, w + 4, conv.weight.begin());
  conv.bias.fill(-1);
  const std::vector<float> y =
      conv.run(reference_of(conv2d_forward_rows(Type::f32)), Direction::forward, 1);
  const float expected[] = {1000, 2100, 200, 3010, 4321, 402, 30, 43, 4};
  REQUIRE(y.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) CHECK(y[i] == expected[i] - 1);
}

TEST_CASE("conv2d: every row equals the reference on integers, on any number of threads") {
  for (const Case& c : cases()) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers();
    for (const Direction direction : kDirections) {
      const auto rows = rows_of(direction, Type::f32);
      const auto expected = conv.run(reference_of(rows), direction, 1);
      for_each_row(rows, conv.args, [&](const Row<Conv2dArgs>& row) {
        if (!row.exact) return;
        INFO(row.name);
        for (int threads = 1; threads <= 3; ++threads) {
          INFO(threads << " threads");
          CHECK(same_bits(conv.run(row, direction, threads), expected));
        }
      });
    }
  }
}

TEST_CASE("conv2d: without bias, with ReLU, with a residual") {
  for (const Case& c : {Case{2, 9, 9, 12, 20, 3, 3, 2, 1}, Case{2, 6, 6, 3, 64, 3, 3, 1, 1},
                        Case{2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3}, Case{1, 4, 4, 300, 40, 3, 3, 1, 1},
                        Case{2, 7, 8, 37, 37, 3, 3, 1, 1, 1, 37}}) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers();
    for (const Direction direction : kDirections) {
      const auto rows = rows_of(direction, Type::f32);
      const bool relu = direction == Direction::forward;
      for_each_row(rows, conv.args, [&](const Row<Conv2dArgs>& row) {
        if (!row.exact) return;
        INFO(row.name);
        CHECK(same_bits(conv.run(row, direction, 2, false),
                        conv.run(reference_of(rows), direction, 1, false)));
        CHECK(same_bits(conv.run(row, direction, 2, true, relu),
                        conv.run(reference_of(rows), direction, 1, true, relu)));
        if (direction != Direction::forward) return;
        for (const bool cut : {false, true}) {
          CHECK(same_bits(conv.run(row, direction, 2, cut, cut, true),
                          conv.run(reference_of(rows), direction, 1, cut, cut, true)));
        }
      });
    }
  }
}

TEST_CASE("conv2d: every row is close to the result in double, and repeatable, on reals") {
  for (const Case& c : cases()) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_reals();
    Conv<double> exact = conv.widened(c);
    for (const Direction direction : kDirections) {
      const auto sums = exact.run(reference_of(rows_of(direction, Type::f64)), direction, 1);
      const std::vector<float> expected(sums.begin(), sums.end());
      const auto rows = rows_of(direction, Type::f32);
      for_each_row(rows, conv.args, [&](const Row<Conv2dArgs>& row) {
        INFO(row.name);
        const auto once = conv.run(row, direction, 1);
        CHECK(close_values(once.data(), expected.data(), static_cast<std::int64_t>(once.size()),
                           row.exact ? sum_tolerance<float>(conv.length(direction), 1)
                                     : winograd_tolerance(expected)));
        CHECK(same_bits(conv.run(row, direction, 1), once));
        CHECK(same_bits(conv.run(row, direction, 2), once));
        CHECK(same_bits(conv.run(row, direction, 3), once));
      });
    }
  }
}

TEST_CASE("conv2d: the directions are adjoint, exactly on integers") {
  for (const Case& c : cases()) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_integers(2);
    const double expected =
        dot(conv.run(reference_of(conv2d_forward_rows(Type::f32)), Direction::forward, 1, false),
            conv.y);
    for (const Direction direction : kDirections) {
      const Guarded<float>& other = direction == Direction::forward ? conv.y
                                    : direction == Direction::data  ? conv.x
                                                                    : conv.weight;
      for_each_row(rows_of(direction, Type::f32), conv.args, [&](const Row<Conv2dArgs>& row) {
        if (!row.exact) return;
        INFO(row.name);
        CHECK(dot(conv.run(row, direction, 2, false), other) == expected);
      });
    }
  }
}

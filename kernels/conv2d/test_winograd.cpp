// Winograd's convolution with the points 0, +-1, +-2 equals the reference bit for bit on integers
// for which every step is exact; with the low-error points its error stays within 2e-5 of the
// largest value on the 3x3 shapes of the ResNets and on odd ones.
#include "catch.h"
#include "conv2d/conv_test.h"
#include "conv2d/winograd.h"

using namespace taxon::kernels;
using namespace taxon::test;

namespace {

using Run = void (*)(const Conv2dArgs&, const Exec&, const WinogradSet&);
using Scratch = size_t (*)(const Conv2dArgs&, int, const WinogradSet&);

template <Run run, Scratch scratch, const Micro& micro, const WinogradMicro& transform>
Row<Conv2dArgs> row_of(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          winograd_forward_declines,
          [](const Conv2dArgs& args, int threads) {
            return scratch(args, threads, {&micro, &transform, micro.f32});
          },
          [](const Conv2dArgs& args, const Exec& exec) {
            run(args, exec, {&micro, &transform, micro.f32});
          }};
}

template <const Micro& micro, const WinogradMicro& transform, const WinogradMicro& data>
Row<Conv2dArgs> row_of(Direction direction, const char* name, Needs needs) {
  switch (direction) {
    case Direction::forward:
      return row_of<winograd_forward, winograd_forward_scratch, micro, transform>(name, needs);
    case Direction::data:
      return row_of<winograd_backward_data, winograd_backward_data_scratch, micro, data>(name,
                                                                                         needs);
    default:
      return row_of<winograd_backward_weight, winograd_backward_weight_scratch, micro, transform>(
          name, needs);
  }
}

/// Pairs of bf16 hold these integers exactly; they need an even number of channels.
bool in_pairs(const Case& c, Direction direction) {
  if (c.stride != 1 || active_needs() < Needs::avx512bf16) return false;
  return direction == Direction::weight || (direction == Direction::data ? c.k : c.c) % 2 == 0;
}

#define TAXON_INTEGER_ROW_1(isa) \
  row_of<isa::micro, isa::winograd_integer, isa::winograd_integer>(direction, #isa, Needs::isa)
#define TAXON_INTEGER_ROW(isa)                                                                \
  (stride == 1 ? TAXON_INTEGER_ROW_1(isa)                                                     \
               : row_of<isa::micro, isa::winograd_s2_integer, isa::winograd_s2_data_integer>( \
                     direction, #isa, Needs::isa))

/// The integer points on every instruction set in force.
std::vector<Row<Conv2dArgs>> integer_rows(Direction direction, const Case& c) {
  const std::int64_t stride = c.stride;
  std::vector<Row<Conv2dArgs>> rows;
  if (stride == 1) rows.push_back(TAXON_INTEGER_ROW_1(baseline));
#if defined(__x86_64__)
  if (active_needs() >= Needs::avx2) rows.push_back(TAXON_INTEGER_ROW(avx2));
  if (active_needs() >= Needs::avx512) rows.push_back(TAXON_INTEGER_ROW(avx512));
  if (in_pairs(c, direction)) {
    rows.push_back(
        row_of<avx512::micro, avx512bf16::winograd_integer, avx512bf16::winograd_integer>(
            direction, "pairs of bf16", Needs::avx512bf16));
  }
#endif
  return rows;
}

const Case kShapes[] = {
    {1, 4, 4, 16, 16, 3, 3, 1, 1},
    {2, 8, 8, 16, 32, 3, 3, 1, 1},
    {3, 7, 9, 17, 24, 3, 3, 1, 1},
    {1, 15, 31, 10, 33, 3, 3, 1, 0},
    {2, 3, 3, 40, 8, 3, 3, 1, 1},
    {2, 6, 5, 33, 20, 3, 3, 1, 2},
    {5, 14, 14, 8, 48, 3, 3, 1, 1},
    {36, 4, 4, 64, 65, 3, 3, 1, 1},
    {40, 7, 7, 24, 16, 3, 3, 1, 1},
    {1, 4, 4, 160, 96, 3, 3, 1, 1},
    {9, 32, 32, 16, 16, 3, 3, 1, 1},
    {4, 4, 5, 520, 40, 3, 3, 1, 1},
    {80, 4, 4, 512, 16, 3, 3, 1, 1},    // by panels of several blocks
    {5, 16, 16, 136, 136, 3, 3, 1, 1},  // sums shared by all tiles
    {9, 64, 64, 16, 16, 3, 3, 1, 1},    // several blocks a chunk of sums
    // Stride 2
    {1, 8, 8, 16, 16, 3, 3, 2, 1},
    {2, 9, 12, 17, 24, 3, 3, 2, 1},
    {1, 15, 31, 10, 33, 3, 3, 2, 1},
    {3, 5, 6, 40, 8, 3, 3, 2, 1},
    {5, 14, 14, 8, 48, 3, 3, 2, 1},
    {9, 32, 32, 16, 32, 3, 3, 2, 1},
    {36, 8, 8, 64, 65, 3, 3, 2, 1},
    {2, 8, 9, 260, 312, 3, 3, 2, 1},    // by panels
    {5, 16, 16, 136, 136, 3, 3, 2, 1},  // sums shared by all tiles
    {2, 20, 17, 12, 40, 3, 3, 2, 0},    // no gradient of the input
    {2, 11, 16, 33, 20, 3, 3, 2, 2},    // the same
};

bool strided(const Case& c) {
  return c.stride == 2;
}

/// Whether a direction can be done: not whether it is worth it.
bool possible(const Case& c, Direction direction) {
  return !strided(c) || c.pad == 1 || direction != Direction::data;
}

void fill(Conv<float>& conv) {
  fill_integers(conv.x, 1, -1, 1);
  fill_integers(conv.y, 2, -1, 1);
  fill_integers(conv.bias, 3, -4, 4);
  fill_integers(conv.residual, 5, -4, 4);
  fill_integers(conv.weight, 4, -1, 1);
  for (float& w : conv.weight) w *= 9;
}

}  // namespace

TEST_CASE("winograd: exact on integers, on any number of threads, with the points 0, 1, 2") {
  for (const Case& c : kShapes) {
    INFO(c);
    Conv<float> conv(c);
    fill(conv);
    for (const Direction direction : kDirections) {
      if (!possible(c, direction)) continue;
      const auto expected = conv.run(reference_of(rows_of(direction, Type::f32)), direction, 1);
      for (const Row<Conv2dArgs>& row : integer_rows(direction, c)) {
        INFO(row.name << ", direction " << static_cast<int>(direction));
        for (int threads = 1; threads <= 3; ++threads) {
          CHECK(same_bits(conv.run(row, direction, threads), expected));
        }
      }
    }
  }
}

TEST_CASE("winograd: with ReLU, without bias, with a residual") {
  const auto& reference = reference_of(conv2d_forward_rows(Type::f32));
  for (const Case& c : {Case{3, 7, 9, 17, 24, 3, 3, 1, 1}, Case{3, 13, 18, 17, 24, 3, 3, 2, 1}}) {
    Conv<float> conv(c);
    fill(conv);
    for (const Row<Conv2dArgs>& row : integer_rows(Direction::forward, c)) {
      INFO(row.name << ", " << c);
      for (const bool bias : {false, true}) {
        for (const bool relu : {false, true}) {
          for (const bool add : {false, true}) {
            CHECK(same_bits(conv.run(row, Direction::forward, 2, bias, relu, add),
                            conv.run(reference, Direction::forward, 1, bias, relu, add)));
          }
        }
      }
    }
  }
}

TEST_CASE("winograd: outputs that go past the caches") {
  const Case c{13, 64, 64, 8, 64, 3, 3, 1, 1};
  Conv<float> conv(c);
  fill(conv);
  const auto expected =
      conv.run(reference_of(conv2d_forward_rows(Type::f32)), Direction::forward, 1);
  for (const Row<Conv2dArgs>& row : integer_rows(Direction::forward, c)) {
    INFO(row.name);
    CHECK(same_bits(conv.run(row, Direction::forward, 2, true, false, false, 64), expected));
  }
}

TEST_CASE("winograd: the low-error points stay within 2e-5 of the largest value") {
  // 3x3 shapes of ResNet-18/20/50 (fewer images than a batch; the error depends on the channels).
  std::vector<Case> shapes = {{4, 32, 32, 16, 16, 3, 3, 1, 1},   {4, 16, 16, 32, 32, 3, 3, 1, 1},
                              {4, 8, 8, 64, 64, 3, 3, 1, 1},     {2, 32, 32, 64, 64, 3, 3, 1, 1},
                              {2, 16, 16, 128, 128, 3, 3, 1, 1}, {2, 8, 8, 256, 256, 3, 3, 1, 1},
                              {4, 4, 4, 512, 512, 3, 3, 1, 1},   {1, 14, 14, 256, 256, 3, 3, 1, 1},
                              {1, 7, 7, 512, 512, 3, 3, 1, 1},   {2, 32, 32, 64, 128, 3, 3, 2, 1},
                              {2, 16, 16, 128, 256, 3, 3, 2, 1}, {4, 8, 8, 256, 512, 3, 3, 2, 1},
                              {4, 32, 32, 16, 32, 3, 3, 2, 1},   {4, 16, 16, 32, 64, 3, 3, 2, 1},
                              {1, 56, 56, 128, 128, 3, 3, 2, 1}, {1, 28, 28, 256, 256, 3, 3, 2, 1},
                              {2, 14, 14, 512, 512, 3, 3, 2, 1}};
  shapes.insert(shapes.end(), std::begin(kShapes), std::end(kShapes));
  for (const Case& c : shapes) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_reals();
    Conv<double> exact = conv.widened(c);
    for (const Direction direction : kDirections) {
      if (!possible(c, direction)) continue;
      const auto sums = exact.run(reference_of(rows_of(direction, Type::f64)), direction, 1);
      const std::vector<float> expected(sums.begin(), sums.end());
      const auto rows = rows_of(direction, Type::f32);
      int seen = 0;
      for_each_row(rows, [&](const Row<Conv2dArgs>& row) {  // also what declines for speed alone
        const bool for_stride2 = std::string(row.name).find("winograd_s2") != std::string::npos;
        if (row.exact || for_stride2 != strided(c)) return;
        ++seen;
        INFO(row.name);
        const auto once = conv.run(row, direction, 1);
        CHECK(close_values(once.data(), expected.data(), static_cast<std::int64_t>(once.size()),
                           winograd_tolerance(expected)));
        CHECK(same_bits(conv.run(row, direction, 2), once));
        CHECK(same_bits(conv.run(row, direction, 3), once));
      });
      const bool none = strided(c) && active_needs() < Needs::avx2;  // not at the portable level
      CHECK((seen > 0) == !none);
    }
  }
}

TEST_CASE("winograd: declines what it cannot do, and all when sums of products are asked for") {
  Conv<float> conv({2, 8, 8, 16, 32, 3, 3, 1, 1});
  CHECK(winograd_forward_declines(conv.args) == nullptr);
  conv.args.exact = true;
  CHECK(winograd_forward_declines(conv.args) == std::string("exact convolution asked for"));
  for (const Case& c : {Case{2, 8, 8, 16, 32, 3, 3, 2, 1}, Case{2, 8, 8, 16, 32, 1, 1},
                        Case{2, 8, 8, 16, 32, 5, 5, 1, 2}, Case{2, 8, 8, 16, 32, 3, 3, 1, 1, 2},
                        Case{2, 8, 8, 16, 32, 3, 3, 1, 1, 1, 2}, Case{2, 8, 8, 3, 32, 3, 3, 1, 1},
                        Case{2, 8, 8, 16, 32, 3, 3, 1, 3}, Case{2, 2, 2, 16, 32, 3, 3, 1, 1},
                        Case{3, 4, 4, 16, 32, 3, 3, 1, 1}}) {
    INFO(c);
    CHECK(winograd_forward_declines(Conv<float>(c).args) != nullptr);
    CHECK(winograd_backward_weight_declines(Conv<float>(c).args) != nullptr);
  }
  const auto reason = [](const char* (*declines)(const Conv2dArgs&), const Case& c) {
    const char* why = declines(Conv<float>(c).args);
    return std::string(why == nullptr ? "" : why);
  };
  const Case wide{24, 16, 16, 64, 64, 3, 3, 2, 1};
  CHECK(reason(winograd_s2_forward_declines, wide).empty());
  CHECK(reason(winograd_s2_backward_data_declines, wide).empty());
  CHECK(reason(winograd_s2_backward_weight_declines, wide).empty());
  const Case unpadded{24, 17, 17, 64, 64, 3, 3, 2, 0};
  CHECK(reason(winograd_s2_forward_declines, unpadded).empty());
  CHECK(reason(winograd_s2_backward_data_declines, unpadded) == "padding is not 1");
  const Case narrow{24, 16, 16, 32, 64, 3, 3, 2, 1};
  CHECK(reason(winograd_s2_forward_declines, narrow).empty());
  CHECK(reason(winograd_s2_backward_weight_declines, narrow) == "few channels");
  const Case partial{24, 28, 28, 64, 64, 3, 3, 2, 1};
  CHECK(reason(winograd_s2_forward_declines, partial) == "tiles not full");
  const Case single{1, 16, 16, 64, 64, 3, 3, 2, 1};
  CHECK(reason(winograd_s2_forward_declines, single) == "few tiles");
  const Case stride1{24, 16, 16, 64, 64, 3, 3, 1, 1};
  CHECK(reason(winograd_s2_forward_declines, stride1) == "stride");
  const Conv<float> few({1, 16, 16, 256, 256, 3, 3, 1, 1});
  CHECK(winograd_forward_declines(few.args) == nullptr);
  CHECK(winograd_backward_weight_declines(few.args) == std::string("few tiles"));
}

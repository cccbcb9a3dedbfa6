// Copies of every layout and element size, and picking slices.
#include <taxon/kernels/movement.h>

#include <numeric>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

/// Elements that an array with these extents and strides touches, and where its first one lies.
struct Span {
  std::int64_t size, first;
};
Span span_of(int rank, const std::int64_t* dims, const std::int64_t* strides) {
  std::int64_t low = 0, high = 0;
  for (int d = 0; d < rank; ++d) {
    const std::int64_t reach = (dims[d] - 1) * strides[d];
    (reach < 0 ? low : high) += reach;
  }
  return {high - low + 1, -low};
}

struct Layout {
  std::vector<std::int64_t> dims, x_strides, y_strides;
};
const Layout layouts[] = {
    {{}, {}, {}},
    {{17}, {1}, {1}},
    {{200001}, {1}, {1}},
    {{5, 7}, {1, 5}, {7, 1}},                                // transpose
    {{300, 513}, {1, 300}, {513, 1}},                        // a large one
    {{2, 3, 31, 17}, {1581, 1, 51, 3}, {1581, 527, 17, 1}},  // NHWC to NCHW
    {{2, 31, 17, 3}, {1581, 17, 1, 527}, {1581, 51, 3, 1}},  // and back
    {{4, 10}, {-10, -1}, {10, 1}},                           // flips
    {{6, 33, 3}, {99, -3, 1}, {99, 3, 1}},
    {{5, 8}, {20, 2}, {8, 1}},                 // every second element
    {{4, 9, 16}, {144, 16, 1}, {400, 40, 2}},  // into a larger array
    {{3, 4, 5}, {0, 1, 0}, {20, 5, 1}},        // broadcast
    {{70000, 3}, {1, 70000}, {3, 1}},
    {{3, 70000}, {1, 3}, {70000, 1}},
    {{100000}, {2}, {1}},
    {{2, 1, 3, 1, 4, 1, 2, 2}, {48, 1, 16, 1, 4, 1, 2, 1}, {1, 7, 2, 7, 6, 7, 24, 48}},
    {{3, 0, 4}, {4, 4, 1}, {4, 4, 1}}};

template <class T>
void check_copy(const Layout& l) {
  CopyArgs args;
  args.rank = static_cast<int>(l.dims.size());
  args.element_size = sizeof(T);
  std::copy(l.dims.begin(), l.dims.end(), args.dims);
  std::copy(l.x_strides.begin(), l.x_strides.end(), args.x_strides);
  std::copy(l.y_strides.begin(), l.y_strides.end(), args.y_strides);
  const Span xs = span_of(args.rank, args.dims, args.x_strides);
  const Span ys = span_of(args.rank, args.dims, args.y_strides);
  Guarded<T> x(xs.size), expected(ys.size);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<T>(hash(1, static_cast<std::uint64_t>(i)));
  }
  args.x = x.data() + xs.first;
  args.y = expected.data() + ys.first;
  run_row(reference_of(copy_rows()), args);
  for_each_row(copy_rows(), args, [&](const Row<CopyArgs>& row) {
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " element size " << sizeof(T) << " threads " << threads);
      Guarded<T> y(ys.size);  // untouched elements keep their 0xFF
      args.y = y.data() + ys.first;
      run_row(row, args, threads);
      CHECK(same_values(y, expected));
    }
  });
}

struct Slices {
  std::int64_t outer, n, m, inner;
};
const Slices slices[] = {{1, 10, 7, 1},      {3, 5, 9, 17}, {1, 100, 30, 3072}, {20, 4, 2, 15},
                         {1, 3, 500, 10000}, {2, 6, 6, 33}, {7, 1, 3, 16}};
Guarded<std::int64_t> indices(const Slices& s) {
  Guarded<std::int64_t> index(s.m);
  for (std::int64_t j = 0; j < s.m; ++j) {
    index[j] = static_cast<std::int64_t>(hash(5, static_cast<std::uint64_t>(j)) %
                                         static_cast<std::uint64_t>(s.n));
  }
  return index;
}

}  // namespace

TEST_CASE("copies of every layout and element size", "[movement]") {
  int number = 0;
  for (const Layout& l : layouts) {
    INFO("layout " << number++);
    check_copy<std::uint8_t>(l);
    check_copy<std::uint16_t>(l);
    check_copy<std::uint32_t>(l);
    check_copy<std::uint64_t>(l);
  }
}

TEST_CASE("a transposed copy puts every element where it belongs", "[movement]") {
  Guarded<std::int32_t> x(6), y(6);
  std::iota(x.begin(), x.end(), 0);
  CopyArgs args;
  args.rank = 2;
  args.dims[0] = 3;
  args.dims[1] = 2;
  args.x_strides[0] = 1;
  args.x_strides[1] = 3;
  args.y_strides[0] = 2;
  args.y_strides[1] = 1;
  args.x = x.data();
  args.y = y.data();
  for_each_row(copy_rows(), args, [&](const Row<CopyArgs>& row) {
    INFO(row.name);
    run_row(row, args);
    const std::int32_t expected[] = {0, 3, 1, 4, 2, 5};
    CHECK(same_values(y.data(), expected, 6));
  });
}

TEST_CASE("gather picks slices", "[movement]") {
  for (const Slices& s : slices) {
    INFO(s.outer << " x " << s.n << " x " << s.inner << ", " << s.m << " picked");
    const Guarded<float> x = integers(s.outer * s.n * s.inner, 1, -1000, 1000);
    const Guarded<std::int64_t> index = indices(s);
    GatherArgs args;
    args.outer = s.outer;
    args.n = s.n;
    args.m = s.m;
    args.inner = s.inner;
    args.index = index.data();
    args.x = x.data();
    check_rows(
        gather_rows(), args, {Guarded<float>(s.outer * s.m * s.inner)},
        [](GatherArgs& a, Buffers& out) { a.y = out[0].data(); }, exactly());
  }
}

TEST_CASE("gather's gradient adds up what was picked twice", "[movement]") {
  for (const Slices& s : slices) {
    INFO(s.outer << " x " << s.n << " x " << s.inner << ", " << s.m << " picked");
    const Guarded<float> dy = reals(s.outer * s.m * s.inner, 1);
    const Guarded<std::int64_t> index = indices(s);
    GatherGradArgs args;
    args.outer = s.outer;
    args.n = s.n;
    args.m = s.m;
    args.inner = s.inner;
    args.index = index.data();
    args.dy = dy.data();
    check_rows(
        gather_grad_rows(Type::f32), args, {Guarded<float>(s.outer * s.n * s.inner)},
        [](GatherGradArgs& a, Buffers& out) { a.dx = out[0].data(); }, exactly());
  }
}

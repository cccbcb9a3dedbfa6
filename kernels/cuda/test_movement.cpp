// Strided copies, gather and its gradient under the shim.
#include <taxon/kernels/movement.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"copy", "gather", "gather_grad"}, false);

struct Strided {
  std::vector<std::int64_t> dims, x, y;
  std::int64_t first = 0;  ///< x's first element, where strides are negative
};
const Strided copies[] = {
    {{}, {}, {}},
    {{0}, {1}, {1}},
    {{1}, {1}, {1}},
    {{1000}, {1}, {1}},
    {{64}, {-1}, {1}, 63},
    {{40, 33}, {1, 40}, {33, 1}},               // transposed, in tiles
    {{64, 64}, {1, 64}, {64, 1}},               //
    {{3, 20, 17}, {340, 1, 20}, {340, 17, 1}},  // planes of them
    {{2, 2, 16, 32}, {1024, 512, 1, 16}, {1024, 512, 32, 1}},
    {{5, 3}, {1, 5}, {3, 1}},                          // too small for tiles
    {{4, 5, 6, 7}, {1, 4, 20, 120}, {210, 42, 7, 1}},  // reversed
    {{4, 8}, {0, 1}, {8, 1}},                          // broadcast
    {{4, 8}, {16, 2}, {8, 1}},                         // a slice
    {{4, 8}, {8, 1}, {24, 3}},                         // into one
    {{6, 4, 3}, {12, 3, 1}, {12, 3, 1}},               // one run
    {{2, 1, 2, 1, 2, 1, 2, 3}, {24, 1, 12, 1, 6, 1, 3, 1}, {3, 7, 6, 7, 12, 7, 24, 1}},
};

template <class T>
void check_copy(const Strided& c) {
  constexpr std::int64_t size = 4096;
  Guarded<T> x(size), expected(size);
  fill_integers(x, 1, 0, 100);
  CopyArgs args;
  args.rank = static_cast<int>(c.dims.size());
  args.element_size = sizeof(T);
  for (std::size_t d = 0; d < c.dims.size(); ++d) {
    args.dims[d] = c.dims[d];
    args.x_strides[d] = c.x[d];
    args.y_strides[d] = c.y[d];
  }
  args.x = x.data() + c.first;
  args.y = expected.data();
  run_row(reference_of(copy_rows()), args);
  each_order([&] {
    Guarded<T> y(size);
    args.y = y.data();
    run_checked(*cuda_tables().copy().first, args);
    CHECK(identical(y, expected));
  });
}

struct Picked {
  std::int64_t outer, n, m, inner;
};
const Picked picked[] = {{1, 1, 1, 1},  {1, 10, 7, 1},    {2, 5, 9, 3},
                         {3, 4, 6, 16}, {1, 50, 20, 64},  {0, 5, 5, 2},
                         {2, 5, 0, 3},  {1, 3, 40, 5000}, {4, 100, 3, 4}};

template <class T>
void check_gather(const Picked& p) {
  Guarded<T> x(p.outer * p.n * p.inner);
  fill_integers(x, 1, 0, 100);
  Guarded<std::int64_t> index(p.m);
  fill_integers(index, 2, 0, static_cast<int>(p.n) - 1);
  Guarded<T> expected(p.outer * p.m * p.inner);
  GatherArgs args;
  args.element_size = sizeof(T);
  args.outer = p.outer;
  args.n = p.n;
  args.m = p.m;
  args.inner = p.inner;
  args.index = index.data();
  args.x = x.data();
  args.y = expected.data();
  run_row(reference_of(gather_rows()), args);
  each_order([&] {
    Guarded<T> y(p.outer * p.m * p.inner);
    args.y = y.data();
    run_checked(*cuda_tables().gather().first, args);
    CHECK(identical(y, expected));
  });
}

void check_gather_grad(const Picked& p, const Guarded<float>& dy, Tolerance t) {
  Guarded<std::int64_t> index(p.m);
  fill_integers(index, 2, 0, static_cast<int>(p.n) - 1);
  GatherGradArgs args;
  args.outer = p.outer;
  args.n = p.n;
  args.m = p.m;
  args.inner = p.inner;
  args.index = index.data();
  args.dy = dy.data();
  Outputs<float> fresh;
  fresh.images.emplace_back(p.outer * p.n * p.inner);
  const auto bind = [](GatherGradArgs& g, Outputs<float>& out) { g.dx = out.images[0].data(); };
  check_cuda<float>(cuda_tables().gather_grad(Type::f32), gather_grad_rows(Type::f32), args, fresh,
                    bind, t);
}

}  // namespace

TEST_CASE("cuda: strided copies", "[movement]") {
  for (const Strided& c : copies) {
    INFO("copy " << &c - copies);
    check_copy<std::uint8_t>(c);
    check_copy<std::uint16_t>(c);
    check_copy<std::uint32_t>(c);
    check_copy<std::uint64_t>(c);
  }
}

TEST_CASE("cuda: gather", "[movement]") {
  for (const Picked& p : picked) {
    INFO(p.outer << " x " << p.n << " -> " << p.m << " x " << p.inner);
    check_gather<std::uint8_t>(p);
    check_gather<std::uint16_t>(p);
    check_gather<std::uint32_t>(p);
    check_gather<std::uint64_t>(p);
    const std::int64_t n = p.outer * p.m * p.inner;
    check_gather_grad(p, integers(n, 3), exact);
    check_gather_grad(p, reals(n, 3), {});  // the same additions in the same order
  }
}

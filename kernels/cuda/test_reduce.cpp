// Reductions, positions of maxima and the gradient of a maximum under the shim.
#include <taxon/kernels/reduce.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"reduce", "argmax", "spread"}, true);

struct View {
  std::int64_t outer, n, inner;
};
// Rows for a warp, for a block, cut; columns narrow and wide, packed or not, cut; nothing at all.
const View views[] = {{1, 1, 1},    {3, 10, 1},    {9, 257, 1},   {17, 64, 1},   {2, 1025, 1},
                      {3, 4096, 1}, {1, 40000, 1}, {2, 20008, 1}, {5, 3, 7},     {2, 100, 16},
                      {1, 65, 17},  {4, 33, 32},   {1, 5000, 3},  {1, 3000, 64}, {1, 3, 1000},
                      {300, 2, 5},  {0, 4, 1},     {4, 4, 0},     {3, 0, 1},     {2, 0, 3}};

template <class T>
void check_reduce(const View& v, Reduce op, const Guarded<T>& x, Tolerance t) {
  ReduceArgs args;
  args.op = op;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.x = x.data();
  Outputs<T> fresh;
  fresh.images.emplace_back(v.outer * v.inner);
  check_cuda<T>(
      cuda_tables().reduce(type_of_elements<T>), reduce_rows(type_of_elements<T>), args, fresh,
      [](ReduceArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); }, t);
}

/// Positions are exact whatever the numbers.
template <class T>
void check_argmax(const View& v, const Guarded<T>& x) {
  CHECK(covered().count(std::string("argmax") + type_name<T>()) == 1);
  ArgmaxArgs args;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.x = x.data();
  Guarded<std::int64_t> expected(v.outer * v.inner);
  args.index = expected.data();
  run_row(reference_of(argmax_rows(type_of_elements<T>)), args);
  for (const Row<ArgmaxArgs>& row : cuda_tables().argmax(type_of_elements<T>)) {
    each_order([&] {
      Guarded<std::int64_t> index(v.outer * v.inner);
      args.index = index.data();
      run_checked(row, args);
      CHECK(same_values(index, expected));
    });
  }
}

template <class T>
void check_spread(const View& v) {
  if (v.n == 0) return;
  Guarded<std::int64_t> index(v.outer * v.inner);
  fill_integers(index, 3, 0, static_cast<int>(v.n) - 1);
  const Guarded<T> dy = reals_of<T>(v.outer * v.inner, 4);
  SpreadArgs args;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  args.index = index.data();
  args.dy = dy.data();
  Outputs<T> fresh;
  fresh.images.emplace_back(v.outer * v.n * v.inner);
  check_cuda<T>(
      cuda_tables().spread(type_of_elements<T>), spread_rows(type_of_elements<T>), args, fresh,
      [](SpreadArgs& g, Outputs<T>& out) { g.dx = out.images[0].data(); }, exact);
}

template <class T>
void check_all() {
  for (const View& v : views) {
    INFO(v.outer << " x " << v.n << " x " << v.inner);
    const std::int64_t count = v.outer * v.n * v.inner;
    const auto n = static_cast<double>(v.n);
    for (int op = 0; op < reduce_count; ++op) {
      check_reduce(v, static_cast<Reduce>(op), integers_of<T>(count, 1), exact);
    }
    // 256 threads or more share a sum of n: no chain of additions is longer than n / 32 + 64.
    const double sum = sum_tolerance<float>(v.n / 32 + 64, 1) * (1 + n / 64);
    check_reduce(v, Reduce::sum, reals_of<T>(count, 1), {sum, FLT_EPSILON});
    check_reduce(v, Reduce::mean, reals_of<T>(count, 1), {sum / std::max(n, 1.0), FLT_EPSILON});
    check_reduce(v, Reduce::max, strange_of<T>(count, 1), exact);
    check_argmax(v, integers_of<T>(count, 2));  // ties: the first
    check_argmax(v, strange_of<T>(count, 2));
    check_argmax(v, Guarded<T>(count));  // NaN alone
    check_spread<T>(v);
  }
}

}  // namespace

TEST_CASE("cuda: reductions, f32", "[reduce]") {
  check_all<float>();
}
TEST_CASE("cuda: reductions, bf16", "[reduce]") {
  check_all<bf16>();
}

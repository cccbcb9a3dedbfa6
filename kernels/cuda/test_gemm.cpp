// Matrix products under the shim.
#include <taxon/kernels/gemm.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"gemm"}, true);

struct Case {
  std::int64_t m, n, k, batch = 1;
};
const Case cases[] = {{1, 1, 1},     {3, 5, 7},     {64, 64, 16},   {65, 63, 17},
                      {10, 128, 48}, {0, 4, 4},     {4, 0, 4},      {4, 4, 0},
                      {7, 9, 600},   {130, 70, 33}, {12, 20, 8, 3}, {5, 6, 7, 4}};

struct Options {
  bool trans_a = false, trans_b = false, accumulate = false, relu = false, bias = false;
  std::int64_t gap = 0;  ///< beyond each row
};
std::vector<Options> all_options() {
  std::vector<Options> all;
  for (int i = 0; i < 8; ++i) {
    for (std::int64_t gap : {0, 3, 4}) {
      all.push_back({(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, gap == 3, gap != 0, gap});
    }
  }
  return all;
}

/// The product in the CPU's f32 table, from the same numbers; bf16 results are rounded once.
template <class T>
void check_gemm(const Case& c, const Options& o, bool whole) {
  GemmArgs args;
  args.m = c.m;
  args.n = c.n;
  args.k = c.k;
  args.trans_a = o.trans_a;
  args.trans_b = o.trans_b;
  args.accumulate = o.accumulate;
  args.relu = o.relu;
  args.lda = (o.trans_a ? c.m : c.k) + o.gap;
  args.ldb = (o.trans_b ? c.k : c.n) + o.gap;
  args.ldc = c.n + o.gap;
  args.batch = c.batch;
  args.stride_a = args.lda * (o.trans_a ? c.k : c.m);
  args.stride_b = o.gap == 0 && c.batch > 1 ? 0 : args.ldb * (o.trans_b ? c.n : c.k);
  args.stride_c = args.ldc * c.m;
  const auto numbers = [&](std::int64_t n, std::uint64_t seed) {
    return whole ? integers_of<T>(n, seed, -3, 3) : reals_of<T>(n, seed);
  };
  const Guarded<T> a = numbers(args.stride_a * c.batch, 1);
  const Guarded<T> b = numbers(args.ldb * (o.trans_b ? c.n : c.k) * c.batch, 2);
  const Guarded<T> before = numbers(args.stride_c * c.batch, 3);
  const Guarded<float> bias = whole ? integers(c.n, 4) : reals(c.n, 4);
  args.bias = o.bias ? bias.data() : nullptr;
  const auto widened = [](const Guarded<T>& x) {
    Guarded<float> out(x.size());
    for (std::int64_t i = 0; i < x.size(); ++i) out[i] = static_cast<float>(x[i]);
    return out;
  };
  const Guarded<float> wide_a = widened(a), wide_b = widened(b);
  Guarded<float> wide_c = widened(before);
  GemmArgs wide = args;
  wide.a = wide_a.data();
  wide.b = wide_b.data();
  wide.c = wide_c.data();
  run_row(reference_of(gemm_rows(Type::f32)), wide);
  Guarded<T> expected(before.size());
  for (std::int64_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<T>(wide_c[i]);
  args.a = a.data();
  args.b = b.data();
  CHECK(covered().count(std::string("gemm") + type_name<T>()) == 1);
  const Tolerance t = whole ? exact : Tolerance{sum_tolerance<float>(c.k + 4, 1), FLT_EPSILON};
  for (const Row<GemmArgs>& row : cuda_tables().gemm(type_of_elements<T>)) {
    if (row.declines != nullptr && row.declines(args) != nullptr) continue;
    if (whole) REQUIRE(row.exact);
    std::vector<Guarded<T>> runs;
    each_order([&] {
      Guarded<T> out = before;
      args.c = out.data();
      run_checked(row, args);
      CHECK(near(out, expected, rounded<T>(t)));
      if (!runs.empty()) CHECK(identical(out, runs[0]));
      if (runs.empty()) runs.push_back(out);
    });
  }
}

template <class T>
void check_all() {
  for (const Case& c : cases) {
    for (const Options& o : all_options()) {
      INFO(c.m << " x " << c.n << " x " << c.k << " batch " << c.batch << " trans " << o.trans_a
               << o.trans_b << " accumulate " << o.accumulate << " gap " << o.gap);
      check_gemm<T>(c, o, true);
      if (o.gap != 3) check_gemm<T>(c, o, false);
    }
  }
}

}  // namespace

TEST_CASE("cuda: matrix products, f32", "[gemm]") {
  check_all<float>();
}
TEST_CASE("cuda: matrix products, bf16", "[gemm]") {
  check_all<bf16>();
}
TEST_CASE("cuda: matrix products by large tiles and by shares", "[gemm]") {
  check_gemm<float>({130, 132, 20, 34}, {}, true);  // 136 large tiles
  check_gemm<float>({130, 132, 20, 34}, {.trans_a = true, .trans_b = true, .gap = 4}, true);
  check_gemm<bf16>({129, 70, 3000}, {.relu = true, .bias = true}, true);  // sums cut
  check_gemm<float>({10, 33, 5000}, {.accumulate = true, .bias = true}, false);
}

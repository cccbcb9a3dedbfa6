// Times the rows of the matrix product: squares, the layers of the mlp (forward, and the gradients
// of input and weight), and thin products.
#include "kernel_bench.h"

#include <taxon/kernels/gemm.h>

#include <algorithm>

using namespace taxon::kernels;

namespace {

struct Shape {
  std::int64_t m, n, k;
  bool trans_a, trans_b;
};

constexpr Shape kShapes[] = {
    {1024, 1024, 1024, false, false}, {1024, 1024, 1024, false, true},
    {1024, 1024, 1024, true, false},  {1000, 1000, 1000, false, false},
    {2048, 2048, 2048, false, false}, {256, 256, 256, false, false},
    {128, 512, 784, false, true},     {128, 784, 512, false, false},
    {512, 784, 128, true, false},     {128, 256, 512, false, true},
    {128, 512, 256, false, false},    {256, 512, 128, true, false},
    {128, 10, 512, false, true},      {128, 512, 10, false, false},
    {10, 512, 128, true, false},      {128, 120, 400, false, true},
    {128, 400, 120, false, false},    {120, 400, 128, true, false},
    {1, 512, 784, false, true},       {1, 1000, 2048, false, true},
    {1, 1024, 1024, false, false},
};

GemmArgs args_of(const Shape& s) {
  GemmArgs a;
  a.m = s.m;
  a.n = s.n;
  a.k = s.k;
  a.trans_a = s.trans_a;
  a.trans_b = s.trans_b;
  a.lda = s.trans_a ? s.m : s.k;
  a.ldb = s.trans_b ? s.k : s.n;
  a.ldc = s.n;
  return a;
}

class Problem {
 public:
  explicit Problem(const Shape& shape)
      : args_(args_of(shape)),
        a_(args_.m * args_.k, 64),
        b_(args_.k * args_.n, 64),
        c_(args_.m * args_.n, 64) {
    args_.a = a_.data();
    args_.b = b_.data();
    args_.c = c_.data();
  }
  const GemmArgs& args() const { return args_; }

  /// Integers; the first and the last rows are compared.
  template <class Run>
  bool check(Run run) {
    taxon::test::fill_integers(a_, 1);
    taxon::test::fill_integers(b_, 2);
    run();
    const std::int64_t rows = std::min<std::int64_t>(args_.m, 16);
    return check_rows(0, rows) && check_rows(args_.m - rows, rows);
  }
  void prepare() {
    taxon::test::fill_reals(a_, 1);
    taxon::test::fill_reals(b_, 2);
  }

 private:
  bool check_rows(std::int64_t first, std::int64_t count) {
    std::vector<float> expected(static_cast<std::size_t>(count * args_.n));
    GemmArgs a = args_;
    a.m = count;
    a.a = a_.data() + first * (args_.trans_a ? 1 : args_.lda);
    a.c = expected.data();
    taxon::test::reference_of(gemm_rows(Type::f32)).run(a, Exec{});
    return bool(
        taxon::test::same_values(c_.data() + first * args_.n, expected.data(), count * args_.n));
  }

  GemmArgs args_;
  taxon::test::Guarded<float> a_, b_, c_;
};

const bool registered = taxon::bench::add_family([] {
  for (const Shape& s : kShapes) {
    const std::string name = std::to_string(s.m) + "x" + std::to_string(s.n) + "x" +
                             std::to_string(s.k) + (s.trans_a ? "_at" : "") +
                             (s.trans_b ? "_bt" : "");
    const double flops = 2.0 * static_cast<double>(s.m * s.n) * static_cast<double>(s.k);
    taxon::bench::add_rows(gemm_rows(Type::f32), args_of(s), name, {flops, 0},
                           [s] { return Problem(s); });
  }
});

}  // namespace

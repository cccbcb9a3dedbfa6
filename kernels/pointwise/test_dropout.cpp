// Dropout: the same mask from every row, the right share kept.
#include <taxon/base/random.h>
#include <taxon/kernels/pointwise.h>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {
const auto bind_y = [](DropoutArgs& args, Buffers& out) { args.y = out[0].data(); };
}

TEST_CASE("dropout keeps what the generator says", "[dropout]") {
  for (const double p : {0.0, 0.1, 0.5, 0.75, 0.999999, 1.0}) {
    for (const std::int64_t n : {1, 3, 15, 16, 17, 63, 64, 65, 1000, 100003}) {
      INFO("p " << p << " n " << n);
      const Guarded<float> x = reals(n, 1);
      DropoutArgs args;
      args.n = n;
      args.p = p;
      args.seed = 0x123456789abcdef0u;
      args.stream = 0xfedcba9876543210u;
      args.x = x.data();
      check_rows(dropout_rows(Type::f32), args, {Guarded<float>(n)}, bind_y, exactly());
    }
  }
}

TEST_CASE("dropout keeps a share of 1 - p, scaled to the same mean", "[dropout]") {
  const std::int64_t n = 1 << 20;
  Guarded<float> x(n), y(n);
  x.fill(1);
  DropoutArgs args;
  args.n = n;
  args.p = 0.3;
  args.seed = 42;
  args.x = x.data();
  args.y = y.data();
  run_row(kernels::select(dropout_rows(Type::f32), args, active_needs()), args);
  double sum = 0;
  for (const float v : y) sum += static_cast<double>(v);
  // The kept count is binomial: the mean's deviation is sqrt(p / (1-p) / n); five of them.
  CHECK(std::abs(sum / static_cast<double>(n) - 1) < 5 * std::sqrt(0.3 / 0.7 / n));
  const auto words = philox(42, 0, 5);
  CHECK((y[22] != 0) == (words[2] / 4294967296.0 >= 0.3));
}

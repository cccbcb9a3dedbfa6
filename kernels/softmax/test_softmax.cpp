// Softmax, log-softmax and their gradients.
#include <taxon/kernels/softmax.h>

#include <cfloat>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;
constexpr float inf = std::numeric_limits<float>::infinity();

struct View {
  std::int64_t outer, axis, inner;
};
const View views[] = {{1, 1, 1},  {128, 10, 1}, {3, 2, 1},   {5, 3, 1},    {7, 15, 1},
                      {9, 16, 1}, {2, 17, 1},   {33, 31, 1}, {1, 1000, 1}, {300, 100, 1},
                      {4, 33, 1}, {2, 5, 7},    {3, 10, 16}};

SoftmaxArgs softmax_args(const View& v, bool log, const Guarded<float>& x) {
  SoftmaxArgs args;
  args.outer = v.outer;
  args.axis = v.axis;
  args.inner = v.inner;
  args.log = log;
  args.x = x.data();
  return args;
}
const auto bind_y = [](SoftmaxArgs& args, Buffers& out) { args.y = out[0].data(); };

}  // namespace

TEST_CASE("softmax and log_softmax", "[softmax]") {
  for (const View& v : views) {
    for (const bool log : {false, true}) {
      for (const double scale : {1.0, 30.0}) {
        INFO(v.outer << " x " << v.axis << " x " << v.inner << " log " << log << " scale "
                     << scale);
        const Guarded<float> x = reals(v.outer * v.axis * v.inner, 1, -scale, scale);
        // x - max is rounded once: an error of eps / 2 * 2 scale in the exponent, which is a
        // relative one in the result. The sum's lanes add up to axis / 4 positive terms.
        const double relative = eps * (2 * scale + 8 + static_cast<double>(v.axis) / 4);
        check_rows(softmax_rows(Type::f32), softmax_args(v, log, x), {Guarded<float>(x.size())},
                   bind_y, nearly(log ? relative : 0, log ? 4 * eps : relative));
      }
    }
  }
}

TEST_CASE("softmax of extreme logits", "[softmax]") {
  const float rows[][4] = {{1e38f, -1e38f, 0, 0},   {-1e38f, -1e38f, -1e38f, -1e38f},
                           {-inf, 0, 0, -inf},      {-inf, -inf, -inf, -inf},
                           {inf, 0, 0, 0},          {std::nanf(""), 0, 0, 0},
                           {1000, 999, -1000, 500}, {0, -104, -80, -87.5f}};
  Guarded<float> x(32);
  std::copy(&rows[0][0], &rows[0][0] + 32, x.begin());
  for (const bool log : {false, true}) {
    check_rows(softmax_rows(Type::f32), softmax_args({8, 4, 1}, log, x), {Guarded<float>(32)},
               bind_y, nearly(0x1p-148, 8 * eps));
  }
}

TEST_CASE("softmax gradients", "[softmax]") {
  for (const View& v : views) {
    for (const bool log : {false, true}) {
      INFO(v.outer << " x " << v.axis << " x " << v.inner << " log " << log);
      const std::int64_t n = v.outer * v.axis * v.inner;
      const Guarded<float> x = reals(n, 1), dy = reals(n, 2);
      Guarded<float> y(n);
      SoftmaxArgs forward = softmax_args(v, log, x);
      forward.y = y.data();
      run_row(reference_of(softmax_rows(Type::f32)), forward);
      SoftmaxGradArgs args;
      args.outer = v.outer;
      args.axis = v.axis;
      args.inner = v.inner;
      args.log = log;
      args.y = y.data();
      args.dy = dy.data();
      // The sum of dy has `axis` terms of at most 1, each then times a probability.
      const double absolute = log ? sum_tolerance<float>(v.axis, 1) : 16 * eps;
      check_rows(
          softmax_grad_rows(Type::f32), args, {Guarded<float>(n)},
          [](SoftmaxGradArgs& a, Buffers& out) { a.dx = out[0].data(); },
          nearly(absolute, 8 * eps));
    }
  }
}

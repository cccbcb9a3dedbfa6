// Convolution with the maximum over 2x2: the reference against the two operations it stands for,
// and every row against the reference.
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/conv_pool.h>
#include <taxon/kernels/pool.h>

#include <cfloat>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t n, h, w, c, k, r, s, pad;
};
const Case cases[] = {{3, 28, 28, 1, 6, 5, 5, 2}, {2, 9, 7, 1, 1, 3, 3, 1},
                      {1, 2, 2, 1, 3, 1, 1, 0},   {2, 11, 40, 3, 8, 3, 7, 1},
                      {5, 6, 35, 2, 5, 2, 4, 0},  {2, 33, 66, 4, 7, 3, 2, 2},
                      {40, 5, 5, 3, 2, 3, 3, 1},  {1, 12, 12, 3, 4, 7, 7, 3}};

ConvPoolArgs args_of(const Case& k) {
  ConvPoolArgs args;
  args.n = k.n;
  args.h = k.h;
  args.w = k.w;
  args.c = k.c;
  args.k = k.k;
  args.r = k.r;
  args.s = k.s;
  args.pad_h = args.pad_w = k.pad;
  args.oh = (k.h + 2 * k.pad - k.r + 1) / 2;
  args.ow = (k.w + 2 * k.pad - k.s + 1) / 2;
  return args;
}
std::string name(const Case& k) {
  std::ostringstream out;
  out << k.n << "x" << k.h << "x" << k.w << "x" << k.c << " to " << k.k << " filter " << k.r << "x"
      << k.s << " pad " << k.pad;
  return out.str();
}

using Codes = Guarded<std::uint8_t>;
std::int64_t outputs(const ConvPoolArgs& g) {
  return g.n * g.oh * g.ow * g.k;
}
std::int64_t weights(const ConvPoolArgs& g) {
  return g.k * g.r * g.s * g.c;
}

/// The same by the references of convolution, ReLU and pooling; `index` as these give it.
void compose(const ConvPoolArgs& g, Guarded<float>& y, Guarded<std::int32_t>& index) {
  Conv2dArgs conv;
  conv.n = g.n;
  conv.h = g.h;
  conv.w = g.w;
  conv.c = g.c;
  conv.k = g.k;
  conv.r = g.r;
  conv.s = g.s;
  conv.pad_h = g.pad_h;
  conv.pad_w = g.pad_w;
  conv.oh = g.h + 2 * g.pad_h - g.r + 1;
  conv.ow = g.w + 2 * g.pad_w - g.s + 1;
  conv.relu = g.relu;
  Guarded<float> image(g.n * conv.oh * conv.ow * g.k);
  conv.x = const_cast<void*>(g.x);
  conv.weight = g.weight;
  conv.bias = g.bias;
  conv.y = image.data();
  run_row(reference_of(conv2d_forward_rows(Type::f32)), conv);
  PoolArgs pool;
  pool.n = g.n;
  pool.h = conv.oh;
  pool.w = conv.ow;
  pool.c = g.k;
  pool.oh = g.oh;
  pool.ow = g.ow;
  pool.r = pool.s = pool.stride_h = pool.stride_w = 2;
  pool.x = image.data();
  pool.y = y.data();
  pool.index = index.data();
  run_row(reference_of(max_pool_rows(Type::f32)), pool);
}

/// Codes as the composition's indices; where ReLU cuts off there is no gradient and any will do.
bool same_choice(const ConvPoolArgs& g, const Guarded<float>& y, const Codes& codes,
                 const Guarded<std::int32_t>& index) {
  const std::int64_t width = g.w + 2 * g.pad_w - g.s + 1;
  for (std::int64_t at = 0; at < outputs(g); ++at) {
    const std::int64_t k = at % g.k, j = at / g.k % g.ow, i = at / (g.k * g.ow) % g.oh;
    const std::int64_t n = at / (g.k * g.ow * g.oh);
    const int code = codes[((n * g.k + k) * g.oh + i) * g.ow + j];
    const std::int64_t place = (2 * i + code / 2) * width + 2 * j + code % 2;
    const bool cut = g.relu && !(y[at] > 0);
    if (cut ? code != 4 : index[at] != place) return false;
  }
  return true;
}

struct Problem {
  ConvPoolArgs args;
  Guarded<float> x, weight, bias;
  Problem(const Case& k, bool exact)
      : args(args_of(k)),
        x(exact ? integers(k.n * k.h * k.w * k.c, 1) : reals(k.n * k.h * k.w * k.c, 1)),
        weight(exact ? integers(weights(args), 2) : reals(weights(args), 2)),
        bias(exact ? integers(k.k, 3) : reals(k.k, 3)) {
    args.x = x.data();
    args.weight = weight.data();
    args.bias = bias.data();
  }
};

/// Every row against the reference: codes too where the sums are exact.
void check_forward(ConvPoolArgs args, bool exact) {
  Guarded<float> expected(outputs(args));
  Codes expected_codes(outputs(args));
  args.y = expected.data();
  args.code = expected_codes.data();
  run_row(reference_of(conv_pool_rows(Type::f32)), args);
  const double length = static_cast<double>(args.c * args.r * args.s + 1);
  const double tolerance = exact ? 0 : length * length * FLT_EPSILON;
  for_each_row(conv_pool_rows(Type::f32), args, [&](const Row<ConvPoolArgs>& row) {
    Guarded<float> first(outputs(args));
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " threads " << threads);
      Guarded<float> y(outputs(args)), alone(outputs(args));
      Codes codes(outputs(args));
      args.y = y.data();
      args.code = codes.data();
      run_row(row, args, threads);
      CHECK(within(y, expected, tolerance, tolerance));
      if (exact) CHECK(same_values(codes, expected_codes));
      args.y = alone.data();
      args.code = nullptr;
      run_row(row, args, threads);
      CHECK(same_bits(alone, y));
      if (threads == 1) first = y;
      CHECK(same_bits(y, first));
    }
  });
}

}  // namespace

TEST_CASE("conv_pool is a convolution, ReLU and max_pool", "[conv_pool]") {
  for (const Case& k : cases) {
    for (const bool relu : {false, true}) {
      INFO(name(k) << " relu " << relu);
      Problem p(k, true);
      p.args.relu = relu;
      Guarded<float> expected(outputs(p.args)), y(outputs(p.args));
      Guarded<std::int32_t> index(outputs(p.args));
      Codes codes(outputs(p.args));
      compose(p.args, expected, index);
      p.args.y = y.data();
      p.args.code = codes.data();
      run_row(reference_of(conv_pool_rows(Type::f32)), p.args);
      CHECK(same_values(y, expected));
      CHECK(same_choice(p.args, y, codes, index));
    }
  }
}

TEST_CASE("conv_pool", "[conv_pool]") {
  for (const Case& k : cases) {
    for (const bool relu : {false, true}) {
      INFO(name(k) << " relu " << relu);
      Problem exact(k, true), near(k, false);
      exact.args.relu = near.args.relu = relu;
      check_forward(exact.args, true);
      check_forward(near.args, false);
      exact.args.bias = nullptr;
      check_forward(exact.args, true);
      exact.x[exact.x.size() / 2] = std::nanf("");
      check_forward(exact.args, true);
    }
  }
}

TEST_CASE("conv_pool's gradients of weight and bias", "[conv_pool]") {
  for (const Case& k : cases) {
    for (const bool exact : {true, false}) {
      INFO(name(k) << " exact " << exact);
      Problem p(k, exact);
      p.args.relu = true;
      Guarded<float> y(outputs(p.args));
      Codes codes(outputs(p.args));
      p.args.y = y.data();
      p.args.code = codes.data();
      run_row(reference_of(conv_pool_rows(Type::f32)), p.args);
      Guarded<float> dy = exact ? integers(y.size(), 4) : reals(y.size(), 4);
      p.args.y = dy.data();
      const Buffers fresh{Guarded<float>(weights(p.args)), Guarded<float>(k.k)};
      const auto bind = [](ConvPoolArgs& a, Buffers& out) {
        a.weight = out[0].data();
        a.bias = out[1].data();
      };
      const auto rows = conv_pool_backward_weight_rows(Type::f32);
      if (exact) {
        check_rows(rows, p.args, fresh, bind, exactly());
      } else {
        const double tolerance = sum_tolerance<float>(p.args.n * p.args.oh * p.args.ow, 1);
        check_rows(rows, p.args, fresh, bind, nearly(tolerance, 0));
      }
      const auto without_bias = [](ConvPoolArgs& a, Buffers& out) {
        a.weight = out[0].data();
        a.bias = nullptr;
      };
      if (exact) check_rows(rows, p.args, {fresh[0]}, without_bias, exactly());
    }
  }
}

TEST_CASE("conv_pool's gradient lies where the maximum was", "[conv_pool]") {
  ConvPoolSpreadArgs args;
  args.n = args.k = 1;
  args.oh = 1;
  args.ow = 3;
  args.h = 3;
  args.w = 6;
  const float dy[] = {5, 6, 7};
  const std::uint8_t code[] = {1, 4, 2};
  args.dy = dy;
  args.code = code;
  Guarded<float> dx(18);
  args.dx = dx.data();
  run_row(reference_of(conv_pool_spread_rows(Type::f32)), args);
  const std::vector<float> expected{0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
  CHECK(std::equal(dx.begin(), dx.end(), expected.begin()));
}

TEST_CASE("conv_pool's rows say what they take", "[conv_pool]") {
  const Case lenet = cases[0];
  CHECK(conv_pool_fits(args_of(lenet)));
  Case wide = lenet, deep = lenet, large = lenet;
  wide.k = 9;
  deep.c = 5;
  large.h = large.w = 300;
  for (const Case& k : {wide, deep, large}) {
    const ConvPoolArgs args = args_of(k);
    CHECK(!conv_pool_fits(args));
    const auto rows = conv_pool_rows(Type::f32);
    CHECK(std::string(select(rows, args, active_needs()).name) == "conv_pool/reference");
  }
}

// Pooling of bf16 images: the f32 kernels' results, rounded once; the same places of the maxima.
#include <taxon/kernels/pool.h>

#include "bf16_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t n, h, w, c, window, stride, pad;
};
const Case cases[] = {{2, 9, 8, 6, 2, 2, 0},
                      {3, 7, 5, 17, 3, 2, 1},
                      {1, 16, 16, 64, 2, 2, 0},
                      {2, 6, 6, 33, 3, 1, 1}};

template <class Args>
Args args_of(const Case& k) {
  Args args;
  args.n = k.n;
  args.h = k.h;
  args.w = k.w;
  args.c = k.c;
  args.r = args.s = k.window;
  args.stride_h = args.stride_w = k.stride;
  args.pad_h = args.pad_w = k.pad;
  args.oh = (k.h + 2 * k.pad - k.window) / k.stride + 1;
  args.ow = (k.w + 2 * k.pad - k.window) / k.stride + 1;
  return args;
}
template <class Args>
std::int64_t inputs(const Args& g) {
  return g.n * g.h * g.w * g.c;
}
template <class Args>
std::int64_t outputs(const Args& g) {
  return g.n * g.oh * g.ow * g.c;
}

const auto bind = [](auto& g, auto& in, auto& out, Buffers&) {
  g.x = in[0].data();
  g.y = out[0].data();
};
const auto bind_grad = [](PoolGradArgs& g, auto& in, auto& out, Buffers&) {
  g.dy = in[0].data();
  g.dx = out[0].data();
};

}  // namespace

TEST_CASE("max_pool in bf16", "[pool][bf16]") {
  for (const Case& k : cases) {
    for (const bool relu : {false, true}) {
      INFO(k.n << "x" << k.h << "x" << k.w << "x" << k.c << " relu " << relu);
      auto args = args_of<PoolArgs>(k);
      args.relu = relu;
      // Places are four bytes each, so they pass as the other output; many values are equal.
      Guarded<float> x = integers(inputs(args), 1);
      x[x.size() / 2] = std::nanf("");
      check_bf16(max_pool_rows(Type::f32), max_pool_rows(Type::bf16), args, {x}, {outputs(args)},
                 {Guarded<float>(outputs(args))},
                 [](PoolArgs& g, auto& in, auto& out, Buffers& other) {
                   g.x = in[0].data();
                   g.y = out[0].data();
                   g.index = reinterpret_cast<std::int32_t*>(other[0].data());
                 });
      Guarded<std::uint8_t> codes(outputs(args)), expected(outputs(args));
      Guarded<float> y(outputs(args));
      args.x = x.data();
      args.y = y.data();
      args.code = expected.data();
      run_row(reference_of(max_pool_rows(Type::f32)), args);
      const Guarded<bf16> narrow = narrowed(x, alignof(bf16));
      Guarded<bf16> narrow_y(outputs(args));
      args.x = narrow.data();
      args.y = narrow_y.data();
      args.code = codes.data();
      run_row(select(max_pool_rows(Type::bf16), args, active_needs()), args);
      CHECK(same_values(codes, expected));
    }
  }
}

TEST_CASE("max_pool's gradient in bf16", "[pool][bf16]") {
  for (const Case& k : cases) {
    auto args = args_of<PoolGradArgs>(k);
    Guarded<std::uint8_t> codes(outputs(args));
    for (std::int64_t i = 0; i < codes.size(); ++i) {
      codes[i] = static_cast<std::uint8_t>(i * 7 % (k.window * k.window + 1));
    }
    args.code = codes.data();
    check_bf16(max_pool_grad_rows(Type::f32), max_pool_grad_rows(Type::bf16), args,
               {reals(outputs(args), 2)}, {inputs(args)}, {}, bind_grad);
  }
}

TEST_CASE("averages in bf16", "[pool][bf16]") {
  for (const Case& k : cases) {
    const auto args = args_of<PoolArgs>(k);
    check_bf16(avg_pool_rows(Type::f32), avg_pool_rows(Type::bf16), args, {reals(inputs(args), 1)},
               {outputs(args)}, {}, bind);
    const auto grad = args_of<PoolGradArgs>(k);
    check_bf16(avg_pool_grad_rows(Type::f32), avg_pool_grad_rows(Type::bf16), grad,
               {reals(outputs(grad), 2)}, {inputs(grad)}, {}, bind_grad);
    for (const std::int64_t size : {1, 3}) {
      AdaptiveAvgPoolArgs cells;
      cells.n = k.n;
      cells.h = k.h;
      cells.w = k.w;
      cells.c = k.c;
      cells.oh = cells.ow = size;
      check_bf16(adaptive_avg_pool_rows(Type::f32), adaptive_avg_pool_rows(Type::bf16), cells,
                 {reals(inputs(cells), 1)}, {outputs(cells)}, {}, bind);
      check_bf16(adaptive_avg_pool_grad_rows(Type::f32), adaptive_avg_pool_grad_rows(Type::bf16),
                 cells, {reals(outputs(cells), 2)}, {inputs(cells)}, {}, bind);
    }
  }
}

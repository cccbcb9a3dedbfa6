// Times pooling as ResNet (3x3 stride 2, global) and LeNet (2x2) use it.
#include "arrays.h"

#include <taxon/kernels/pool.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

struct Shape {
  std::int64_t n, size, c, window, stride, pad;
};
constexpr Shape kShapes[] = {{128, 32, 64, 2, 2, 0}, {32, 112, 64, 3, 2, 1}, {128, 28, 6, 2, 2, 0}};

template <class Args>
Args args_of(const Shape& s) {
  Args args;
  args.n = s.n;
  args.h = args.w = s.size;
  args.c = s.c;
  args.r = args.s = s.window;
  args.stride_h = args.stride_w = s.stride;
  args.pad_h = args.pad_w = s.pad;
  args.oh = args.ow = (s.size + 2 * s.pad - s.window) / s.stride + 1;
  return args;
}

/// The gradient of the maximum, with the codes of a forward pass.
class MaxGrad {
 public:
  explicit MaxGrad(const Shape& s)
      : args_(args_of<PoolGradArgs>(s)),
        code_(args_.n * args_.oh * args_.ow * args_.c, 64),
        dy_(code_.size(), 64),
        dx_(args_.n * args_.h * args_.w * args_.c, 64) {
    auto forward = args_of<PoolArgs>(s);
    taxon::test::Guarded<float> x(dx_.size(), 64), y(dy_.size(), 64);
    taxon::test::fill_reals(x, 1);
    taxon::test::fill_reals(dy_, 2);
    forward.x = x.data();
    forward.y = y.data();
    forward.code = code_.data();
    taxon::test::run_row(taxon::test::reference_of(max_pool_rows(Type::f32)), forward);
    args_.dy = dy_.data();
    args_.code = code_.data();
    args_.dx = dx_.data();
  }
  const PoolGradArgs& args() const { return args_; }

  template <class Run>
  bool check(Run run) {
    taxon::test::Guarded<float> expected(dx_.size(), 64);
    PoolGradArgs reference = args_;
    reference.dx = expected.data();
    taxon::test::run_row(taxon::test::reference_of(max_pool_grad_rows(Type::f32)), reference);
    run();
    return bool(taxon::test::same_values(dx_, expected));
  }
  void prepare() {}

 private:
  PoolGradArgs args_;
  taxon::test::Guarded<std::uint8_t> code_;
  taxon::test::Guarded<float> dy_, dx_;
};

void add_windows(const Shape& s) {
  const auto forward = args_of<PoolArgs>(s);
  const auto grad = args_of<PoolGradArgs>(s);
  const std::int64_t in = s.n * s.size * s.size * s.c, out = s.n * forward.oh * forward.ow * s.c;
  const std::string name = std::to_string(s.n) + "x" + std::to_string(s.size) + "x" +
                           std::to_string(s.size) + "x" + std::to_string(s.c) + "_window" +
                           std::to_string(s.window);
  const double bytes = 4.0 * static_cast<double>(in), out_bytes = 4.0 * static_cast<double>(out);
  add_arrays<PoolArgs>(max_pool_rows(Type::f32), forward, name, bytes + 1.25 * out_bytes, {in},
                       {out, out}, [](PoolArgs& g, float* const* x, float* const* y) {
                         g.x = x[0];
                         g.y = y[0];
                         g.code = reinterpret_cast<std::uint8_t*>(y[1]);
                       });
  add_rows(max_pool_grad_rows(Type::f32), grad, name, {0, bytes + 1.25 * out_bytes},
           [s] { return MaxGrad(s); });
  add_arrays<PoolArgs>(avg_pool_rows(Type::f32), forward, name, bytes + out_bytes, {in}, {out},
                       [](PoolArgs& g, float* const* x, float* const* y) {
                         g.x = x[0];
                         g.y = y[0];
                       });
  add_arrays<PoolGradArgs>(avg_pool_grad_rows(Type::f32), grad, name, bytes + out_bytes, {out},
                           {in}, [](PoolGradArgs& g, float* const* x, float* const* y) {
                             g.dy = x[0];
                             g.dx = y[0];
                           });
}

const bool registered = add_family([] {
  for (const Shape& s : kShapes) add_windows(s);
  AdaptiveAvgPoolArgs global;
  global.n = 128;
  global.h = global.w = 8;
  global.c = 256;
  const std::int64_t in = 128 * 64 * 256, out = 128 * 256;
  add_arrays<AdaptiveAvgPoolArgs>(adaptive_avg_pool_rows(Type::f32), global, "128x8x8x256",
                                  4.0 * static_cast<double>(in + out), {in}, {out},
                                  [](AdaptiveAvgPoolArgs& g, float* const* x, float* const* y) {
                                    g.x = x[0];
                                    g.y = y[0];
                                  });
  add_arrays<AdaptiveAvgPoolArgs>(adaptive_avg_pool_grad_rows(Type::f32), global, "128x8x8x256",
                                  4.0 * static_cast<double>(in + out), {out}, {in},
                                  [](AdaptiveAvgPoolArgs& g, float* const* x, float* const* y) {
                                    g.x = x[0];
                                    g.y = y[0];
                                  });
});

}  // namespace

// cuDNN's rows of pooling and softmax, computed by the stand-in, against the CPU's reference.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pool.h>
#include <taxon/kernels/softmax.h>

#include <limits>

#include "row_check.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t n, h, w, c, r, s, stride, pad;
};
const Case kCases[] = {{1, 4, 4, 1, 2, 2, 2, 0}, {2, 7, 5, 3, 3, 3, 2, 1},
                       {1, 9, 8, 4, 3, 2, 1, 1}, {1, 15, 11, 2, 5, 5, 3, 2},
                       {3, 5, 5, 7, 5, 5, 1, 0}, {1, 3, 3, 5, 1, 1, 1, 0},
                       {1, 8, 8, 2, 3, 3, 2, 0}};

template <class Args>
Args args_of(const Case& c) {
  Args a;
  a.n = c.n;
  a.h = c.h;
  a.w = c.w;
  a.c = c.c;
  a.r = c.r;
  a.s = c.s;
  a.stride_h = a.stride_w = c.stride;
  a.pad_h = a.pad_w = c.pad;
  a.oh = (c.h + 2 * c.pad - c.r) / c.stride + 1;
  a.ow = (c.w + 2 * c.pad - c.s) / c.stride + 1;
  return a;
}
template <class Args>
std::int64_t input(const Args& a) {
  return a.n * a.h * a.w * a.c;
}
template <class Args>
std::int64_t output(const Args& a) {
  return a.n * a.oh * a.ow * a.c;
}

/// f32 by another order of the sums, or bf16 by another neighbour.
template <class T>
Compared close(const Guarded<T>& a, const Guarded<T>& expected) {
  const double relative = sizeof(T) == 2 ? 1.0 / 128 : 1e-6;
  Guarded<float> x(a.size()), y(a.size());
  for (std::int64_t i = 0; i < a.size(); ++i) {
    x[i] = static_cast<float>(a[i]);
    y[i] = static_cast<float>(expected[i]);
  }
  return within(x, y, 1e-6, relative);
}

template <class T>
void check_max(const Case& c, Type type, bool code) {
  auto a = args_of<PoolArgs>(c);
  Guarded<T> x(input(a)), y(output(a)), expected(output(a));
  Guarded<std::uint8_t> codes(output(a)), expected_codes(output(a));
  fill_small(x, 1, -2, 2);  // equals: the first one counts
  x[0] = T(std::numeric_limits<float>::quiet_NaN());
  a.x = x.data();
  a.y = expected.data();
  a.code = code ? expected_codes.data() : nullptr;
  run_row(reference_of(max_pool_rows(type)), a);
  a.y = y.data();
  a.code = code ? codes.data() : nullptr;
  run_vendor(cuda::max_pool_cudnn(type), a);
  CHECK(close(y, expected));
  if (code) CHECK(same_values(codes, expected_codes));
}

template <class T>
void check_average(const Case& c, Type type, bool include) {
  auto a = args_of<PoolArgs>(c);
  a.count_include_pad = include;
  Guarded<T> x(input(a)), y(output(a)), expected(output(a));
  fill_small(x, 1, -9, 9);
  a.x = x.data();
  a.y = expected.data();
  run_row(reference_of(avg_pool_rows(type)), a);
  a.y = y.data();
  run_vendor(cuda::avg_pool_cudnn(type), a);
  CHECK(close(y, expected));

  auto g = args_of<PoolGradArgs>(c);
  g.count_include_pad = include;
  Guarded<T> dx(input(a)), expected_dx(input(a));
  g.dy = expected.data();
  g.dx = expected_dx.data();
  run_row(reference_of(avg_pool_grad_rows(type)), g);
  g.dx = dx.data();
  run_vendor(cuda::avg_pool_grad_cudnn(type), g);
  CHECK(close(dx, expected_dx));
}

template <class Args>
std::string reason(const Row<Args>& row, const Args& args) {
  const char* text = row.declines(args);
  return text == nullptr ? "" : text;
}

}  // namespace

TEST_CASE("cudnn: pooling is the reference's") {
  const StandIn standin;
  for (const Case& c : kCases) {
    INFO(c.h << "x" << c.w << "x" << c.c << " window " << c.r << "x" << c.s << " stride "
             << c.stride << " pad " << c.pad);
    for (const bool flag : {false, true}) {
      check_max<float>(c, Type::f32, flag);
      check_max<bf16>(c, Type::bf16, flag);
      check_average<float>(c, Type::f32, flag);
      check_average<bf16>(c, Type::bf16, flag);
    }
  }
}

TEST_CASE("cudnn: why pooling declines") {
  const StandIn standin;
  const Row<PoolArgs>&max = cuda::max_pool_cudnn(Type::f32),
        &average = cuda::avg_pool_cudnn(Type::f32);
  Guarded<float> x(1000), y(1000);
  auto a = args_of<PoolArgs>({1, 6, 6, 2, 3, 3, 2, 1});
  a.x = x.data();
  a.y = y.data();
  CHECK(reason(max, a).empty());
  a.relu = true;
  CHECK(reason(max, a) == "ReLU");
  a.relu = false;
  std::int32_t index = 0;
  a.index = &index;
  CHECK(reason(max, a) == "places as indices into the image");
  a.index = nullptr;
  a.oh = 4;  // as "ceil mode" has it
  CHECK(reason(average, a) == "windows beyond the padded edge");
  a.oh = 3;
  a.pad_h = 3;
  CHECK(reason(average, a) == "padding as wide as the window");
}

TEST_CASE("cudnn: softmax and its gradient are the reference's") {
  const StandIn standin;
  struct Shape {
    std::int64_t outer, axis, inner;
  };
  for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 10, 1}, Shape{5, 17, 1}, Shape{2, 5, 7}}) {
    for (const bool log : {false, true}) {
      INFO(s.outer << "x" << s.axis << "x" << s.inner << " log " << log);
      const std::int64_t n = s.outer * s.axis * s.inner;
      const Guarded<float> x = reals(n, 1, -8, 8), dy = reals(n, 2);
      Guarded<float> y(n), expected(n), dx(n), expected_dx(n);
      SoftmaxArgs a;
      a.outer = s.outer;
      a.axis = s.axis;
      a.inner = s.inner;
      a.log = log;
      a.x = x.data();
      a.y = expected.data();
      run_row(reference_of(softmax_rows(Type::f32)), a);
      a.y = y.data();
      run_vendor(cuda::softmax_cudnn(Type::f32), a);
      CHECK(within(y, expected, 1e-7, 1e-6));
      SoftmaxGradArgs g;
      g.outer = s.outer;
      g.axis = s.axis;
      g.inner = s.inner;
      g.log = log;
      g.y = expected.data();
      g.dy = dy.data();
      g.dx = expected_dx.data();
      run_row(reference_of(softmax_grad_rows(Type::f32)), g);
      g.dx = dx.data();
      run_vendor(cuda::softmax_grad_cudnn(Type::f32), g);
      CHECK(within(dx, expected_dx, 4e-6, 4e-6));
    }
  }
}

TEST_CASE("cudnn: a softmax that fails leaves nothing behind") {
  const StandIn standin;
  Guarded<float> x(6), y(6);
  SoftmaxArgs a;
  a.outer = 2;
  a.axis = 3;
  a.x = x.data();
  a.y = y.data();
  for (const char* call : {"cudnnCreateTensorDescriptor", "cudnnSetTensor4dDescriptorEx",
                           "cudnnSoftmaxForward", "cudnnSetStream", "cudnnCreate"}) {
    vendor::release();
    standin::fail_next(call, CUDNN_STATUS_BAD_PARAM);
    CHECK(error_of([&] { cuda::softmax_cudnn(Type::f32).run(a, {}); }).find(call) == 0);
  }
}

// Pooling under the shim.
#include <taxon/kernels/pool.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"max_pool", "max_pool_grad", "avg_pool", "avg_pool_grad", "adaptive_avg_pool",
                     "adaptive_avg_pool_grad"},
                    true);

struct Case {
  std::int64_t n, h, w, c, r, s, stride_h, stride_w, pad_h = 0, pad_w = 0, more = 0;
};
// `more`: outputs beyond those that fit, whose windows hang over (or lie in) the padded edge.
const Case cases[] = {{1, 1, 1, 1, 1, 1, 1, 1},          {2, 8, 8, 4, 2, 2, 2, 2},
                      {2, 7, 9, 3, 2, 2, 2, 2},          {2, 7, 9, 8, 3, 3, 2, 2, 1, 1},
                      {1, 6, 5, 16, 3, 2, 1, 2, 1, 0},   {3, 5, 5, 17, 3, 3, 1, 1, 1, 1},
                      {1, 5, 6, 4, 3, 3, 2, 2, 1, 1, 1}, {1, 4, 4, 2, 5, 5, 3, 3, 2, 2},
                      {0, 4, 4, 4, 2, 2, 2, 2},          {1, 9, 9, 1, 2, 2, 3, 3},
                      {1, 16, 15, 2, 16, 15, 1, 1}};

std::int64_t extent(std::int64_t in, std::int64_t size, std::int64_t stride, std::int64_t pad,
                    std::int64_t more) {
  return (in + 2 * pad - size) / stride + 1 + more;
}
template <class Args>
Args args_of(const Case& c) {
  Args a;
  a.n = c.n;
  a.h = c.h;
  a.w = c.w;
  a.c = c.c;
  a.r = c.r;
  a.s = c.s;
  a.stride_h = c.stride_h;
  a.stride_w = c.stride_w;
  a.pad_h = c.pad_h;
  a.pad_w = c.pad_w;
  a.oh = extent(c.h, c.r, c.stride_h, c.pad_h, c.more);
  a.ow = extent(c.w, c.s, c.stride_w, c.pad_w, c.more);
  return a;
}
template <class Args>
std::int64_t in_size(const Args& a) {
  return a.n * a.h * a.w * a.c;
}
template <class Args>
std::int64_t out_size(const Args& a) {
  return a.n * a.oh * a.ow * a.c;
}

/// Forward with both forms of places, then backward from each.
template <class T>
void check_max(const Case& c, bool relu, const Guarded<T>& x) {
  auto args = args_of<PoolArgs>(c);
  args.relu = relu;
  args.x = x.data();
  const std::int64_t n = out_size(args);
  Guarded<std::int32_t> expected_index(n), index(n);
  Guarded<std::uint8_t> expected_code(n), code(n);
  const Type type = type_of_elements<T>;
  for (int form = 0; form < 3; ++form) {  // index, code, neither
    bool first = true;
    const auto bind = [&](PoolArgs& g, Outputs<T>& out) {
      g.y = out.images[0].data();
      g.index = form != 0 ? nullptr : first ? expected_index.data() : index.data();
      g.code = form != 1 ? nullptr : first ? expected_code.data() : code.data();
      first = false;
    };
    check_cuda<T>(cuda_tables().max_pool(type), max_pool_rows(type), args,
                  Outputs<T>{{Guarded<T>(n)}, {}}, bind, exact);
  }
  CHECK(same_values(index, expected_index));
  CHECK(same_values(code, expected_code));
  for (bool by_index : {false, true}) {
    auto grad = args_of<PoolGradArgs>(c);
    const Guarded<T> dy = reals_of<T>(n, 7);
    grad.dy = dy.data();
    grad.index = by_index ? expected_index.data() : nullptr;
    grad.code = by_index ? nullptr : expected_code.data();
    const auto bind = [](PoolGradArgs& g, Outputs<T>& out) { g.dx = out.images[0].data(); };
    check_cuda<T>(cuda_tables().max_pool_grad(type), max_pool_grad_rows(type), grad,
                  Outputs<T>{{Guarded<T>(in_size(grad))}, {}}, bind, exact);
  }
}

template <class T>
void check_avg(const Case& c, bool count_pad, bool whole) {
  const Type type = type_of_elements<T>;
  auto args = args_of<PoolArgs>(c);
  args.count_include_pad = count_pad;
  const Guarded<T> x = whole ? integers_of<T>(in_size(args), 1) : reals_of<T>(in_size(args), 1);
  args.x = x.data();
  const Tolerance t = whole ? exact : Tolerance{sum_tolerance<float>(c.r * c.s, 1), FLT_EPSILON};
  const auto bind = [](PoolArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); };
  check_cuda<T>(cuda_tables().avg_pool(type), avg_pool_rows(type), args,
                Outputs<T>{{Guarded<T>(out_size(args))}, {}}, bind, t);
  auto grad = args_of<PoolGradArgs>(c);
  grad.count_include_pad = count_pad;
  const Guarded<T> dy = whole ? integers_of<T>(out_size(args), 2) : reals_of<T>(out_size(args), 2);
  grad.dy = dy.data();
  const auto bind_grad = [](PoolGradArgs& g, Outputs<T>& out) { g.dx = out.images[0].data(); };
  check_cuda<T>(cuda_tables().avg_pool_grad(type), avg_pool_grad_rows(type), grad,
                Outputs<T>{{Guarded<T>(in_size(grad))}, {}}, bind_grad, exact);
}

template <class T>
void check_adaptive(const AdaptiveAvgPoolArgs& shape, bool whole) {
  const Type type = type_of_elements<T>;
  AdaptiveAvgPoolArgs args = shape;
  const Guarded<T> x = whole ? integers_of<T>(in_size(args), 1) : reals_of<T>(in_size(args), 1);
  args.x = x.data();
  const auto bind = [](AdaptiveAvgPoolArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); };
  const Tolerance t =
      whole ? exact : Tolerance{sum_tolerance<float>(args.h * args.w, 1), FLT_EPSILON};
  check_cuda<T>(cuda_tables().adaptive_avg_pool(type), adaptive_avg_pool_rows(type), args,
                Outputs<T>{{Guarded<T>(out_size(args))}, {}}, bind, t);
  const Guarded<T> dy = reals_of<T>(out_size(args), 2);
  args.x = dy.data();
  check_cuda<T>(cuda_tables().adaptive_avg_pool_grad(type), adaptive_avg_pool_grad_rows(type), args,
                Outputs<T>{{Guarded<T>(in_size(args))}, {}}, bind, exact);
}

template <class T>
void check_max_all() {
  for (const Case& c : cases) {
    for (bool relu : {false, true}) {
      INFO("case " << &c - cases << " relu " << relu);
      const std::int64_t n = c.n * c.h * c.w * c.c;
      check_max<T>(c, relu, integers_of<T>(n, 1, -2, 2));  // ties
      check_max<T>(c, relu, strange_of<T>(n, 2));
    }
  }
}
template <class T>
void check_avg_all() {
  for (const Case& c : cases) {
    for (bool count_pad : {false, true}) {
      for (bool whole : {false, true}) {
        INFO("case " << &c - cases << " count_pad " << count_pad << " integers " << whole);
        if (c.more == 0 || !count_pad) check_avg<T>(c, count_pad, whole);
      }
    }
  }
  const AdaptiveAvgPoolArgs shapes[] = {{1, 1, 1, 1, 1, 1}, {2, 7, 7, 8, 1, 1},
                                        {2, 7, 5, 3, 3, 2}, {1, 4, 6, 4, 7, 6},
                                        {0, 4, 4, 4, 1, 1}, {3, 8, 8, 20, 4, 4}};
  for (const AdaptiveAvgPoolArgs& shape : shapes) {
    for (bool whole : {false, true}) {
      INFO(shape.h << " x " << shape.w << " -> " << shape.oh << " x " << shape.ow);
      check_adaptive<T>(shape, whole);
    }
  }
}

}  // namespace

TEST_CASE("cuda: max pooling", "[pool]") {
  check_max_all<float>();
  check_max_all<bf16>();
}
TEST_CASE("cuda: average pooling", "[pool]") {
  check_avg_all<float>();
  check_avg_all<bf16>();
}

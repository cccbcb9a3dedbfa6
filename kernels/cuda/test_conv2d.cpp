// The three directions of convolution under the shim: implicit GEMM and the direct kernels.
#include <taxon/kernels/conv2d.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"conv2d_forward", "conv2d_backward_data", "conv2d_backward_weight"}, true);

struct Case {
  std::int64_t n, h, w, c, k, r, s;
  std::int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
  std::int64_t stride_w = 0, pad_w = -1;  // where they differ from those of the height
};
const Case cases[] = {
    {1, 1, 1, 1, 1, 1, 1},
    {2, 5, 6, 3, 4, 3, 3, 1, 1},
    {1, 7, 7, 4, 8, 3, 3, 2, 1},               // a remainder
    {2, 8, 5, 10, 17, 1, 1},                   //
    {1, 9, 9, 17, 10, 1, 1, 2},                // 1x1 of every second pixel
    {1, 6, 7, 8, 4, 5, 3, 1, 4},               // padding wider than the filter
    {1, 9, 8, 4, 4, 3, 3, 1, 2, 2},            // dilated
    {1, 10, 9, 4, 5, 3, 2, 2, 1, 2, 1, 3, 2},  // all of it, differing in the two axes
    {2, 6, 6, 12, 12, 3, 3, 1, 1, 1, 12},      // depthwise
    {1, 6, 6, 12, 24, 3, 3, 2, 1, 1, 12},      //
    {1, 5, 5, 6, 9, 3, 3, 1, 1, 1, 3},         // groups
    {1, 5, 5, 32, 48, 3, 3, 1, 1, 1, 2},       // groups, in tiles
    {0, 4, 4, 4, 4, 3, 3, 1, 1},
    {2, 12, 12, 24, 72, 3, 3, 1, 1},  // several tiles
};

template <class T>
struct Operands {
  Conv2dArgs args;
  Guarded<T> x, y, residual;
  Guarded<float> weight, bias;

  Operands(const Case& c, bool whole) {
    args.n = c.n;
    args.h = c.h;
    args.w = c.w;
    args.c = c.c;
    args.k = c.k;
    args.r = c.r;
    args.s = c.s;
    args.stride_h = c.stride;
    args.stride_w = c.stride_w > 0 ? c.stride_w : c.stride;
    args.pad_h = c.pad;
    args.pad_w = c.pad_w >= 0 ? c.pad_w : c.pad;
    args.dilation_h = args.dilation_w = c.dilation;
    args.groups = c.groups;
    args.oh = (c.h + 2 * args.pad_h - (c.r - 1) * c.dilation - 1) / args.stride_h + 1;
    args.ow = (c.w + 2 * args.pad_w - (c.s - 1) * c.dilation - 1) / args.stride_w + 1;
    const auto image = [&](std::int64_t n, std::uint64_t seed) {
      return whole ? integers_of<T>(n, seed, -3, 3) : reals_of<T>(n, seed);
    };
    const auto parameter = [&](std::int64_t n, std::uint64_t seed) {
      return whole ? integers(n, seed, -3, 3) : reals(n, seed);
    };
    x = image(c.n * c.h * c.w * c.c, 1);
    y = image(c.n * args.oh * args.ow * c.k, 2);
    residual = image(y.size(), 3);
    weight = parameter(c.k * c.r * c.s * (c.c / c.groups), 4);
    bias = parameter(c.k, 5);
  }
};

Tolerance tolerance_of(std::int64_t length, bool whole) {
  return whole ? exact : Tolerance{sum_tolerance<float>(length + 2, 1), FLT_EPSILON};
}

template <class T>
void check_forward(const Case& c, bool more, bool whole) {
  Operands<T> o(c, whole);
  o.args.x = o.x.data();
  o.args.weight = o.weight.data();
  o.args.bias = more ? o.bias.data() : nullptr;
  o.args.residual = more ? o.residual.data() : nullptr;
  o.args.relu = more;
  const auto bind = [](Conv2dArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); };
  check_cuda<T>(cuda_tables().conv2d_forward(type_of_elements<T>),
                conv2d_forward_rows(type_of_elements<T>), o.args,
                Outputs<T>{{Guarded<T>(o.y.size())}, {}}, bind,
                tolerance_of(c.r * c.s * c.c / c.groups, whole));
}

template <class T>
void check_backward_data(const Case& c, bool whole) {
  Operands<T> o(c, whole);
  o.args.y = o.y.data();
  o.args.weight = o.weight.data();
  const auto bind = [](Conv2dArgs& g, Outputs<T>& out) { g.x = out.images[0].data(); };
  check_cuda<T>(cuda_tables().conv2d_backward_data(type_of_elements<T>),
                conv2d_backward_data_rows(type_of_elements<T>), o.args,
                Outputs<T>{{Guarded<T>(o.x.size())}, {}}, bind,
                tolerance_of(c.r * c.s * c.k / c.groups, whole));
}

template <class T>
void check_backward_weight(const Case& c, bool bias, bool whole) {
  Operands<T> o(c, whole);
  o.args.x = o.x.data();
  o.args.y = o.y.data();
  const auto bind = [&](Conv2dArgs& g, Outputs<T>& out) {
    g.weight = out.others[0].data();
    g.bias = bias ? out.others[1].data() : nullptr;
  };
  const Outputs<T> fresh{{}, {Guarded<float>(o.weight.size()), Guarded<float>(bias ? c.k : 0)}};
  check_cuda<T>(cuda_tables().conv2d_backward_weight(type_of_elements<T>),
                conv2d_backward_weight_rows(type_of_elements<T>), o.args, fresh, bind,
                tolerance_of(c.n * o.args.oh * o.args.ow, whole));
}

template <class T>
void check_all(const Case& c) {
  for (bool whole : {true, false}) {
    for (bool more : {false, true}) {
      check_forward<T>(c, more, whole);
      check_backward_weight<T>(c, more, whole);
    }
    check_backward_data<T>(c, whole);
  }
}

}  // namespace

TEST_CASE("cuda: convolutions", "[conv2d]") {
  for (const Case& c : cases) {
    INFO("case " << &c - cases << ": " << c.n << " x " << c.h << " x " << c.w << " x " << c.c
                 << " -> " << c.k << ", " << c.r << " x " << c.s << " stride " << c.stride
                 << " groups " << c.groups);
    check_all<float>(c);
    check_all<bf16>(c);
  }
}

TEST_CASE("cuda: convolutions whose sums are cut, and by large tiles", "[conv2d]") {
  const Case cut{2, 30, 30, 4, 8, 3, 3, 1, 1};  // the gradient of few weights over 1800 pixels
  check_backward_weight<float>(cut, true, true);
  check_backward_weight<bf16>(cut, true, false);
  const Case long_sum{1, 3, 3, 256, 8, 3, 3, 1, 1};  // sums of 2304 for 9 pixels
  check_forward<float>(long_sum, true, true);
  const Case large{6, 54, 54, 4, 68, 1, 1};  // 137 tiles of 128 x 128
  check_forward<float>(large, true, true);
}

TEST_CASE("cuda: small groups are left to the direct kernels", "[conv2d]") {
  Operands<float> depthwise({1, 4, 4, 16, 16, 3, 3, 1, 1, 1, 16}, true);
  const auto rows = cuda_tables().conv2d_forward(Type::f32);
  CHECK(std::string(select(rows, depthwise.args, Needs::baseline).name) == "conv2d_forward/cuda");
  Operands<float> dense({1, 4, 4, 16, 16, 3, 3, 1, 1}, true);
  CHECK(std::string(select(rows, dense.args, Needs::baseline).name) == "conv2d_forward/cuda_tiles");
}

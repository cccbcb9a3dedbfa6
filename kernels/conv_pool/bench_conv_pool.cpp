// Times convolution with the maximum over 2x2 as LeNet's first layer uses it.
#include "arrays.h"

#include <taxon/kernels/conv_pool.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

ConvPoolArgs lenet(std::int64_t n) {
  ConvPoolArgs args;
  args.n = n;
  args.h = args.w = 28;
  args.c = 1;
  args.k = 6;
  args.r = args.s = 5;
  args.pad_h = args.pad_w = 2;
  args.oh = args.ow = 14;
  args.relu = true;
  return args;
}

const bool registered = add_family([] {
  // Codes: the first maximum of each window in turn, so that both directions have some.
  static std::vector<std::uint8_t> codes(128 * 14 * 14 * 6);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i % 5);
  for (const std::int64_t n : {128, 1}) {
    ConvPoolArgs args = lenet(n);
    const std::int64_t in = n * 28 * 28, out = n * 14 * 14 * 6;
    const std::string name = std::to_string(n) + "x28x28x1_k6_5x5";
    const Work work{2.0 * static_cast<double>(in) * 150, 0};
    const auto rows = conv_pool_rows(Type::f32);
    const auto grad_rows = conv_pool_backward_weight_rows(Type::f32);
    const auto forward = [](ConvPoolArgs& a, float* const* x, float* const* y) {
      a.x = x[0];
      a.weight = x[1];
      a.bias = x[2];
      a.y = y[0];
    };
    const auto backward = [](ConvPoolArgs& a, float* const* x, float* const* y) {
      a.x = x[0];
      a.y = x[1];
      a.code = codes.data();
      a.weight = y[0];
      a.bias = y[1];
    };
    add_rows(rows, args, name, work, [=] {
      return Arrays<ConvPoolArgs>(rows, args, {in, 150, 6}, {out}, forward, 1e-4, {});
    });
    add_rows(grad_rows, args, name, work, [=] {
      return Arrays<ConvPoolArgs>(grad_rows, args, {in, out}, {150, 6}, backward, 1e-2, {});
    });
  }
});

}  // namespace

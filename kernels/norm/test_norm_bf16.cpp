// Batch and layer normalisation of bf16 activations: the f32 kernels' results, rounded once.
#include <taxon/kernels/norm.h>

#include "bf16_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t rows, channels;
};
// Around vector widths and the chunks of rows; one of each way to sum.
const Case cases[] = {{2, 3},    {7, 10},    {31, 17},  {65, 15},  {129, 64},  {700, 33},
                      {700, 65}, {4000, 64}, {9001, 3}, {49, 512}, {2000, 130}};

struct Parameters {
  explicit Parameters(std::int64_t n) : weight(reals(n, 11)), bias(reals(n, 12)) {}
  Guarded<float> weight, bias;
};

BatchNormArgs forward_args(const Case& s, const Parameters& p) {
  BatchNormArgs args;
  args.rows = s.rows;
  args.channels = s.channels;
  args.weight = p.weight.data();
  args.bias = p.bias.data();
  return args;
}
const auto bind_forward = [](BatchNormArgs& a, auto& in, auto& out, Buffers& other) {
  a.x = in[0].data();
  a.residual = in.size() > 1 ? in[1].data() : nullptr;
  a.y = out[0].data();
  a.mean = other[0].data();
  a.var = other[1].data();
};

}  // namespace

TEST_CASE("batch_norm in bf16", "[norm][bf16]") {
  for (const Case& s : cases) {
    const Parameters p(s.channels);
    const std::int64_t n = s.rows * s.channels;
    for (const bool training : {false, true}) {
      for (const bool more : {false, true}) {
        INFO(s.rows << " rows of " << s.channels << " channels, training " << training
                    << ", with residual and ReLU " << more);
        BatchNormArgs args = forward_args(s, p);
        args.training = training;
        args.relu = more;
        Buffers in{reals(n, 1, -2, 4)};
        if (more) in.push_back(reals(n, 2));
        check_bf16(batch_norm_rows(Type::f32), batch_norm_rows(Type::bf16), args, in, {n},
                   {reals(s.channels, 3), reals(s.channels, 4, 0.1, 2)}, bind_forward);
      }
    }
  }
}

TEST_CASE("batch_norm's bf16 results that go past the caches", "[norm][bf16]") {
  const Case s{(13 << 20) / 64 + 3, 64};
  const Parameters p(s.channels);
  const std::int64_t n = s.rows * s.channels;
  check_bf16(batch_norm_rows(Type::f32), batch_norm_rows(Type::bf16), forward_args(s, p),
             {reals(n, 1, -2, 4)}, {n}, {Guarded<float>(64), Guarded<float>(64)}, bind_forward, 64);
}

TEST_CASE("batch_norm's gradient in bf16", "[norm][bf16]") {
  for (const Case& s : cases) {
    const Parameters p(s.channels);
    const Guarded<float> mean = reals(s.channels, 4, -0.1, 0.1);
    const Guarded<float> var = reals(s.channels, 5, 0.3, 1);
    const std::int64_t n = s.rows * s.channels;
    for (const int relu : {0, 1, 2}) {  // none, its sign recomputed, its sign saved
      for (const bool training : {false, true}) {
        INFO(s.rows << " rows of " << s.channels << " channels, relu " << relu << ", training "
                    << training);
        BatchNormGradArgs args;
        args.rows = s.rows;
        args.channels = s.channels;
        args.training = training;
        args.relu = relu > 0;
        args.weight = p.weight.data();
        args.bias = p.bias.data();
        args.mean = mean.data();
        args.var = var.data();
        const auto bind = [relu](BatchNormGradArgs& a, auto& in, auto& out, Buffers& other) {
          a.x = in[0].data();
          a.dy = in[1].data();
          a.y = relu == 2 ? in[2].data() : nullptr;
          a.dx = out[0].data();
          a.dresidual = relu == 2 ? out[1].data() : nullptr;
          a.dweight = other[0].data();
          a.dbias = other[1].data();
        };
        std::vector<std::int64_t> sizes{n};
        if (relu == 2) sizes.push_back(n);
        check_bf16(batch_norm_grad_rows(Type::f32), batch_norm_grad_rows(Type::bf16), args,
                   {reals(n, 1), reals(n, 2), reals(n, 8)}, sizes,
                   {Guarded<float>(s.channels), Guarded<float>(s.channels)}, bind);
      }
    }
  }
}

TEST_CASE("layer_norm in bf16", "[norm][bf16]") {
  for (const Case& s : cases) {
    INFO(s.rows << " x " << s.channels);
    const Parameters p(s.channels);
    LayerNormArgs args;
    args.rows = s.rows;
    args.cols = s.channels;
    args.weight = p.weight.data();
    args.bias = p.bias.data();
    const std::int64_t n = s.rows * s.channels;
    check_bf16(layer_norm_rows(Type::f32), layer_norm_rows(Type::bf16), args, {reals(n, 1, -2, 4)},
               {n}, {Guarded<float>(s.rows), Guarded<float>(s.rows)},
               [](LayerNormArgs& a, auto& in, auto& out, Buffers& other) {
                 a.x = in[0].data();
                 a.y = out[0].data();
                 a.mean = other[0].data();
                 a.rstd = other[1].data();
               });
  }
}

TEST_CASE("layer_norm's gradient in bf16", "[norm][bf16]") {
  for (const Case& s : cases) {
    INFO(s.rows << " x " << s.channels);
    const Parameters p(s.channels);
    const Guarded<float> mean = reals(s.rows, 4, -0.1, 0.1), rstd = reals(s.rows, 5, 0.5, 2);
    LayerNormGradArgs args;
    args.rows = s.rows;
    args.cols = s.channels;
    args.weight = p.weight.data();
    args.mean = mean.data();
    args.rstd = rstd.data();
    const std::int64_t n = s.rows * s.channels;
    check_bf16(layer_norm_grad_rows(Type::f32), layer_norm_grad_rows(Type::bf16), args,
               {reals(n, 1), reals(n, 2)}, {n},
               {Guarded<float>(s.channels), Guarded<float>(s.channels)},
               [](LayerNormGradArgs& a, auto& in, auto& out, Buffers& other) {
                 a.x = in[0].data();
                 a.dy = in[1].data();
                 a.dx = out[0].data();
                 a.dweight = other[0].data();
                 a.dbias = other[1].data();
               });
  }
}

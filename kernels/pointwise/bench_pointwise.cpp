// Times element-by-element operations on the activations of ResNet-18.
#include "arrays.h"

#include <taxon/kernels/pointwise.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

struct Named {
  Unary op;
  const char* name;
};
constexpr Named kUnary[] = {{Unary::relu, "relu"},
                            {Unary::exp, "exp"},
                            {Unary::tanh, "tanh"},
                            {Unary::gelu, "gelu"},
                            {Unary::silu, "silu"},
                            {Unary::sigmoid, "sigmoid"},
                            {Unary::mul_scalar, "mul_scalar"}};

void add_unary(const Named& f, std::int64_t n, const std::string& shape, Type type = Type::f32) {
  const double bytes = bytes_of(type, n);
  const std::string name = f.name + ("/" + named(type, shape));
  UnaryArgs forward;
  forward.op = f.op;
  forward.n = n;
  forward.a = 0.5;
  add_arrays<UnaryArgs>(
      unary_rows(type), forward, name, 2 * bytes, {n}, {n},
      [](UnaryArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.y = out[0];
      },
      1e-4, narrow_if(type, {1, 1}));
  UnaryGradArgs grad;
  grad.op = f.op;
  grad.n = n;
  grad.a = 0.5;
  add_arrays<UnaryGradArgs>(
      unary_grad_rows(type), grad, name, 3 * bytes, {n, n}, {n},
      [](UnaryGradArgs& g, float* const* in, float* const* out) {
        g.x = g.y = in[0];
        g.dy = in[1];
        g.dx = out[0];
      },
      1e-4, narrow_if(type, {2, 1}));
}

void add_binary(const Activation& a, bool bias, Type type = Type::f32) {
  const std::int64_t n = a.rows * a.channels;
  BinaryArgs args;
  args.rank = bias ? 2 : 1;
  args.dims[0] = bias ? a.rows : n;
  args.dims[1] = a.channels;
  args.a_strides[0] = bias ? a.channels : 1;
  args.b_strides[0] = bias ? 0 : 1;
  args.a_strides[1] = args.b_strides[1] = 1;
  const double bytes = (bias ? 2 : 3) * bytes_of(type, n);
  add_arrays<BinaryArgs>(
      binary_rows(type), args, (bias ? "add_bias/" : "add/") + named(type, a.name), bytes,
      {n, bias ? a.channels : n}, {n},
      [](BinaryArgs& g, float* const* in, float* const* out) {
        g.a = in[0];
        g.b = in[1];
        g.y = out[0];
      },
      1e-4, narrow_if(type, {2, 1}));
}

void add_cast(std::int64_t n, const std::string& shape, Type from, Type to) {
  CastArgs args;
  args.n = n;
  args.from = from;
  args.to = to;
  const bool down = to == Type::bf16;
  add_arrays<CastArgs>(
      cast_rows(), args, (down ? "f32_to_bf16/" : "bf16_to_f32/") + shape,
      6.0 * static_cast<double>(n), {n}, {n},
      [](CastArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.y = out[0];
      },
      0, down ? Narrow{0, 1} : Narrow{1, 0});
}

void add_dropout(std::int64_t n) {
  DropoutArgs args;
  args.n = n;
  args.p = 0.2;
  add_arrays<DropoutArgs>(dropout_rows(Type::f32), args, std::to_string(n),
                          8.0 * static_cast<double>(n), {n}, {n},
                          [](DropoutArgs& g, float* const* in, float* const* out) {
                            g.x = in[0];
                            g.y = out[0];
                          });
}

const bool registered = add_family([] {
  for (const Activation& a : resnet18_activations()) {
    for (const Type type : {Type::f32, Type::bf16}) {
      add_unary(kUnary[0], a.rows * a.channels, a.name, type);
      add_binary(a, false, type);
    }
    add_binary(a, true);
    add_cast(a.rows * a.channels, a.name, Type::f32, Type::bf16);
    add_cast(a.rows * a.channels, a.name, Type::bf16, Type::f32);
  }
  for (const Named& f : kUnary) {
    if (f.op != Unary::relu) add_unary(f, 1 << 20, "1048576");
  }
  add_dropout(1 << 20);
});

}  // namespace

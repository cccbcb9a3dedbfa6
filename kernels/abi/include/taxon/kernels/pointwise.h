// Operations element by element, with broadcasting for two operands, and conversions.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// y = f(x); a and b are the scalars of f.
enum class Unary : uint8_t {
  add_scalar,   // x + a
  mul_scalar,   // x * a
  rsub_scalar,  // a - x
  rdiv_scalar,  // a / x
  pow_scalar,   // x ^ a
  exp,
  log,
  sqrt,
  tanh,
  sigmoid,
  relu,
  gelu,   // exact: x * Phi(x)
  silu,   // x * sigmoid(x)
  clamp,  // min(max(x, a), b)
};
inline constexpr int unary_count = 14;

struct UnaryArgs {
  Unary op = Unary::relu;
  int64_t n = 0;
  double a = 0, b = 0;
  const void* x = nullptr;
  void* y = nullptr;  ///< may be x
};
/// dx = dy * f'(x). Each f reads x or y as it needs: exp, sqrt, tanh, sigmoid, relu read y (x may
/// be null); all others read x (y may be null). relu: dy where y > 0, else 0. clamp: dy where a <=
/// x <= b.
struct UnaryGradArgs {
  Unary op = Unary::relu;
  int64_t n = 0;
  double a = 0, b = 0;
  const void* x = nullptr;
  const void* y = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;  ///< may be dy
};

enum class Binary : uint8_t { add, sub, mul, div, max };
inline constexpr int binary_count = 5;

/// y = f(a, b) over `dims`; strides in elements, 0 where an operand is broadcast. y is contiguous.
/// Callers merge dimensions: same shapes arrive as rank 1 with strides 1.
struct BinaryArgs {
  Binary op = Binary::add;
  int rank = 0;
  int64_t dims[8] = {};
  int64_t a_strides[8] = {}, b_strides[8] = {};
  const void* a = nullptr;
  const void* b = nullptr;
  void* y = nullptr;
};

/// y[i] = (to) x[i]; f32/f64/bf16/u8/i32/i64 in any pair. Floating to integer truncates.
struct CastArgs {
  Type from = Type::f32, to = Type::f32;
  int64_t n = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

/// y = x * keep / (1 - p), keep[i] = philox word i of (seed, stream) >= p. Called again on the
/// gradient it is its own backward.
struct DropoutArgs {
  int64_t n = 0;
  double p = 0.5;
  uint64_t seed = 0, stream = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

Rows<UnaryArgs> unary_rows(Type type);           ///< f32, f64, bf16
Rows<UnaryGradArgs> unary_grad_rows(Type type);  ///< f32, f64, bf16
Rows<BinaryArgs> binary_rows(Type type);         ///< f32, f64, bf16
Rows<CastArgs> cast_rows();
Rows<DropoutArgs> dropout_rows(Type type);  ///< f32, f64, bf16

}  // namespace taxon::kernels

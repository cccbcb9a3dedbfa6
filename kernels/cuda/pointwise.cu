// Unary functions and their gradients, element by element.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

__device__ __forceinline__ float sigmoid_of(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1 + e);
}
__device__ __forceinline__ float normal_cdf(float x) {
  return 0.5f * erfcf(-x * 0.70710678118654752f);
}
__device__ __forceinline__ float normal_pdf(float x) {
  return 0.39894228040143268f * expf(-0.5f * x * x);
}

template <Unary op>
__device__ __forceinline__ float value(float x, float a, float b) {
  if constexpr (op == Unary::add_scalar) return x + a;
  if constexpr (op == Unary::mul_scalar) return x * a;
  if constexpr (op == Unary::rsub_scalar) return a - x;
  if constexpr (op == Unary::rdiv_scalar) return a / x;
  if constexpr (op == Unary::pow_scalar) return powf(x, a);
  if constexpr (op == Unary::exp) return expf(x);
  if constexpr (op == Unary::log) return logf(x);
  if constexpr (op == Unary::sqrt) return sqrtf(x);
  if constexpr (op == Unary::tanh) return tanhf(x);
  if constexpr (op == Unary::sigmoid) return sigmoid_of(x);
  if constexpr (op == Unary::relu) return x < 0 ? 0.0f : x;  // NaN stays NaN
  if constexpr (op == Unary::gelu) return x * normal_cdf(x);
  if constexpr (op == Unary::silu) return x * sigmoid_of(x);
  if constexpr (op == Unary::clamp) {
    const float low = x < a ? a : x;
    return low > b ? b : low;
  }
}

/// dy * f'(x), from x or y as the header of the arguments says.
template <Unary op>
__device__ __forceinline__ float slope(float x, float y, float dy, float a, float b) {
  if constexpr (op == Unary::add_scalar) return dy;
  if constexpr (op == Unary::mul_scalar) return dy * a;
  if constexpr (op == Unary::rsub_scalar) return -dy;
  if constexpr (op == Unary::rdiv_scalar) return dy * (-a / (x * x));
  if constexpr (op == Unary::pow_scalar) return dy * (a == 0 ? 0.0f : a * powf(x, a - 1));
  if constexpr (op == Unary::exp) return dy * y;
  if constexpr (op == Unary::log) return dy * (1 / x);
  if constexpr (op == Unary::sqrt) return dy * (0.5f / y);
  if constexpr (op == Unary::tanh) return dy * (1 - y * y);
  if constexpr (op == Unary::sigmoid) return dy * (y * (1 - y));
  if constexpr (op == Unary::relu) return y > 0 ? dy : 0.0f;
  if constexpr (op == Unary::gelu) return dy * (normal_cdf(x) + x * normal_pdf(x));
  if constexpr (op == Unary::silu) {
    const float s = sigmoid_of(x);
    return dy * (s * (1 + x * (1 - s)));
  }
  if constexpr (op == Unary::clamp) return x >= a && x <= b ? dy : 0.0f;
}

__host__ __device__ constexpr bool reads_y(Unary op) {
  return op == Unary::exp || op == Unary::sqrt || op == Unary::tanh || op == Unary::sigmoid ||
         op == Unary::relu;
}
__host__ __device__ constexpr bool reads_x(Unary op) {
  return !reads_y(op) && op != Unary::add_scalar && op != Unary::mul_scalar &&
         op != Unary::rsub_scalar;
}

/// y may be x. `packs`: how many packs of 16 bytes; the rest goes one by one.
template <class T, Unary op>
__global__ void unary(const T* x, T* y, int64_t n, int64_t packs, float a, float b) {
  constexpr int size = pack_size<T>;
  for (int64_t i = first_step(); i < packs; i += all_steps()) {
    Pack<T, size> p = load_pack<T, size>(x + i * size);
    TAXON_UNROLL
    for (int j = 0; j < size; ++j) p.v[j] = narrow<T>(value<op>(widen(p.v[j]), a, b));
    store_pack(y + i * size, p);
  }
  for (int64_t i = packs * size + first_step(); i < n; i += all_steps()) {
    y[i] = narrow<T>(value<op>(widen(x[i]), a, b));
  }
}

/// dx may be dy. `from` is x or y, whichever the function reads.
template <class T, Unary op>
__global__ void unary_grad(const T* from, const T* dy, T* dx, int64_t n, int64_t packs, float a,
                           float b) {
  constexpr int size = pack_size<T>;
  constexpr bool reads = reads_x(op) || reads_y(op);
  for (int64_t i = first_step(); i < packs; i += all_steps()) {
    Pack<T, size> d = load_pack<T, size>(dy + i * size);
    Pack<T, size> p = d;
    if constexpr (reads) p = load_pack<T, size>(from + i * size);
    TAXON_UNROLL
    for (int j = 0; j < size; ++j) {
      const float v = widen(p.v[j]);
      d.v[j] = narrow<T>(slope<op>(v, v, widen(d.v[j]), a, b));
    }
    store_pack(dx + i * size, d);
  }
  for (int64_t i = packs * size + first_step(); i < n; i += all_steps()) {
    float v = 0;
    if constexpr (reads) v = widen(from[i]);
    dx[i] = narrow<T>(slope<op>(v, v, widen(dy[i]), a, b));
  }
}

/// Calls f with the op as a constant.
template <class F>
void with_op(Unary op, F f) {
#define TAXON_CASE(name) \
  case Unary::name:      \
    return f.template operator()<Unary::name>()
  switch (op) {
    TAXON_CASE(add_scalar);
    TAXON_CASE(mul_scalar);
    TAXON_CASE(rsub_scalar);
    TAXON_CASE(rdiv_scalar);
    TAXON_CASE(pow_scalar);
    TAXON_CASE(exp);
    TAXON_CASE(log);
    TAXON_CASE(sqrt);
    TAXON_CASE(tanh);
    TAXON_CASE(sigmoid);
    TAXON_CASE(relu);
    TAXON_CASE(gelu);
    TAXON_CASE(silu);
    TAXON_CASE(clamp);
  }
#undef TAXON_CASE
}

template <class T>
struct RunUnary {
  const UnaryArgs& g;
  const Exec& exec;
  template <Unary op>
  void operator()() const {
    const auto* x = static_cast<const T*>(g.x);
    auto* y = static_cast<T*>(g.y);
    const int64_t packs = all_aligned(16, x, y) ? g.n / pack_size<T> : 0;
    TAXON_LAUNCH((unary<T, op>), grid_of(blocks_for(packs > 0 ? packs : g.n)), block_threads, exec,
                 x, y, g.n, packs, static_cast<float>(g.a), static_cast<float>(g.b));
  }
};
template <class T>
struct RunUnaryGrad {
  const UnaryGradArgs& g;
  const Exec& exec;
  template <Unary op>
  void operator()() const {
    const auto* from = static_cast<const T*>(reads_y(op) ? g.y : reads_x(op) ? g.x : nullptr);
    const auto* dy = static_cast<const T*>(g.dy);
    auto* dx = static_cast<T*>(g.dx);
    const int64_t packs = all_aligned(16, from, dy, dx) ? g.n / pack_size<T> : 0;
    TAXON_LAUNCH((unary_grad<T, op>), grid_of(blocks_for(packs > 0 ? packs : g.n)), block_threads,
                 exec, from, dy, dx, g.n, packs, static_cast<float>(g.a), static_cast<float>(g.b));
  }
};

template <class T>
void run(const UnaryArgs& g, const Exec& exec) {
  if (g.n > 0) with_op(g.op, RunUnary<T>{g, exec});
}
template <class T>
void run_grad(const UnaryGradArgs& g, const Exec& exec) {
  if (g.n > 0) with_op(g.op, RunUnaryGrad<T>{g, exec});
}

}  // namespace

Rows<UnaryArgs> unary_rows(Type type) {
  static const Row<UnaryArgs> f32[] = {
      {"unary/cuda", Needs::baseline, false, nullptr, nullptr, run<float>}};
  static const Row<UnaryArgs> bf16[] = {
      {"unary/cuda", Needs::baseline, false, nullptr, nullptr, run<Bf16>}};
  return pick(type, f32, bf16);
}

Rows<UnaryGradArgs> unary_grad_rows(Type type) {
  static const Row<UnaryGradArgs> f32[] = {
      {"unary_grad/cuda", Needs::baseline, false, nullptr, nullptr, run_grad<float>}};
  static const Row<UnaryGradArgs> bf16[] = {
      {"unary_grad/cuda", Needs::baseline, false, nullptr, nullptr, run_grad<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

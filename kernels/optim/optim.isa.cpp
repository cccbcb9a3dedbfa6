// Optimizer updates on vectors: one pass over parameter, gradient and state.
#include "optim/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

TAXON_INLINE float* floats(void* p) {
  return static_cast<float*>(p);
}
TAXON_INLINE const float* floats(const void* p) {
  return static_cast<const float*>(p);
}

/// Calls f(i, part) for each vector of n elements, in chunks of at least 8192, at most 64 of them:
/// an update moves up to seven arrays, so a few elements keep a thread busy.
template <class F>
TAXON_INLINE void update(const Exec& exec, int64_t n, F f) {
  const int64_t least = 8192, chunks = n < 64 * least ? (n + least - 1) / least : 64;
  const int64_t size = chunks > 0 ? ((n + chunks - 1) / chunks + lanes - 1) / lanes * lanes : n;
  parallel(exec, chunks, [&](int64_t chunk, int) {
    const int64_t begin = chunk * size, end = begin + size;
    each(begin, end < n ? end : n, f);
  });
}

/// With momentum; `first` starts the velocity from the gradient.
template <bool first, bool nesterov>
void momentum_step(const SgdArgs& a, const Exec& exec) {
  float *p = floats(a.p), *v = floats(a.v);
  const float* grad = floats(a.g);
  const Vec lr = broadcast(-static_cast<float>(a.lr));
  const Vec decay = broadcast(static_cast<float>(a.weight_decay));
  const Vec momentum = broadcast(static_cast<float>(a.momentum));
  const Vec fresh = broadcast(static_cast<float>(1 - a.dampening));
  update(exec, a.n, [&](int64_t i, auto part) {
    const Vec w = part.load(p + i), g = fma(decay, w, part.load(grad + i));
    const Vec velocity = first ? g : fma(momentum, part.load(v + i), fresh * g);
    part.store(v + i, velocity);
    const Vec step = nesterov ? fma(momentum, velocity, g) : velocity;
    part.store(p + i, fma(lr, step, w));
  });
}

void plain_step(const SgdArgs& a, const Exec& exec) {
  float* p = floats(a.p);
  const float* grad = floats(a.g);
  const Vec lr = broadcast(-static_cast<float>(a.lr));
  const Vec decay = broadcast(static_cast<float>(a.weight_decay));
  update(exec, a.n, [&](int64_t i, auto part) {
    const Vec w = part.load(p + i), g = fma(decay, w, part.load(grad + i));
    part.store(p + i, fma(lr, g, w));
  });
}

}  // namespace

namespace TAXON_ISA {

void sgd(const SgdArgs& a, const Exec& exec) {
  if (a.v == nullptr || a.momentum == 0) return plain_step(a, exec);
  if (a.first) {
    return a.nesterov ? momentum_step<true, true>(a, exec) : momentum_step<true, false>(a, exec);
  }
  a.nesterov ? momentum_step<false, true>(a, exec) : momentum_step<false, false>(a, exec);
}

void adamw(const AdamWArgs& a, const Exec& exec) {
  float *p = floats(a.p), *m = floats(a.m), *v = floats(a.v);
  const float* grad = floats(a.g);
  const double t = static_cast<double>(a.step);
  const Vec step = broadcast(static_cast<float>(a.lr / (1 - __builtin_pow(a.beta1, t))));
  const Vec root = broadcast(static_cast<float>(__builtin_sqrt(1 - __builtin_pow(a.beta2, t))));
  const Vec keep = broadcast(static_cast<float>(1 - a.lr * a.weight_decay));
  const Vec eps = broadcast(static_cast<float>(a.eps));
  const Vec b1 = broadcast(static_cast<float>(a.beta1)),
            b2 = broadcast(static_cast<float>(a.beta2));
  const Vec c1 = broadcast(static_cast<float>(1 - a.beta1));
  const Vec c2 = broadcast(static_cast<float>(1 - a.beta2));
  update(exec, a.n, [&](int64_t i, auto part) {
    const Vec g = part.load(grad + i);
    const Vec first = fma(b1, part.load(m + i), c1 * g);
    const Vec second = fma(b2, part.load(v + i), c2 * (g * g));
    part.store(m + i, first);
    part.store(v + i, second);
    const Vec change = first / (sqrt(second) / root + eps);
    part.store(p + i, part.load(p + i) * keep - step * change);
  });
}

void lerp(const LerpArgs& a, const Exec& exec) {
  const float* x = floats(a.x);
  float* y = floats(a.y);
  const Vec weight = broadcast(static_cast<float>(a.weight));
  update(exec, a.n, [&](int64_t i, auto part) {
    const Vec old = part.load(y + i);
    part.store(y + i, fma(weight, part.load(x + i) - old, old));
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

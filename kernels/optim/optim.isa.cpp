// Optimizer updates on vectors: one pass over parameters, gradients and state.
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

/// One parallel loop over the elements of all tensors, in chunks of at least 8192, at most 64 of
/// them: an update moves up to seven arrays, so a few elements keep a thread busy. Calls
/// f(tensor, begin, end) for the part of each tensor in a chunk; parts begin at whole cache lines.
template <class T, class F>
TAXON_INLINE void each_part(const Exec& exec, const T* tensors, int64_t count, F f) {
  constexpr int64_t line = 16, least = 8192 / line;
  const auto lines = [](const T& t) { return (t.n + line - 1) / line; };
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) total += lines(tensors[i]);
  const int64_t share = (total + 63) / 64, size = share > least ? share : least;
  parallel(exec, (total + size - 1) / size, [&](int64_t chunk, int) {
    int64_t skip = chunk * size, left = size < total - skip ? size : total - skip;
    for (const T* t = tensors; left > 0; ++t) {
      const int64_t here = lines(*t) - skip, taken = left < here ? left : here;
      if (taken <= 0) {  // this tensor lies before the chunk
        skip -= lines(*t);
        continue;
      }
      const int64_t end = (skip + taken) * line;
      f(*t, skip * line, end < t->n ? end : t->n);
      left -= taken;
      skip = 0;
    }
  });
}

/// With momentum; `first` starts the velocity from the gradient.
template <bool first, bool nesterov>
TAXON_INLINE void momentum_step(const SgdArgs& a, const SgdTensor& t, int64_t begin, int64_t end) {
  float *p = floats(t.p), *v = floats(t.v);
  const float* grad = floats(t.g);
  const Vec lr = broadcast(-static_cast<float>(t.lr));
  const Vec decay = broadcast(static_cast<float>(t.weight_decay));
  const Vec momentum = broadcast(static_cast<float>(a.momentum));
  const Vec fresh = broadcast(static_cast<float>(1 - a.dampening));
  each(begin, end, [&](int64_t i, auto part) {
    const Vec w = part.load(p + i), g = fma(decay, w, part.load(grad + i));
    const Vec velocity = first ? g : fma(momentum, part.load(v + i), fresh * g);
    part.store(v + i, velocity);
    const Vec step = nesterov ? fma(momentum, velocity, g) : velocity;
    part.store(p + i, fma(lr, step, w));
  });
}

TAXON_INLINE void plain_step(const SgdTensor& t, int64_t begin, int64_t end) {
  float* p = floats(t.p);
  const float* grad = floats(t.g);
  const Vec lr = broadcast(-static_cast<float>(t.lr));
  const Vec decay = broadcast(static_cast<float>(t.weight_decay));
  each(begin, end, [&](int64_t i, auto part) {
    const Vec w = part.load(p + i), g = fma(decay, w, part.load(grad + i));
    part.store(p + i, fma(lr, g, w));
  });
}

}  // namespace

namespace TAXON_ISA {

void sgd(const SgdArgs& a, const Exec& exec) {
  each_part(exec, a.tensors, a.count, [&](const SgdTensor& t, int64_t begin, int64_t end) {
    if (a.momentum == 0) return plain_step(t, begin, end);
    if (t.first) {
      return a.nesterov ? momentum_step<true, true>(a, t, begin, end)
                        : momentum_step<true, false>(a, t, begin, end);
    }
    a.nesterov ? momentum_step<false, true>(a, t, begin, end)
               : momentum_step<false, false>(a, t, begin, end);
  });
}

void adamw(const AdamWArgs& a, const Exec& exec) {
  const Vec eps = broadcast(static_cast<float>(a.eps));
  const Vec b1 = broadcast(static_cast<float>(a.beta1)),
            b2 = broadcast(static_cast<float>(a.beta2));
  const Vec c1 = broadcast(static_cast<float>(1 - a.beta1));
  const Vec c2 = broadcast(static_cast<float>(1 - a.beta2));
  each_part(exec, a.tensors, a.count, [&](const AdamWTensor& t, int64_t begin, int64_t end) {
    float *p = floats(t.p), *m = floats(t.m), *v = floats(t.v);
    const float* grad = floats(t.g);
    const Vec rate = broadcast(static_cast<float>(t.rate));
    const Vec root = broadcast(static_cast<float>(t.root));
    const Vec keep = broadcast(static_cast<float>(t.keep));
    each(begin, end, [&](int64_t i, auto part) {
      const Vec g = part.load(grad + i);
      const Vec first = fma(b1, part.load(m + i), c1 * g);
      const Vec second = fma(b2, part.load(v + i), c2 * (g * g));
      part.store(m + i, first);
      part.store(v + i, second);
      const Vec change = first / (sqrt(second) / root + eps);
      part.store(p + i, part.load(p + i) * keep - rate * change);
    });
  });
}

void lerp(const LerpArgs& a, const Exec& exec) {
  const Vec weight = broadcast(static_cast<float>(a.weight));
  each_part(exec, a.tensors, a.count, [&](const LerpTensor& t, int64_t begin, int64_t end) {
    const float* x = floats(t.x);
    float* y = floats(t.y);
    each(begin, end, [&](int64_t i, auto part) {
      const Vec old = part.load(y + i);
      part.store(y + i, fma(weight, part.load(x + i) - old, old));
    });
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

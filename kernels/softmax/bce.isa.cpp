// Binary cross-entropy of logits on vectors.
#include "simd/math.h"
#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

/// Calls f(i, part, p) for all elements, p being the weights of positives less 1.
template <class Args, class F>
TAXON_INLINE void map(const Args& g, const Exec& exec, F f) {
  const float* weight = static_cast<const float*>(g.pos_weight);
  if (weight == nullptr) {
    return parallel_elements(exec, g.rows * g.cols, [&](int64_t begin, int64_t end) {
      each(begin, end, [&](int64_t i, auto part) { f(i, part, Vec{}); });
    });
  }
  parallel_rows(exec, g.rows, g.cols, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      each(0, g.cols,
           [&](int64_t c, auto part) { f(r * g.cols + c, part, part.load(weight + c) - 1.0f); });
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void bce(const BceArgs& g, const Exec& exec) {
  const float* x = static_cast<const float*>(g.x);
  const float* target = static_cast<const float*>(g.target);
  float* loss = static_cast<float*>(g.loss);
  map(g, exec, [&](int64_t i, auto part, Vec extra) {
    const Vec v = part.load(x + i), t = part.load(target + i);
    const Vec w = fma(extra, t, broadcast(1.0f));
    // The linear terms first: for a negative that is sure (t = 0, x << 0) they cancel exactly.
    const Vec linear = fma(1.0f - t, v, w * max(Vec{}, -v));
    part.store(loss + i, fma(w, log1p(exp(-abs(v))), linear));
  });
}

void bce_grad(const BceGradArgs& g, const Exec& exec) {
  const float* x = static_cast<const float*>(g.x);
  const float* target = static_cast<const float*>(g.target);
  const float* dloss = static_cast<const float*>(g.dloss);
  float* dx = static_cast<float*>(g.dx);
  map(g, exec, [&](int64_t i, auto part, Vec extra) {
    const Vec v = part.load(x + i), t = part.load(target + i);
    const Vec w = fma(extra, t, broadcast(1.0f));
    part.store(dx + i, part.load(dloss + i) * ((1.0f - t) - w * sigmoid(-v)));
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

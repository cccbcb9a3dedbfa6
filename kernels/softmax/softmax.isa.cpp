// Softmax and log-softmax of rows on vectors.
#include "simd/math.h"
#include "softmax/rows.h"
#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

void grad_row(bool log, const float* y, const float* dy, float* dx, int64_t n) {
  Vec total = {};
  each(0, n, [&](int64_t i, auto part) {
    const Vec d = part.load(dy + i);
    total += log ? d : d * part.load(y + i);
  });
  const Vec sum = broadcast(sum_of(total));
  each(0, n, [&](int64_t i, auto part) {
    const Vec d = part.load(dy + i), v = part.load(y + i);
    part.store(dx + i, log ? d - exp(v) * sum : v * (d - sum));
  });
}

}  // namespace

namespace TAXON_ISA {

void softmax(const SoftmaxArgs& g, const Exec& exec) {
  const float* x = static_cast<const float*>(g.x);
  float* y = static_cast<float*>(g.y);
  parallel_rows(exec, g.outer, g.axis, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      if (g.log) {
        log_softmax_row(x + r * g.axis, y + r * g.axis, g.axis);
      } else {
        softmax_row(x + r * g.axis, y + r * g.axis, g.axis);
      }
    }
  });
}

void softmax_grad(const SoftmaxGradArgs& g, const Exec& exec) {
  const float* y = static_cast<const float*>(g.y);
  const float* dy = static_cast<const float*>(g.dy);
  float* dx = static_cast<float*>(g.dx);
  parallel_rows(exec, g.outer, g.axis, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      grad_row(g.log, y + r * g.axis, dy + r * g.axis, dx + r * g.axis, g.axis);
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

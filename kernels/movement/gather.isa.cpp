// The gradient of picking slices: for each slice of the input the picked gradients add up in order.
#include "movement/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace TAXON_ISA {

void gather_grad(const GatherGradArgs& g, const Exec& exec) {
  constexpr int64_t width = 4096;  // elements of a slice that one chunk owns
  const int64_t pieces = (g.inner + width - 1) / width;
  parallel(exec, g.outer * pieces, [&](int64_t chunk, int) {
    const int64_t o = chunk / pieces, begin = chunk % pieces * width;
    const int64_t end = begin + width < g.inner ? begin + width : g.inner;
    float* dx = static_cast<float*>(g.dx) + o * g.n * g.inner;
    const float* dy = static_cast<const float*>(g.dy) + o * g.m * g.inner;
    for (int64_t row = 0; row < g.n; ++row) {
      __builtin_memset(dx + row * g.inner + begin, 0, static_cast<size_t>(end - begin) * 4);
    }
    for (int64_t j = 0; j < g.m; ++j) {
      float* to = dx + g.index[j] * g.inner;
      each(begin, end, [&](int64_t i, auto part) {
        part.store(to + i, part.load(to + i) + part.load(dy + j * g.inner + i));
      });
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

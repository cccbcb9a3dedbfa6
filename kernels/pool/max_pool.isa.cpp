// Max pooling on vectors of channels. The backward pass gathers: each input adds up the outputs
// that chose it, in order, so it needs no zeroing and no two threads write the same place.
#include "pool/vector.h"
#include "pool/window.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// One output pixel: the first maximum of each channel, NaN winning, and where it lies.
template <bool with_index>
TAXON_INLINE void pool_cell(const PoolArgs& g, const float* image, Range rows, Range cols, float* y,
                            int32_t* index) {
  if (rows.first >= rows.last || cols.first >= cols.last) {  // padding only
    for (int64_t c = 0; c < g.c; ++c) y[c] = -__builtin_inff();
    for (int64_t c = 0; with_index && c < g.c; ++c) index[c] = -1;
    return;
  }
  const int64_t start = rows.first * g.w + cols.first;
  each(0, g.c, [&](int64_t c, auto part) {
    Vec best = part.load(image + start * g.c + c);
    Int place = broadcast_int(static_cast<int32_t>(start));
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) {
        const int64_t at = h * g.w + w;
        const Vec x = part.load(image + at * g.c + c);
        if (with_index) {
          take_larger(x, static_cast<int32_t>(at), best, place);
        } else {
          best = max_or_nan(best, x);
        }
      }
    }
    part.store(y + c, best);
    if (with_index) part.store(index + c, place);
  });
}

template <bool with_index>
void pool_rows(const PoolArgs& g, const Exec& exec) {
  const float* x = static_cast<const float*>(g.x);
  float* y = static_cast<float*>(g.y);
  parallel_rows(exec, g.n * g.oh, g.ow * g.c * 4, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const float* image = x + r / g.oh * g.h * g.w * g.c;
      const Range rows = window(r % g.oh, g.r, g.stride_h, g.pad_h, g.h);
      for (int64_t j = 0; j < g.ow; ++j) {
        const int64_t at = (r * g.ow + j) * g.c;
        pool_cell<with_index>(g, image, rows, window(j, g.s, g.stride_w, g.pad_w, g.w), y + at,
                              with_index ? g.index + at : nullptr);
      }
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void max_pool(const PoolArgs& g, const Exec& exec) {
  if (g.index != nullptr) return pool_rows<true>(g, exec);
  pool_rows<false>(g, exec);
}

void max_pool_grad(const PoolGradArgs& g, const Exec& exec) {
  const float* dy = static_cast<const float*>(g.dy);
  float* dx = static_cast<float*>(g.dx);
  parallel_rows(exec, g.n * g.h, g.w * g.c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t h = r % g.h, outputs = r / g.h * g.oh * g.ow * g.c;
      const Range rows = outputs_over(h, g.r, g.stride_h, g.pad_h, g.oh);
      Range cols = {0, 0};
      for (int64_t w = 0; w < g.w; ++w) {
        cols = next_outputs(cols, w, g.s, g.stride_w, g.pad_w, g.ow);
        const int32_t here = static_cast<int32_t>(h * g.w + w);
        each(0, g.c, [&](int64_t c, auto part) {
          Vec sum = {};
          for (int64_t i = rows.first; i < rows.last; ++i) {
            for (int64_t j = cols.first; j < cols.last; ++j) {
              const int64_t at = outputs + (i * g.ow + j) * g.c + c;
              sum += select(part.load(g.index + at) == here, part.load(dy + at), Vec{});
            }
          }
          part.store(dx + (r * g.w + w) * g.c + c, sum);
        });
      }
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

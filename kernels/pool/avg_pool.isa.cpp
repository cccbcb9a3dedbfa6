// Average pooling, fixed and adaptive, on vectors of channels, of f32 or bf16. The backward passes
// gather, as in max_pool.isa.cpp.
#include "pool/vector.h"
#include "pool/window.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// y = the sum of a window over `count`; rows are summed first, which keeps long sums accurate.
template <class T>
TAXON_INLINE void average(const T* image, int64_t width, int64_t channels, Range rows, Range cols,
                          int64_t count, T* y) {
  const Vec divisor = broadcast(static_cast<float>(count));
  each(0, channels, [&](int64_t c, auto part) {
    Vec total = {};
    for (int64_t h = rows.first; h < rows.last; ++h) {
      Vec sum = {};
      for (int64_t w = cols.first; w < cols.last; ++w) {
        sum += part.load(image + (h * width + w) * channels + c);
      }
      total += sum;
    }
    part.store(y + c, total / divisor);
  });
}

/// dx of one input pixel: the sum of dy / divisor(i, j) over the outputs that cover it.
template <class T, class F>
TAXON_INLINE void gather(const T* dy, int64_t width, int64_t channels, Range rows, Range cols,
                         T* dx, F divisor) {
  if (rows.first + 1 == rows.last && cols.first + 1 == cols.last) {  // usually one output
    const T* from = dy + (rows.first * width + cols.first) * channels;
    const Vec count = broadcast(static_cast<float>(divisor(rows.first, cols.first)));
    return each(0, channels,
                [&](int64_t c, auto part) { part.store(dx + c, part.load(from + c) / count); });
  }
  each(0, channels, [&](int64_t c, auto part) {
    Vec sum = {};
    for (int64_t i = rows.first; i < rows.last; ++i) {
      for (int64_t j = cols.first; j < cols.last; ++j) {
        sum += part.load(dy + (i * width + j) * channels + c) /
               broadcast(static_cast<float>(divisor(i, j)));
      }
    }
    part.store(dx + c, sum);
  });
}

template <class T>
void avg_pool_of(const PoolArgs& g, const Exec& exec) {
  const T* x = static_cast<const T*>(g.x);
  T* y = static_cast<T*>(g.y);
  parallel_rows(exec, g.n * g.oh, g.ow * g.c * 4, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const T* image = x + r / g.oh * g.h * g.w * g.c;
      const int64_t i = r % g.oh;
      const Range rows = window(i, g.r, g.stride_h, g.pad_h, g.h);
      for (int64_t j = 0; j < g.ow; ++j) {
        average(image, g.w, g.c, rows, window(j, g.s, g.stride_w, g.pad_w, g.w), divisor(g, i, j),
                y + (r * g.ow + j) * g.c);
      }
    }
  });
}

template <class T>
void avg_pool_grad_of(const PoolGradArgs& g, const Exec& exec) {
  const T* dy = static_cast<const T*>(g.dy);
  T* dx = static_cast<T*>(g.dx);
  parallel_rows(exec, g.n * g.h, g.w * g.c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const Range rows = outputs_over(r % g.h, g.r, g.stride_h, g.pad_h, g.oh);
      Range cols = {0, 0};
      for (int64_t w = 0; w < g.w; ++w) {
        cols = next_outputs(cols, w, g.s, g.stride_w, g.pad_w, g.ow);
        gather(dy + r / g.h * g.oh * g.ow * g.c, g.ow, g.c, rows, cols, dx + (r * g.w + w) * g.c,
               [&](int64_t i, int64_t j) { return divisor(g, i, j); });
      }
    }
  });
}

template <class T>
void adaptive_of(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  const T* x = static_cast<const T*>(g.x);
  T* y = static_cast<T*>(g.y);
  const int64_t work = g.h * g.w * g.c / (g.oh > 0 ? g.oh : 1);
  parallel_rows(exec, g.n * g.oh, work, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const T* image = x + r / g.oh * g.h * g.w * g.c;
      const Range rows = cell(r % g.oh, g.h, g.oh);
      for (int64_t j = 0; j < g.ow; ++j) {
        const Range cols = cell(j, g.w, g.ow);
        average(image, g.w, g.c, rows, cols, (rows.last - rows.first) * (cols.last - cols.first),
                y + (r * g.ow + j) * g.c);
      }
    }
  });
}

template <class T>
void adaptive_grad_of(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  const T* dy = static_cast<const T*>(g.x);
  T* dx = static_cast<T*>(g.y);
  const auto size = [&](int64_t i, int64_t j) {
    const Range rows = cell(i, g.h, g.oh), cols = cell(j, g.w, g.ow);
    return (rows.last - rows.first) * (cols.last - cols.first);
  };
  parallel_rows(exec, g.n * g.h, g.w * g.c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const Range rows = cells_over(r % g.h, g.h, g.oh);
      for (int64_t w = 0; w < g.w; ++w) {
        gather(dy + r / g.h * g.oh * g.ow * g.c, g.ow, g.c, rows, cells_over(w, g.w, g.ow),
               dx + (r * g.w + w) * g.c, size);
      }
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void avg_pool(const PoolArgs& g, const Exec& exec) {
  avg_pool_of<float>(g, exec);
}
void avg_pool_bf16(const PoolArgs& g, const Exec& exec) {
  avg_pool_of<Bf16>(g, exec);
}
void avg_pool_grad(const PoolGradArgs& g, const Exec& exec) {
  avg_pool_grad_of<float>(g, exec);
}
void avg_pool_grad_bf16(const PoolGradArgs& g, const Exec& exec) {
  avg_pool_grad_of<Bf16>(g, exec);
}
void adaptive_avg_pool(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  adaptive_of<float>(g, exec);
}
void adaptive_avg_pool_bf16(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  adaptive_of<Bf16>(g, exec);
}
void adaptive_avg_pool_grad(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  adaptive_grad_of<float>(g, exec);
}
void adaptive_avg_pool_grad_bf16(const AdaptiveAvgPoolArgs& g, const Exec& exec) {
  adaptive_grad_of<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

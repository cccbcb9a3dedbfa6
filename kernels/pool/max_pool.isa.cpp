// Max pooling on vectors of channels, of f32 or bf16. The backward pass gathers: each input adds up
// the outputs that chose it, in order, so it needs no zeroing and no two threads write the same
// place. Where windows lie side by side an input belongs to one output at most, and each output
// writes its whole window.
#include "pool/codes.h"
#include "pool/vector.h"
#include "pool/window.h"

namespace taxon::kernels {
namespace {

enum class Place { none, index, code };  // what is kept of where the maximum lies

/// The first maximum of each channel over the window, NaN winning.
template <Place keep, class T>
TAXON_INLINE void pool_cell(const PoolArgs& g, const T* image, int64_t i, int64_t j, Range rows,
                            Range cols, int64_t at) {
  // Codes count from the window's corner, which may lie in the padding; indices from the image's.
  const int64_t corner_h = keep == Place::code ? i * g.stride_h - g.pad_h : 0;
  const int64_t corner_w = keep == Place::code ? j * g.stride_w - g.pad_w : 0;
  const int64_t width = keep == Place::code ? g.s : g.w;
  const auto place_of = [&](int64_t h, int64_t w) {
    return static_cast<int32_t>((h - corner_h) * width + w - corner_w);
  };
  const bool empty = rows.first >= rows.last || cols.first >= cols.last;  // padding only
  const Int nowhere = broadcast_int(keep == Place::code ? kNowhere : -1);
  T* y = static_cast<T*>(g.y) + at;
  each(0, g.c, [&](int64_t c, auto part) {
    Vec best = broadcast(-__builtin_inff());
    Int place = nowhere;
    if (!empty) {
      best = part.load(image + (rows.first * g.w + cols.first) * g.c + c);
      place = broadcast_int(place_of(rows.first, cols.first));
    }
    for (int64_t h = rows.first; h < rows.last; ++h) {
      for (int64_t w = cols.first; w < cols.last; ++w) {
        const Vec x = part.load(image + (h * g.w + w) * g.c + c);
        if (keep != Place::none) {
          take_larger(x, place_of(h, w), best, place);
        } else {
          best = max_or_nan(best, x);
        }
      }
    }
    if (g.relu) {
      place = select(best > Vec{}, place, nowhere);
      best = select(best < Vec{}, Vec{}, best);  // NaN stays
    }
    part.store(y + c, best);
    if (keep == Place::index) part.store(g.index + at + c, place);
    if (keep == Place::code) store_codes(part, g.code + at + c, place);
  });
}

template <Place keep, class T>
void pool_rows(const PoolArgs& g, const Exec& exec) {
  const T* x = static_cast<const T*>(g.x);
  parallel_rows(exec, g.n * g.oh, g.ow * g.c * 4, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const T* image = x + r / g.oh * g.h * g.w * g.c;
      const int64_t i = r % g.oh;
      const Range rows = window(i, g.r, g.stride_h, g.pad_h, g.h);
      for (int64_t j = 0; j < g.ow; ++j) {
        const Range cols = window(j, g.s, g.stride_w, g.pad_w, g.w);
        if (g.r == 2 && g.s == 2 && rows.first + 2 == rows.last && cols.first + 2 == cols.last) {
          // The usual window, its loops unrolled.
          pool_cell<keep>(g, image, i, j, {rows.first, rows.first + 2},
                          {cols.first, cols.first + 2}, (r * g.ow + j) * g.c);
        } else {
          pool_cell<keep>(g, image, i, j, rows, cols, (r * g.ow + j) * g.c);
        }
      }
    }
  });
}

template <class T>
void pool(const PoolArgs& g, const Exec& exec) {
  if (g.code != nullptr) return pool_rows<Place::code, T>(g, exec);
  if (g.index != nullptr) return pool_rows<Place::index, T>(g, exec);
  pool_rows<Place::none, T>(g, exec);
}

/// dx of one row of an image: each input looks into the outputs whose windows cover it.
template <class T>
void gather_row(const PoolGradArgs& g, int64_t n, int64_t h, T* dx) {
  const T* dy = static_cast<const T*>(g.dy);
  const Range rows = outputs_over(h, g.r, g.stride_h, g.pad_h, g.oh);
  Range cols = {0, 0};
  for (int64_t w = 0; w < g.w; ++w) {
    cols = next_outputs(cols, w, g.s, g.stride_w, g.pad_w, g.ow);
    each(0, g.c, [&](int64_t c, auto part) {
      Vec sum = {};
      for (int64_t i = rows.first; i < rows.last; ++i) {
        const int64_t row = h - (i * g.stride_h - g.pad_h);
        for (int64_t j = cols.first; j < cols.last; ++j) {
          const int64_t at = ((n * g.oh + i) * g.ow + j) * g.c + c;
          const int64_t col = w - (j * g.stride_w - g.pad_w);
          const Int here =
              g.code != nullptr
                  ? load_codes(part, g.code + at) == static_cast<int32_t>(row * g.s + col)
                  : part.load(g.index + at) == static_cast<int32_t>(h * g.w + w);
          sum += select(here, part.load(dy + at), Vec{});
        }
      }
      part.store(dx + w * g.c + c, sum);
    });
  }
}

/// dx of the windows of a row of outputs, side by side, with the columns behind the last.
template <class T>
void fill_windows(const PoolGradArgs& g, int64_t n, int64_t i, T* dx) {
  const T* dy = static_cast<const T*>(g.dy);
  for (int64_t j = 0; j < g.ow; ++j) {
    const int64_t from = ((n * g.oh + i) * g.ow + j) * g.c;
    T* const to = dx + j * g.s * g.c;
    each(0, g.c, [&](int64_t c, auto part) {
      const Int code = load_codes(part, g.code + from + c);
      const Vec d = part.load(dy + from + c);
      for (int64_t row = 0; row < g.r; ++row) {
        for (int64_t col = 0; col < g.s; ++col) {
          const Int here = code == static_cast<int32_t>(row * g.s + col);
          part.store(to + (row * g.w + col) * g.c + c, select(here, d, Vec{}));
        }
      }
    });
  }
  for (int64_t row = 0; row < g.r; ++row) {
    T* to = dx + row * g.w * g.c;
    each(g.ow * g.s * g.c, g.w * g.c, [&](int64_t c, auto part) { part.store(to + c, Vec{}); });
  }
}

template <class T>
void pool_grad(const PoolGradArgs& g, const Exec& exec) {
  T* dx = static_cast<T*>(g.dx);
  const bool side_by_side = g.code != nullptr && g.stride_h == g.r && g.stride_w == g.s &&
                            g.pad_h == 0 && g.pad_w == 0 && g.oh * g.r <= g.h && g.ow * g.s <= g.w;
  if (!side_by_side) {
    return parallel_rows(exec, g.n * g.h, g.w * g.c, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r) {
        gather_row<T>(g, r / g.h, r % g.h, dx + r * g.w * g.c);
      }
    });
  }
  parallel_rows(exec, g.n * g.oh, g.r * g.w * g.c, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      const int64_t n = r / g.oh, i = r % g.oh;
      T* rows = dx + (n * g.h + i * g.r) * g.w * g.c;
      fill_windows<T>(g, n, i, rows);
      if (i + 1 < g.oh) continue;
      each(g.r * g.w * g.c, (g.h - i * g.r) * g.w * g.c,  // the rows below the last window
           [&](int64_t c, auto part) { part.store(rows + c, Vec{}); });
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void max_pool(const PoolArgs& g, const Exec& exec) {
  pool<float>(g, exec);
}
void max_pool_bf16(const PoolArgs& g, const Exec& exec) {
  pool<Bf16>(g, exec);
}
void max_pool_grad(const PoolGradArgs& g, const Exec& exec) {
  pool_grad<float>(g, exec);
}
void max_pool_grad_bf16(const PoolGradArgs& g, const Exec& exec) {
  pool_grad<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

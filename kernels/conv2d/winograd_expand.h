// Two-dimensional transforms out of the one-dimensional ones of winograd_points.h, on vectors of
// channels: `expand` makes values for the products of pixels or weights, `contract` makes pixels or
// weights of the products.
#pragma once

#include "winograd.h"
#include "winograd_points.h"
#include "winograd_words.h"

namespace taxon::kernels {
namespace {

template <class T>
TAXON_INLINE void prefetch(const void* const* pixels, int64_t count, int64_t at) {
  for (int64_t i = 0; i < count; ++i) __builtin_prefetch(static_cast<const T*>(pixels[i]) + at);
}

/// R d C^T for one vector of channels, where R and C are one-dimensional transforms of columns and
/// of rows: d(row, column) gives an element, put(row, column, value) takes a result. Rows in
/// pieces, at most two of them half-transformed at a time, so that nothing is spilled.
template <class R, class C, class Get, class Put>
TAXON_INLINE void expand(Get d, Put put) {
  const auto column = [&](int s, Vec* v) __attribute__((always_inline)) {
    for (int r = 0; r < R::taken; ++r) v[r] = d(r, s);
  };
  const auto finish = [&](const Vec* row, int r) __attribute__((always_inline)) {
    constexpr int z = C::zero ? 1 : 0, inf = C::finite ? 4 + z : z;
    Vec plus, minus;
    if constexpr (C::zero) put(r, 0, C::first(row));
    if constexpr (C::finite) {
      C::template inner<false>(row, plus, minus);
      put(r, z, plus);
      put(r, 1 + z, minus);
      C::template inner<true>(row, plus, minus);
      put(r, 2 + z, plus);
      put(r, 3 + z, minus);
    }
    if constexpr (C::infinity) put(r, inf, C::last(row));
  };
  constexpr int z = R::zero ? 1 : 0, inf = R::finite ? 4 + z : z;
  Vec v[R::taken], upper[C::taken], lower[C::taken];
  if constexpr (R::finite) {
    for (int s = 0; s < C::taken; ++s) {
      column(s, v);
      R::template inner<false>(v, upper[s], lower[s]);
    }
    finish(upper, z);
    finish(lower, 1 + z);
    for (int s = 0; s < C::taken; ++s) {
      column(s, v);
      R::template inner<true>(v, upper[s], lower[s]);
    }
    finish(upper, 2 + z);
    finish(lower, 3 + z);
  }
  if constexpr (R::zero) {
    for (int s = 0; s < C::taken; ++s) {
      column(s, v);
      upper[s] = R::first(v);
    }
    finish(upper, 0);
  }
  if constexpr (R::infinity) {
    for (int s = 0; s < C::taken; ++s) {
      column(s, v);
      upper[s] = R::last(v);
    }
    finish(upper, inf);
  }
}

/// Results of a transform.
template <class Half>
constexpr int results_of = (Half::zero ? 1 : 0) + (Half::finite ? 4 : 0) + (Half::infinity ? 1 : 0);

/// One tile of Half::taken x Half::taken pixels, the same transform for columns and rows.
template <class Half, class T, class Words>
TAXON_INLINE void expand_pixels(const WinogradPixels& tile, const WinogradValues& to) {
  constexpr int n = Half::taken;
  each(0, tile.channels, [&](int64_t c, auto part) {
    prefetch<T>(tile.ahead, n * n, c);
    float* const words = words_of<Words>(to, c);
    expand<Half, Half>(
        [&](int r, int s) { return part.load(static_cast<const T*>(tile.pixels[r * n + s]) + c); },
        [&](int r, int s, Vec x) {
          Words::put(words + (r * results_of<Half> + s) * to.xi_stride, x);
        });
  });
}

/// R m C^T likewise, where R and C give few of many. All half-transformed values are alive at once:
/// reading the products twice, which come from the second-level cache, costs more than the few
/// spills.
template <class R, class C, class Get, class Put>
TAXON_INLINE void contract(Get m, Put put) {
  Vec half[R::given][C::taken], column[R::taken], o[R::given], row[C::given];
  for (int s = 0; s < C::taken; ++s) {
    for (int r = 0; r < R::taken; ++r) column[r] = m(r, s);
    R::apply(column, o);
    for (int r = 0; r < R::given; ++r) half[r][s] = o[r];
  }
  for (int r = 0; r < R::given; ++r) {
    C::apply(half[r], row);
    for (int s = 0; s < C::given; ++s) put(r, s, row[s]);
  }
}

/// Transforms the vectors of `rows` x `cols` filters: one(get, put) with get(row, column) a tap and
/// put(slot, value); columns beyond are zero in all `weights` slots.
template <class Words, class One>
TAXON_INLINE void expand_weights(const float* const* taps, int64_t row_stride, int64_t rows,
                                 int64_t cols, float* u, int64_t xi_stride, int64_t width,
                                 int64_t weights, One one) {
  Words::each_row(rows, [&](int64_t i, auto words) {
    float* const to = u + i / Words::rows * width;
    each(0, cols, [&](int64_t j, auto part) {
      one([&](int r, int s) { return part.load(taps[r * 3 + s] + i * row_stride + j); },
          [&](int64_t slot, Vec x) { words.put(to + slot * xi_stride + j, x); });
    });
    for (int64_t j = (cols + lanes - 1) / lanes * lanes; j < width; j += lanes) {
      for (int64_t slot = 0; slot < weights; ++slot) words.put(to + slot * xi_stride + j, Vec{});
    }
  });
}

/// Writes the pixels of a tile, `tile` a side: one(get, put) with get(slot) a product and
/// put(row, column, value).
template <class T, int tile, class One>
TAXON_INLINE void write_tile(const WinogradOutput& to, const float* m, int64_t xi_stride,
                             int64_t channels, One one) {
  T* y = static_cast<T*>(to.y);
  const T* residual = static_cast<const T*>(to.residual);
  const Vec least = broadcast(to.relu ? 0.0f : -__builtin_inff());
  const bool whole = to.rows == tile && to.cols == tile && to.residual == nullptr;
  const auto vector = [&](int64_t c, auto part) __attribute__((noinline)) {
    const Vec bias = to.bias == nullptr ? Vec{} : part.load(to.bias + c);
    const float* const from = m + c;
    const int64_t stride = xi_stride, row_stride = to.row_stride, pixel_stride = to.pixel_stride;
    const auto get = [&](int64_t slot) __attribute__((always_inline)) {
      return load(from + slot * stride);
    };
    if (whole) {
      one(get, [&](int64_t r, int64_t s, Vec x) {
        part.store(y + r * row_stride + s * pixel_stride + c, max(least, x + bias));
      });
    } else {
      one(get, [&](int64_t r, int64_t s, Vec x) {
        if (r >= to.rows || s >= to.cols) return;
        const int64_t at = r * row_stride + s * pixel_stride + c;
        const Vec more = residual == nullptr ? Vec{} : part.load(residual + at);
        part.store(y + at, max(least, x + bias + more));
      });
    }
  };
  if (to.stream) {
    each(0, channels, vector, Streamed{});
  } else {
    each(0, channels, vector);
  }
}

/// Makes `count` gradients of nine taps out of sums: one(get, put) with get(slot) the sum of all
/// chunks and put(row, column, value).
template <class One>
TAXON_INLINE void write_weights(const float* sums, int64_t xi_stride, int64_t chunks,
                                int64_t chunk_stride, int64_t count, float* dw, int64_t tap_stride,
                                One one) {
  each(
      0, count, [&](int64_t c, auto part) __attribute__((noinline)) {
        one(
            [&](int64_t slot) {
              Vec x = part.load(sums + slot * xi_stride + c);
              for (int64_t i = 1; i < chunks; ++i) {
                x += part.load(sums + i * chunk_stride + slot * xi_stride + c);
              }
              return x;
            },
            [&](int64_t r, int64_t s, Vec x) { part.store(dw + (r * 3 + s) * tap_stride + c, x); });
      });
}

}  // namespace
}  // namespace taxon::kernels

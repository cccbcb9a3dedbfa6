// The two-dimensional transforms of Winograd's convolution on vectors of channels.
#include "winograd.h"

#include "winograd_points.h"

namespace taxon::kernels {
namespace {

template <class T>
TAXON_INLINE void prefetch(const void* const* pixels, int64_t count, int64_t at) {
  for (int64_t i = 0; i < count; ++i) __builtin_prefetch(static_cast<const T*>(pixels[i]) + at);
}

/// M d M^T for one vector of channels, where Half is the one-dimensional M: d(row, column) gives an
/// element, put(xi, value) takes a result. Rows in pieces, at most two of them half-transformed at
/// a time, so that nothing is spilled.
template <class Half, class Get, class Put>
TAXON_INLINE void expand(Get d, Put put) {
  constexpr int n = Half::taken;
  const auto column = [&](int s, Vec* v) __attribute__((always_inline)) {
    for (int r = 0; r < n; ++r) v[r] = d(r, s);
  };
  const auto finish = [&](const Vec* row, int64_t r) __attribute__((always_inline)) {
    Vec plus, minus;
    put(r * 6, Half::first(row));
    Half::template inner<false>(row, plus, minus);
    put(r * 6 + 1, plus);
    put(r * 6 + 2, minus);
    Half::template inner<true>(row, plus, minus);
    put(r * 6 + 3, plus);
    put(r * 6 + 4, minus);
    put(r * 6 + 5, Half::last(row));
  };
  Vec v[n], upper[n], lower[n];
  for (int s = 0; s < n; ++s) {
    column(s, v);
    Half::template inner<false>(v, upper[s], lower[s]);
  }
  finish(upper, 1);
  finish(lower, 2);
  for (int s = 0; s < n; ++s) {
    column(s, v);
    Half::template inner<true>(v, upper[s], lower[s]);
  }
  finish(upper, 3);
  finish(lower, 4);
  for (int s = 0; s < n; ++s) {
    column(s, v);
    upper[s] = Half::first(v);
  }
  finish(upper, 0);
  for (int s = 0; s < n; ++s) {
    column(s, v);
    upper[s] = Half::last(v);
  }
  finish(upper, 5);
}

/// One tile of Half::taken x Half::taken pixels.
template <class Half, class T>
TAXON_INLINE void expand_pixels(const void* const* pixels, const void* const* ahead,
                                int64_t channels, float* v, int64_t xi_stride,
                                int64_t slab_stride) {
  constexpr int n = Half::taken;
  each(0, channels, [&](int64_t c, auto part) {
    prefetch<T>(ahead, n * n, c);
    float* to = v + c / kSlab * slab_stride + c % kSlab;
    expand<Half>(
        [&](int r, int s) { return part.load(static_cast<const T*>(pixels[r * n + s]) + c); },
        [&](int64_t xi, Vec x) { store(to + xi * xi_stride, x); });
  });
}

template <class P, class T>
void input(const void* const* pixels, const void* const* ahead, int64_t channels, float* v,
           int64_t xi_stride, int64_t slab_stride) {
  expand_pixels<typename Transform1d<P>::Input, T>(pixels, ahead, channels, v, xi_stride,
                                                   slab_stride);
}

template <class P, class T>
void output_grad(const void* const* pixels, const void* const* ahead, int64_t channels, float* v,
                 int64_t xi_stride, int64_t slab_stride) {
  expand_pixels<typename Transform1d<P>::OutputGrad, T>(pixels, ahead, channels, v, xi_stride,
                                                        slab_stride);
}

template <class P>
void weight(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
            int64_t xi_stride, int64_t width) {
  for (int64_t i = 0; i < rows; ++i) {
    each(0, cols, [&](int64_t j, auto part) {
      expand<typename Transform1d<P>::Weight>(
          [&](int r, int s) { return part.load(taps[r * 3 + s] + i * row_stride + j); },
          [&](int64_t xi, Vec x) { store(u + xi * xi_stride + i * width + j, x); });
    });
    for (int64_t j = (cols + lanes - 1) / lanes * lanes; j < width; j += lanes) {
      for (int64_t xi = 0; xi < 36; ++xi) store(u + xi * xi_stride + i * width + j, Vec{});
    }
  }
}

/// A^T m A of one vector: put(row, column, value) for each of the 16. All 24 half-transformed
/// values are alive at once: reading the products twice, which come from the second-level cache,
/// costs more than the few spills.
template <class P, class Put>
TAXON_INLINE void output_vector(const float* m, int64_t xi_stride, Put put) {
  using T = Transform1d<P>;
  Vec half[4][6], column[6], o[4];
  for (int s = 0; s < 6; ++s) {
    for (int r = 0; r < 6; ++r) column[r] = load(m + (r * 6 + s) * xi_stride);
    T::output(column, o);
    for (int r = 0; r < 4; ++r) half[r][s] = o[r];
  }
  for (int r = 0; r < 4; ++r) {
    T::output(half[r], o);
    for (int s = 0; s < 4; ++s) put(r, s, o[s]);
  }
}

template <class P, class T>
void output(const WinogradOutput& to, const float* m, int64_t xi_stride, int64_t channels) {
  T* y = static_cast<T*>(to.y);
  const T* residual = static_cast<const T*>(to.residual);
  const Vec least = broadcast(to.relu ? 0.0f : -__builtin_inff());
  const bool whole = to.rows == 4 && to.cols == 4 && to.residual == nullptr;
  const auto vector = [&](int64_t c, auto part) {
    const Vec bias = to.bias == nullptr ? Vec{} : part.load(to.bias + c);
    if (whole) {
      output_vector<P>(m + c, xi_stride, [&](int64_t r, int64_t s, Vec x) {
        part.store(y + r * to.row_stride + s * to.pixel_stride + c, max(least, x + bias));
      });
    } else {
      output_vector<P>(m + c, xi_stride, [&](int64_t r, int64_t s, Vec x) {
        if (r >= to.rows || s >= to.cols) return;
        const int64_t at = r * to.row_stride + s * to.pixel_stride + c;
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

template <class P>
void weight_grad(const float* sums, int64_t xi_stride, int64_t chunks, int64_t chunk_stride,
                 int64_t count, float* dw, int64_t tap_stride) {
  using T = Transform1d<P>;
  each(0, count, [&](int64_t c, auto part) {
    const auto sum = [&](int64_t xi) {
      Vec x = part.load(sums + xi * xi_stride + c);
      for (int64_t i = 1; i < chunks; ++i) {
        x += part.load(sums + i * chunk_stride + xi * xi_stride + c);
      }
      return x;
    };
    Vec half[3][6], column[6], o[3];
    for (int s = 0; s < 6; ++s) {
      for (int r = 0; r < 6; ++r) column[r] = sum(r * 6 + s);
      T::weight_grad(column, o);
      for (int r = 0; r < 3; ++r) half[r][s] = o[r];
    }
    for (int64_t r = 0; r < 3; ++r) {
      T::weight_grad(half[r], o);
      for (int64_t s = 0; s < 3; ++s) part.store(dw + (r * 3 + s) * tap_stride + c, o[s]);
    }
  });
}

template <class P, class T>
constexpr WinogradMicro set() {
  return {input<P, T>,  output_grad<P, T>, weight<P>, TAXON_ISA::winograd_product,

          output<P, T>, weight_grad<P>};
}

}  // namespace

namespace TAXON_ISA {

const WinogradMicro winograd = set<LowError, float>();
const WinogradMicro winograd_bf16 = set<LowError, Bf16>();
const WinogradMicro winograd_integer = set<Integer, float>();

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

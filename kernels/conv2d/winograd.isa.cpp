// The two-dimensional transforms of Winograd's convolution on vectors of channels.
#include "winograd.h"

#include "winograd_points.h"

namespace taxon::kernels {
namespace {

TAXON_INLINE void prefetch(const float* const* pixels, int64_t count, int64_t at) {
  for (int64_t i = 0; i < count; ++i) __builtin_prefetch(pixels[i] + at);
}

/// B^T d B for one vector of channels: by groups of rows, so that at most two rows of
/// half-transformed values are alive.
template <class P, class Part>
TAXON_INLINE void input_vector(const float* const* pixels, int64_t at, Part part, float* v,
                               int64_t xi_stride) {
  using T = Transform1d<P>;
  const auto d = [&](int row, int col) { return part.load(pixels[row * 6 + col] + at); };
  const auto finish = [&](const Vec* row, int64_t r) {
    Vec o[6];
    T::input(row, o);
    for (int64_t s = 0; s < 6; ++s) store(v + (r * 6 + s) * xi_stride, o[s]);
  };
  Vec plus[6], minus[6];
  for (int s = 0; s < 6; ++s) {
    T::pair(d(1, s), d(2, s), d(3, s), d(4, s), T::a1, T::b2, plus[s], minus[s]);
  }
  finish(plus, 1);
  finish(minus, 2);
  for (int s = 0; s < 6; ++s) {
    T::pair(d(1, s), d(2, s), d(3, s), d(4, s), T::b1, T::a2, plus[s], minus[s]);
  }
  finish(plus, 3);
  finish(minus, 4);
  for (int s = 0; s < 6; ++s) plus[s] = T::outer(d(0, s), d(2, s), d(4, s));
  finish(plus, 0);
  for (int s = 0; s < 6; ++s) plus[s] = T::outer(d(1, s), d(3, s), d(5, s));
  finish(plus, 5);
}

template <class P>
void input(const float* const* pixels, const float* const* ahead, int64_t channels, float* v,
           int64_t xi_stride, int64_t slab_stride) {
  each(0, channels, [&](int64_t c, auto part) {
    prefetch(ahead, 36, c);
    input_vector<P>(pixels, c, part, v + c / kSlab * slab_stride + c % kSlab, xi_stride);
  });
}

template <class P>
void output_grad(const float* const* pixels, const float* const* ahead, int64_t channels, float* v,
                 int64_t xi_stride, int64_t slab_stride) {
  using T = Transform1d<P>;
  each(0, channels, [&](int64_t c, auto part) {
    prefetch(ahead, 16, c);
    float* to = v + c / kSlab * slab_stride + c % kSlab;
    Vec half[6][4], column[4], o[6];
    for (int s = 0; s < 4; ++s) {
      for (int r = 0; r < 4; ++r) column[r] = part.load(pixels[r * 4 + s] + c);
      T::output_grad(column, o);
      for (int r = 0; r < 6; ++r) half[r][s] = o[r];
    }
    for (int64_t r = 0; r < 6; ++r) {
      T::output_grad(half[r], o);
      for (int64_t s = 0; s < 6; ++s) store(to + (r * 6 + s) * xi_stride, o[s]);
    }
  });
}

template <class P>
void weight(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
            int64_t xi_stride, int64_t width) {
  using T = Transform1d<P>;
  for (int64_t i = 0; i < rows; ++i) {
    const auto column = [&](int64_t j, auto part) {
      const auto g = [&](int tap) { return part.load(taps[tap] + i * row_stride + j); };
      Vec half[6][3], o[6];
      for (int s = 0; s < 3; ++s) {
        T::weight(g(s), g(3 + s), g(6 + s), o);
        for (int r = 0; r < 6; ++r) half[r][s] = o[r];
      }
      for (int64_t r = 0; r < 6; ++r) {
        T::weight(half[r][0], half[r][1], half[r][2], o);
        for (int64_t s = 0; s < 6; ++s) store(u + (r * 6 + s) * xi_stride + i * width + j, o[s]);
      }
    };
    each(0, cols, column);
    for (int64_t j = (cols + lanes - 1) / lanes * lanes; j < width; j += lanes) {
      for (int64_t xi = 0; xi < 36; ++xi) store(u + xi * xi_stride + i * width + j, Vec{});
    }
  }
}

/// A^T m A of one vector: f(row, column, value) for each of the 16.
template <class P, class F>
TAXON_INLINE void output_vector(const float* m, int64_t xi_stride, Vec bias, Vec least, F f) {
  using T = Transform1d<P>;
  Vec half[4][6], column[6], o[4];
  for (int s = 0; s < 6; ++s) {
    for (int r = 0; r < 6; ++r) column[r] = load(m + (r * 6 + s) * xi_stride);
    T::output(column, o);
    for (int r = 0; r < 4; ++r) half[r][s] = o[r];
  }
  for (int r = 0; r < 4; ++r) {
    T::output(half[r], o);
    for (int s = 0; s < 4; ++s) f(r, s, max(least, o[s] + bias));
  }
}

template <class P>
void output(const float* m, int64_t xi_stride, float* y, int64_t row_stride, int64_t pixel_stride,
            int rows, int cols, int64_t channels, const float* bias, bool relu, bool stream) {
  const Vec least = broadcast(relu ? 0.0f : -__builtin_inff());
  const auto vector = [&](int64_t c, auto part) {
    const Vec b = bias == nullptr ? Vec{} : part.load(bias + c);
    if (rows == 4 && cols == 4) {
      output_vector<P>(m + c, xi_stride, b, least, [&](int64_t r, int64_t s, Vec x) {
        part.store(y + r * row_stride + s * pixel_stride + c, x);
      });
    } else {
      output_vector<P>(m + c, xi_stride, b, least, [&](int64_t r, int64_t s, Vec x) {
        if (r < rows && s < cols) part.store(y + r * row_stride + s * pixel_stride + c, x);
      });
    }
  };
  if (stream) {
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

template <class P>
constexpr WinogradMicro set() {
  return {input<P>, output_grad<P>, weight<P>, output<P>, weight_grad<P>};
}

}  // namespace

namespace TAXON_ISA {

const WinogradMicro winograd = set<LowError>();
const WinogradMicro winograd_integer = set<Integer>();

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

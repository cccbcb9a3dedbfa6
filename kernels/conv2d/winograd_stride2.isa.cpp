// The two-dimensional transforms of Winograd's convolution of stride 2 by phases (winograd_forms.h)
// on vectors of channels. Not for the portable level: it is much code, and no table has a row of
// it.
#if !defined(TAXON_ISA_baseline)
#include "winograd_expand.h"

namespace taxon::kernels {
namespace {

/// phase(row, column, R, C) for each of the four: row and column are 0 along axes with two taps, 1
/// along those with one.
template <class Two, class One, class F>
TAXON_INLINE void each_phase(F phase) {
  phase(0, 0, Two{}, Two{});
  phase(0, 1, Two{}, One{});
  phase(1, 0, One{}, Two{});
  phase(1, 1, One{}, One{});
}

/// pixel(row, column, row phase, column phase) is the number of an element of a phase, value(..)
/// that of a result.
template <class Two, class One, class T, class Pixel, class Value>
TAXON_INLINE void expand_phases(int window, const WinogradPixels& tile, const WinogradValues& v,
                                Pixel pixel, Value value) {
  const void* const* const from = tile.pixels;
  const int64_t stride = v.xi_stride;
  each(0, tile.channels, [=](int64_t c, auto part) {
    prefetch<T>(tile.ahead, window * window, c);
    float* const to = words_of<WholeWords>(v, c);
    each_phase<Two, One>([&](int row, int column, auto down,
                             auto across) __attribute__((always_inline)) {
      expand<decltype(down), decltype(across)>(
          [&](int r, int s) __attribute__((always_inline)) {
            const int at = pixel(r, row) * window + pixel(s, column);
            return part.load(static_cast<const T*>(from[at]) + c);
          },
          [&](int r, int s, Vec x)
              __attribute__((always_inline)) { store(to + value(r, s, row, column) * stride, x); });
    });
  });
}

template <class Two, class One, class Slot>
TAXON_INLINE void expand_taps(const float* const* taps, int64_t row_stride, int64_t rows,
                              int64_t cols, float* u, int64_t xi_stride, int64_t width,
                              int64_t weights, Slot slot) {
  expand_weights<WholeWords>(
      taps, row_stride, rows, cols, u, xi_stride, width, weights, [&](auto get, auto put) {
        each_phase<Two, One>([&](int row, int column, auto down,
                                 auto across) __attribute__((always_inline)) {
          expand<decltype(down), decltype(across)>(
              [&](int r, int s) { return get(2 * r + row, 2 * s + column); },
              [&](int r, int s, Vec x) { put(slot(r, s, row, column), x); });
        });
      });
}

// Forward, and the gradient of the weights.

struct Stride2Value {
  TAXON_INLINE constexpr int operator()(int r, int s, int row, int column) const {
    return stride2_value(r, s, row, column);
  }
};

template <class P, class T>
void input(const WinogradPixels& tile, const WinogradValues& to) {
  expand_phases<typename Transform1d<P, false>::Input, typename OneTap<P>::Input, T>(
      9, tile, to, [](int i, int phase) { return 2 * i + phase; }, Stride2Value{});
}

template <class P, class T>
void output_grad(const WinogradPixels& tile, const WinogradValues& to) {
  expand_pixels<typename Transform1d<P, false>::OutputGrad, T, WholeWords>(tile, to);
}

template <class P>
void weight(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
            int64_t xi_stride, int64_t width) {
  expand_taps<typename Transform1d<P, false>::Weight, typename OneTap<P>::Weight>(
      taps, row_stride, rows, cols, u, xi_stride, width, 81, Stride2Value{});
}

template <class P, class T>
void output(const WinogradOutput& to, const float* m, int64_t xi_stride, int64_t channels) {
  using Half = typename Transform1d<P, false>::Output;
  write_tile<T, 4>(to, m, xi_stride, channels, [](auto get, auto put) {
    contract<Half, Half>([&](int r, int s) { return get(r * kPoints2 + s); }, put);
  });
}

template <class P>
void weight_grad(const float* sums, int64_t xi_stride, int64_t chunks, int64_t chunk_stride,
                 int64_t count, float* dw, int64_t tap_stride) {
  using Two = typename Transform1d<P, false>::WeightGrad;
  using One = typename OneTap<P>::WeightGrad;
  write_weights(sums, xi_stride, chunks, chunk_stride, count, dw, tap_stride,
                [](auto get, auto put) {
                  each_phase<Two, One>([&](int row, int column, auto down,
                                           auto across) __attribute__((always_inline)) {
                    contract<decltype(down), decltype(across)>(
                        [&](int r, int s) { return get(stride2_value(r, s, row, column)); },
                        [&](int r, int s, Vec x) { put(2 * r + row, 2 * s + column, x); });
                  });
                });
}

template <class P, class T>
constexpr WinogradMicro set() {
  return {&winograd_stride2,
          1,
          input<P, T>,
          input<P, T>,
          output_grad<P, T>,
          weight<P>,
          TAXON_ISA::winograd_product,
          TAXON_ISA::winograd_outer,
          output<P, T>,
          weight_grad<P>};
}

// The gradient of the input: pixels of phases with one tap are used as they are.

struct DataValue {
  TAXON_INLINE constexpr int operator()(int r, int s, int row, int column) const {
    return stride2_data_value(r + row * kPoints2, s + column * kPoints2);
  }
};
struct DataWeight {
  TAXON_INLINE constexpr int operator()(int r, int s, int row, int column) const {
    return stride2_data_weight(r + row * kPoints2, s + column * kPoints2);
  }
};

template <class P, class T>
void data_input(const WinogradPixels& tile, const WinogradValues& to) {
  expand_phases<typename Transform1d<P, false>::Input, Untransformed::Input, T>(
      5, tile, to, [](int i, int) { return i; }, DataValue{});
}

template <class P>
void data_weight(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
                 int64_t xi_stride, int64_t width) {
  expand_taps<typename Transform1d<P, false>::Weight, Untransformed::Weight>(
      taps, row_stride, rows, cols, u, xi_stride, width, 36, DataWeight{});
}

template <class P, class T>
void data_output(const WinogradOutput& to, const float* m, int64_t xi_stride, int64_t channels) {
  using Two = typename Transform1d<P, false>::Output;
  using One = Untransformed::Output;
  write_tile<T, 8>(to, m, xi_stride, channels, [](auto get, auto put) {
    each_phase<Two, One>([&](int row, int column, auto down,
                             auto across) __attribute__((always_inline)) {
      contract<decltype(down), decltype(across)>(
          [&](int r, int s) { return get(DataValue{}(r, s, row, column)); },
          [&](int r, int s, Vec x) { put(2 * r + 1 - row, 2 * s + 1 - column, x); });
    });
  });
}

template <class P, class T>
constexpr WinogradMicro data_set() {
  return {&winograd_stride2_data,      1,       data_input<P, T>,  nullptr, nullptr, data_weight<P>,
          TAXON_ISA::winograd_product, nullptr, data_output<P, T>, nullptr};
}

}  // namespace

namespace TAXON_ISA {

const WinogradMicro winograd_s2 = set<LowErrorNoZero, float>();
const WinogradMicro winograd_s2_integer = set<Integer, float>();
const WinogradMicro winograd_s2_data = data_set<LowErrorNoZero, float>();
const WinogradMicro winograd_s2_data_integer = data_set<Integer, float>();

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
#endif

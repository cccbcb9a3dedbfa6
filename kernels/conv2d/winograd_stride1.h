// The two-dimensional transforms of Winograd's convolution of stride 1 on vectors of channels.
#pragma once

#include "winograd_expand.h"

namespace taxon::kernels {
namespace {

template <class P, class T, class Words>
void input(const WinogradPixels& tile, const WinogradValues& to) {
  expand_pixels<typename Transform1d<P, true>::Input, T, Words>(tile, to);
}

template <class P, class T, class Words>
void output_grad(const WinogradPixels& tile, const WinogradValues& to) {
  expand_pixels<typename Transform1d<P, true>::OutputGrad, T, Words>(tile, to);
}

template <class P, class Words>
void weight(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
            int64_t xi_stride, int64_t width) {
  using Half = typename Transform1d<P, true>::Weight;
  expand_weights<Words>(
      taps, row_stride, rows, cols, u, xi_stride, width, 36, [](auto get, auto put) {
        expand<Half, Half>(get, [&](int64_t r, int64_t s, Vec x) { put(r * 6 + s, x); });
      });
}

template <class P, class T>
void output(const WinogradOutput& to, const float* m, int64_t xi_stride, int64_t channels) {
  using Half = typename Transform1d<P, true>::Output;
  write_tile<T, 4>(to, m, xi_stride, channels, [](auto get, auto put) {
    contract<Half, Half>([&](int r, int s) { return get(r * 6 + s); }, put);
  });
}

template <class P>
void weight_grad(const float* sums, int64_t xi_stride, int64_t chunks, int64_t chunk_stride,
                 int64_t count, float* dw, int64_t tap_stride) {
  using Half = typename Transform1d<P, true>::WeightGrad;
  write_weights(sums, xi_stride, chunks, chunk_stride, count, dw, tap_stride,
                [](auto get, auto put) {
                  contract<Half, Half>([&](int r, int s) { return get(r * 6 + s); }, put);
                });
}

}  // namespace
}  // namespace taxon::kernels

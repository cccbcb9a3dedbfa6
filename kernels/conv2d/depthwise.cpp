// Depthwise convolution pixel by pixel, on vectors of channels; the weights are first turned to
// [tap][channel].
#include "depthwise.h"

#include "gather.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kChunks = 8;

struct Memory {
  float* weights;         // [tap][channel]
  float* sums;            // [chunk][tap][channel]
  float* bias;            // [chunk][channel]
  const float** sources;  // a slot: [tap]
  float** targets;        // a slot: [tap]
};
Memory carve(Carver& carver, const Conv2dArgs& a, int threads) {
  const int64_t taps = a.r * a.s;
  Memory m;
  m.weights = carver.take<float>(taps * a.c);
  m.sums = carver.take<float>(kChunks * taps * a.c);
  m.bias = carver.take<float>(kChunks * a.c);
  m.sources = carver.take<const float*>(taps * threads);
  m.targets = carver.take<float*>(taps * threads);
  return m;
}
Memory memory_of(const Conv2dArgs& a, const Exec& exec) {
  Carver carver(exec.scratch);
  return carve(carver, a, exec.threads);
}

/// Calls f(tap, input row, input column) for the taps of output pixel (oy, ox) inside the input.
template <class F>
void each_input(const Conv2dArgs& a, int64_t oy, int64_t ox, F f) {
  for (int64_t r = 0; r < a.r; ++r) {
    const int64_t y = oy * a.stride_h + r * a.dilation_h - a.pad_h;
    if (y < 0 || y >= a.h) continue;
    for (int64_t s = 0; s < a.s; ++s) {
      const int64_t x = ox * a.stride_w + s * a.dilation_w - a.pad_w;
      if (x >= 0 && x < a.w) f(r * a.s + s, y, x);
    }
  }
}

/// Calls f(tap, output row, output column) for the output pixels that read input pixel (iy, ix).
template <class F>
void each_output(const Conv2dArgs& a, int64_t iy, int64_t ix, F f) {
  for (int64_t r = 0; r < a.r; ++r) {
    const int64_t y = iy + a.pad_h - r * a.dilation_h;
    if (y < 0 || y % a.stride_h != 0 || y / a.stride_h >= a.oh) continue;
    for (int64_t s = 0; s < a.s; ++s) {
      const int64_t x = ix + a.pad_w - s * a.dilation_w;
      if (x < 0 || x % a.stride_w != 0 || x / a.stride_w >= a.ow) continue;
      f(r * a.s + s, y / a.stride_h, x / a.stride_w);
    }
  }
}

}  // namespace

const char* depthwise_declines(const Conv2dArgs& a) {
  return a.groups == a.c && a.groups == a.k ? nullptr : "not depthwise";
}

size_t depthwise_scratch(const Conv2dArgs& a, int threads) {
  Carver carver;
  carve(carver, a, threads);
  return carver.used();
}

void depthwise_forward(const Conv2dArgs& a, const Exec& exec, const Micro& micro,
                       const DepthwiseMicro& depthwise) {
  const Memory m = memory_of(a, exec);
  const int64_t taps = a.r * a.s;
  micro.transpose(static_cast<const float*>(a.weight), taps, a.c, taps, m.weights, a.c, a.c);
  parallel(exec, a.n * a.oh, [&](int64_t row, int slot) {
    const float** sources = m.sources + slot * taps;
    float** weights = m.targets + slot * taps;
    const float* image = static_cast<const float*>(a.x) + row / a.oh * a.h * a.w * a.c;
    DepthwisePixel p = {sources, weights, 0,      a.c, static_cast<const float*>(a.bias),
                        nullptr, a.relu,  nullptr};
    for (int64_t x = 0; x < a.ow; ++x) {
      p.taps = 0;
      each_input(a, row % a.oh, x, [&](int64_t tap, int64_t iy, int64_t ix) {
        sources[p.taps] = image + (iy * a.w + ix) * a.c;
        weights[p.taps++] = m.weights + tap * a.c;
      });
      const int64_t at = (row * a.ow + x) * a.c;
      if (a.residual != nullptr) p.residual = static_cast<const float*>(a.residual) + at;
      p.out = static_cast<float*>(a.y) + at;
      depthwise.weighted_sums(p);
    }
  });
}

void depthwise_backward_data(const Conv2dArgs& a, const Exec& exec, const Micro& micro,
                             const DepthwiseMicro& depthwise) {
  const Memory m = memory_of(a, exec);
  const int64_t taps = a.r * a.s;
  micro.transpose(static_cast<const float*>(a.weight), taps, a.c, taps, m.weights, a.c, a.c);
  parallel(exec, a.n * a.h, [&](int64_t row, int slot) {
    const float** sources = m.sources + slot * taps;
    float** weights = m.targets + slot * taps;
    const float* image = static_cast<const float*>(a.y) + row / a.h * a.oh * a.ow * a.c;
    DepthwisePixel p = {sources, weights, 0, a.c, nullptr, nullptr, false, nullptr};
    for (int64_t x = 0; x < a.w; ++x) {
      p.taps = 0;
      each_output(a, row % a.h, x, [&](int64_t tap, int64_t oy, int64_t ox) {
        sources[p.taps] = image + (oy * a.ow + ox) * a.c;
        weights[p.taps++] = m.weights + tap * a.c;
      });
      p.out = static_cast<float*>(a.x) + (row * a.w + x) * a.c;
      depthwise.weighted_sums(p);
    }
  });
}

void depthwise_backward_weight(const Conv2dArgs& a, const Exec& exec, const Micro& micro,
                               const DepthwiseMicro& depthwise) {
  const Memory m = memory_of(a, exec);
  const int64_t taps = a.r * a.s, rows = a.n * a.oh, chunks = std::min(kChunks, rows);
  parallel(exec, chunks, [&](int64_t chunk, int slot) {
    const float** sources = m.sources + slot * taps;
    float** targets = m.targets + slot * taps;
    float* sums = m.sums + chunk * taps * a.c;
    micro.f32->copy(nullptr, 0, 1, 0, sums, 0, taps * a.c);  // zeros
    for (int64_t row = split_at(rows, chunks, chunk); row < split_at(rows, chunks, chunk + 1);
         ++row) {
      const float* image = static_cast<const float*>(a.x) + row / a.oh * a.h * a.w * a.c;
      for (int64_t x = 0; x < a.ow; ++x) {
        int64_t count = 0;
        each_input(a, row % a.oh, x, [&](int64_t tap, int64_t iy, int64_t ix) {
          sources[count] = image + (iy * a.w + ix) * a.c;
          targets[count++] = sums + tap * a.c;
        });
        depthwise.add_products(sources, targets, count, a.c,
                               static_cast<const float*>(a.y) + (row * a.ow + x) * a.c);
      }
    }
  });
  micro.f32->column_sums(m.sums, taps * a.c, chunks, taps * a.c, m.weights, false);
  micro.transpose(m.weights, a.c, taps, a.c, static_cast<float*>(a.weight), taps, taps);
  if (a.bias != nullptr) sum_bias(a, exec, *micro.f32, *micro.f32, m.bias);
}

}  // namespace taxon::kernels

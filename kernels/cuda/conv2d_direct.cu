// Convolutions of any shape, by their definition: a thread for each element of the result (the
// gradient of the weights: for each share of its pixels). For depthwise convolutions neighbouring
// threads have neighbouring channels, so that loads are contiguous.
#include "cuda/column_sums.h"
#include "cuda/columns.h"
#include "cuda/conv2d.h"

namespace taxon::kernels::cuda {
namespace {

template <class T>
__global__ void forward(const T* x, const float* weight, ConvOutput<T> out, ConvShape s,
                        int64_t count) {
  for (int64_t at = first_step(); at < count; at += all_steps()) {
    const int filter = static_cast<int>(at % s.k);
    const int64_t pixel = at / s.k;
    const int ox = static_cast<int>(pixel % s.x.out),
              oy = static_cast<int>(pixel / s.x.out % s.y.out);
    const int image = static_cast<int>(pixel / s.x.out / s.y.out);
    const int group = s.by_filters.quotient(filter);
    const float* w = weight + static_cast<int64_t>(filter) * s.y.taps * s.x.taps * s.channels;
    float sum = 0;
    for (int ty = 0; ty < s.y.taps; ++ty) {
      int iy, ix;
      if (!s.y.input(oy, ty, iy)) continue;
      for (int tx = 0; tx < s.x.taps; ++tx) {
        if (!s.x.input(ox, tx, ix)) continue;
        const T* from = x + s.input_at(image, iy, ix) + group * s.channels;
        const float* tap = w + static_cast<int64_t>(ty * s.x.taps + tx) * s.channels;
        for (int c = 0; c < s.channels; ++c) sum += widen(from[c]) * tap[c];
      }
    }
    out.y[at] = narrow<T>(out.finish(at, filter, sum));
  }
}

template <class T>
__global__ void backward_data(const T* dy, const float* weight, T* dx, ConvShape s, int64_t count) {
  const int64_t filter_size = static_cast<int64_t>(s.y.taps) * s.x.taps * s.channels;
  for (int64_t at = first_step(); at < count; at += all_steps()) {
    const int channel = static_cast<int>(at % s.c);
    const int64_t pixel = at / s.c;
    const int ix = static_cast<int>(pixel % s.x.in), iy = static_cast<int>(pixel / s.x.in % s.y.in);
    const int image = static_cast<int>(pixel / s.x.in / s.y.in);
    const int group = s.by_channels.quotient(channel);
    const int first = group * s.filters;
    const float* w = weight + first * filter_size + (channel - group * s.channels);
    float sum = 0;
    for (int ty = 0; ty < s.y.taps; ++ty) {
      int oy, ox;
      if (!s.y.output(iy, ty, oy)) continue;
      for (int tx = 0; tx < s.x.taps; ++tx) {
        if (!s.x.output(ix, tx, ox)) continue;
        const T* from = dy + s.output_at(image, oy, ox) + first;
        const float* tap = w + static_cast<int64_t>(ty * s.x.taps + tx) * s.channels;
        for (int k = 0; k < s.filters; ++k) sum += widen(from[k]) * tap[k * filter_size];
      }
    }
    dx[at] = narrow<T>(sum);
  }
}

/// The gradient of a weight over output pixels: "columns" are (tap and channel of a group, filter),
/// filters side by side; "rows" are output pixels.
template <class T>
struct LoadProduct {
  const T* x;
  const T* dy;
  ConvShape s;
  struct At {
    int ty, tx, channel, filter;
  };
  __device__ At at(int64_t, int64_t column) const {
    At a;
    a.filter = static_cast<int>(column % s.k);
    int rest = static_cast<int>(column / s.k);
    const int in_group = s.by_channels.split(rest);
    a.channel = s.by_filters.quotient(a.filter) * s.channels + in_group;
    a.tx = s.by_taps_x.split(rest);
    a.ty = rest;
    return a;
  }
  __device__ void operator()(const At& a, int64_t pixel, float (&v)[1][1]) const {
    const int ox = static_cast<int>(pixel % s.x.out),
              oy = static_cast<int>(pixel / s.x.out % s.y.out);
    const int image = static_cast<int>(pixel / s.x.out / s.y.out);
    int iy, ix;
    v[0][0] = 0;
    if (!s.y.input(oy, a.ty, iy) || !s.x.input(ox, a.tx, ix)) return;
    v[0][0] = widen(x[s.input_at(image, iy, ix) + a.channel]) * widen(dy[pixel * s.k + a.filter]);
  }
};
struct StoreWeight {
  float* weight;
  int64_t filters, filter_size;
  __device__ void operator()(int64_t, int64_t column, const float (&v)[1]) const {
    weight[column % filters * filter_size + column / filters] = v[0];
  }
};

ColumnPlan weight_plan(const Conv2dArgs& a) {
  return plan_columns(1, a.n * a.oh * a.ow, a.k * a.r * a.s * (a.c / a.groups), 1);
}

}  // namespace

template <class T>
void direct_forward(const Conv2dArgs& a, const Exec& exec) {
  const int64_t count = a.n * a.oh * a.ow * a.k;
  if (count == 0) return;
  const ConvOutput<T> out{static_cast<T*>(a.y),
                          static_cast<const float*>(a.bias),
                          static_cast<const T*>(a.residual),
                          static_cast<int>(a.k),
                          static_cast<int>(a.k / a.groups),
                          a.relu,
                          false};
  TAXON_LAUNCH(forward<T>, grid_of(blocks_for(count)), block_threads, exec,
               static_cast<const T*>(a.x), static_cast<const float*>(a.weight), out, shape_of(a),
               count);
}

template <class T>
void direct_backward_data(const Conv2dArgs& a, const Exec& exec) {
  const int64_t count = a.n * a.h * a.w * a.c;
  if (count == 0) return;
  TAXON_LAUNCH(backward_data<T>, grid_of(blocks_for(count)), block_threads, exec,
               static_cast<const T*>(a.y), static_cast<const float*>(a.weight),
               static_cast<T*>(a.x), shape_of(a), count);
}

template <class T>
void direct_backward_weight(const Conv2dArgs& a, const Exec& exec) {
  const ColumnPlan plan = weight_plan(a);
  const LoadProduct<T> load{static_cast<const T*>(a.x), static_cast<const T*>(a.y), shape_of(a)};
  const StoreWeight store{static_cast<float*>(a.weight), a.k, a.r * a.s * (a.c / a.groups)};
  start_columns<1, 1>(plan, load, store, Add(), exec.scratch, exec);
  if (a.bias == nullptr) return;  // in the order of the stream: the scratch memory is free again
  column_sums<T>(a.y, a.n * a.oh * a.ow, a.k, static_cast<float*>(a.bias), exec.scratch, exec);
}
size_t direct_backward_weight_scratch(const Conv2dArgs& a, int) {
  const int64_t pixels = a.n * a.oh * a.ow;
  const size_t bias =
      most(column_sums_scratch<float>(pixels, a.k), column_sums_scratch<Bf16>(pixels, a.k));
  return most(column_scratch(weight_plan(a), 1), a.bias != nullptr ? bias : size_t{0});
}

#define TAXON_DIRECT(T)                                                  \
  template void direct_forward<T>(const Conv2dArgs&, const Exec&);       \
  template void direct_backward_data<T>(const Conv2dArgs&, const Exec&); \
  template void direct_backward_weight<T>(const Conv2dArgs&, const Exec&);
TAXON_DIRECT(float)
TAXON_DIRECT(Bf16)
#undef TAXON_DIRECT

}  // namespace taxon::kernels::cuda

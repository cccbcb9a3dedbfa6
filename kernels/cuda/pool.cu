// Pooling over NHWC images: a thread for each pack of channels of an output (forward) or an input
// (backward, which gathers, so that sums have a fixed order).
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

constexpr uint8_t nowhere = 255;

struct Range {
  int first, last;  ///< [first, last)
};

/// One axis of fixed windows.
struct Windows {
  int size = 1, stride = 1, pad = 0, inputs = 0, outputs = 0;
  Divisor by_stride;

  /// The inputs that output o covers, clipped to the image.
  __device__ __forceinline__ Range inputs_of(int o) const {
    const int first = o * stride - pad;
    return {most(first, 0), least(first + size, inputs)};
  }
  /// The outputs that cover input i.
  __device__ __forceinline__ Range outputs_of(int i) const {
    const int before = i + pad - size + 1;
    const int first = before > 0 ? by_stride.quotient(before + stride - 1) : 0;
    return {first, least(by_stride.quotient(i + pad) + 1, outputs)};
  }
  /// By how many an average divides along this axis when padding counts.
  __device__ __forceinline__ int padded_size(int o) const {
    const int first = o * stride - pad;
    return least(first + size, inputs + pad) - first;
  }
};

/// One axis of adaptive windows: cells of about inputs / outputs.
struct Cells {
  int inputs = 0, outputs = 0;
  __device__ __forceinline__ Range inputs_of(int o) const {
    const auto in = static_cast<int64_t>(inputs);
    return {static_cast<int>(o * in / outputs),
            static_cast<int>(((o + 1) * in + outputs - 1) / outputs)};
  }
  __device__ __forceinline__ Range outputs_of(int i) const {
    const auto out = static_cast<int64_t>(outputs);
    return {static_cast<int>(i * out / inputs),
            static_cast<int>(((i + 1) * out + inputs - 1) / inputs)};
  }
};

/// What a grid of [n, h, w, packs] points walks over.
struct Points {
  int count = 0;
  Divisor packs, w, h;
  struct At {
    int pack, x, y, n;
  };
  __device__ __forceinline__ At at(int64_t step) const {
    At a;
    a.n = static_cast<int>(step);
    a.pack = packs.split(a.n);
    a.x = w.split(a.n);
    a.y = h.split(a.n);
    return a;
  }
};

/// Both axes, the channels, and how an average divides.
template <class Axis>
struct Geometry {
  Axis y, x;
  int channels = 0;
  bool count_pad = true;

  __device__ __forceinline__ int divisor(int oy, int ox) const;
  __device__ __forceinline__ int64_t input(int n, int iy, int ix) const {
    return ((static_cast<int64_t>(n) * y.inputs + iy) * x.inputs + ix) * channels;
  }
  __device__ __forceinline__ int64_t output(int n, int oy, int ox) const {
    return ((static_cast<int64_t>(n) * y.outputs + oy) * x.outputs + ox) * channels;
  }
};
template <>
__device__ __forceinline__ int Geometry<Windows>::divisor(int oy, int ox) const {
  if (count_pad) return y.padded_size(oy) * x.padded_size(ox);
  const Range rows = y.inputs_of(oy), cols = x.inputs_of(ox);
  return most((rows.last - rows.first) * (cols.last - cols.first), 1);
}
template <>
__device__ __forceinline__ int Geometry<Cells>::divisor(int oy, int ox) const {
  const Range rows = y.inputs_of(oy), cols = x.inputs_of(ox);
  return (rows.last - rows.first) * (cols.last - cols.first);
}

// --- maximum ---

template <class T, int V>
__global__ void max_pool(const T* x, T* y, int32_t* index, uint8_t* code, bool relu,
                         Geometry<Windows> g, Points points) {
  for (int64_t step = first_step(); step < points.count; step += all_steps()) {
    const Points::At p = points.at(step);
    const Range rows = g.y.inputs_of(p.y), cols = g.x.inputs_of(p.x);
    float best[V], v[V];
    int place[V], window[V];
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      best[k] = -HUGE_VALF;
      place[k] = -1;
      window[k] = nowhere;
    }
    for (int iy = rows.first; iy < rows.last; ++iy) {
      for (int ix = cols.first; ix < cols.last; ++ix) {
        load_floats(x + g.input(p.n, iy, ix) + p.pack * V, v);
        const int in_window =
            (iy - p.y * g.y.stride + g.y.pad) * g.x.size + ix - p.x * g.x.stride + g.x.pad;
        TAXON_UNROLL
        for (int k = 0; k < V; ++k) {
          const bool first_nan = v[k] != v[k] && best[k] == best[k];
          if (place[k] >= 0 && !(v[k] > best[k]) && !first_nan) continue;
          best[k] = v[k];
          place[k] = iy * g.x.inputs + ix;
          window[k] = in_window;
        }
      }
    }
    const int64_t to = g.output(p.n, p.y, p.x) + p.pack * V;
    Pack<int32_t, V> places;
    Pack<uint8_t, V> codes;
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      const bool cut = relu && !(best[k] > 0);
      if (relu && best[k] < 0) best[k] = 0;
      places.v[k] = cut ? -1 : place[k];
      codes.v[k] = cut ? nowhere : static_cast<uint8_t>(window[k]);
    }
    store_floats(y + to, best);
    if (index != nullptr) store_pack(index + to, places);
    if (code != nullptr) store_pack(code + to, codes);
  }
}

template <class T, int V>
__global__ void max_pool_grad(const T* dy, const int32_t* index, const uint8_t* code, T* dx,
                              Geometry<Windows> g, Points points) {
  for (int64_t step = first_step(); step < points.count; step += all_steps()) {
    const Points::At p = points.at(step);
    const Range rows = g.y.outputs_of(p.y), cols = g.x.outputs_of(p.x);
    float sum[V] = {}, v[V];
    for (int oy = rows.first; oy < rows.last; ++oy) {
      for (int ox = cols.first; ox < cols.last; ++ox) {
        const int64_t from = g.output(p.n, oy, ox) + p.pack * V;
        load_floats(dy + from, v);
        const int in_window =
            (p.y - oy * g.y.stride + g.y.pad) * g.x.size + p.x - ox * g.x.stride + g.x.pad;
        Pack<int32_t, V> places;
        Pack<uint8_t, V> codes;
        if (index != nullptr) {
          places = load_pack<int32_t, V>(index + from);
        } else {
          codes = load_pack<uint8_t, V>(code + from);
        }
        TAXON_UNROLL
        for (int k = 0; k < V; ++k) {
          const bool here = index != nullptr ? places.v[k] == p.y * g.x.inputs + p.x
                                             : codes.v[k] == in_window && in_window != nowhere;
          if (here) sum[k] += v[k];
        }
      }
    }
    store_floats(dx + g.input(p.n, p.y, p.x) + p.pack * V, sum);
  }
}

// --- average ---

template <class T, int V, class Axis>
__global__ void avg_pool(const T* x, T* y, Geometry<Axis> g, Points points) {
  for (int64_t step = first_step(); step < points.count; step += all_steps()) {
    const Points::At p = points.at(step);
    const Range rows = g.y.inputs_of(p.y), cols = g.x.inputs_of(p.x);
    float sum[V] = {}, v[V];
    for (int iy = rows.first; iy < rows.last; ++iy) {
      for (int ix = cols.first; ix < cols.last; ++ix) {
        load_floats(x + g.input(p.n, iy, ix) + p.pack * V, v);
        TAXON_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += v[k];
      }
    }
    const auto by = static_cast<float>(g.divisor(p.y, p.x));
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) sum[k] /= by;
    store_floats(y + g.output(p.n, p.y, p.x) + p.pack * V, sum);
  }
}

template <class T, int V, class Axis>
__global__ void avg_pool_grad(const T* dy, T* dx, Geometry<Axis> g, Points points) {
  for (int64_t step = first_step(); step < points.count; step += all_steps()) {
    const Points::At p = points.at(step);
    const Range rows = g.y.outputs_of(p.y), cols = g.x.outputs_of(p.x);
    float sum[V] = {}, v[V];
    for (int oy = rows.first; oy < rows.last; ++oy) {
      for (int ox = cols.first; ox < cols.last; ++ox) {
        load_floats(dy + g.output(p.n, oy, ox) + p.pack * V, v);
        const auto by = static_cast<float>(g.divisor(oy, ox));
        TAXON_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += v[k] / by;
      }
    }
    store_floats(dx + g.input(p.n, p.y, p.x) + p.pack * V, sum);
  }
}

// --- starting them ---

template <class Args>
Geometry<Windows> geometry_of(const Args& a) {
  Geometry<Windows> g;
  const auto axis = [](int64_t size, int64_t stride, int64_t pad, int64_t in, int64_t out) {
    return Windows{static_cast<int>(size), static_cast<int>(stride), static_cast<int>(pad),
                   static_cast<int>(in),   static_cast<int>(out),    Divisor(stride)};
  };
  g.y = axis(a.r, a.stride_h, a.pad_h, a.h, a.oh);
  g.x = axis(a.s, a.stride_w, a.pad_w, a.w, a.ow);
  g.channels = static_cast<int>(a.c);
  g.count_pad = a.count_include_pad;
  return g;
}
Geometry<Cells> geometry_of(const AdaptiveAvgPoolArgs& a) {
  Geometry<Cells> g;
  g.y = {static_cast<int>(a.h), static_cast<int>(a.oh)};
  g.x = {static_cast<int>(a.w), static_cast<int>(a.ow)};
  g.channels = static_cast<int>(a.c);
  return g;
}

/// Calls f(first image, points) with as many images at a time as 32-bit indices allow.
template <class F>
void each_piece(int64_t n, int64_t h, int64_t w, int64_t packs, F f) {
  const int64_t image = h * w * packs;
  if (n * image == 0) return;
  const int64_t images = most<int64_t>(index_limit / image, 1);
  for (int64_t first = 0; first < n; first += images) {
    Points p;
    p.count = static_cast<int>(least(images, n - first) * image);
    p.packs = Divisor(packs);
    p.w = Divisor(w);
    p.h = Divisor(h);
    f(first, p);
  }
}

template <class T, int V>
void start_max(const PoolArgs& a, const Exec& exec) {
  const auto g = geometry_of(a);
  each_piece(a.n, a.oh, a.ow, a.c / V, [&](int64_t n, const Points& points) {
    const int64_t from = n * a.h * a.w * a.c, to = n * a.oh * a.ow * a.c;
    TAXON_LAUNCH((max_pool<T, V>), grid_of(blocks_for(points.count)), block_threads, exec,
                 static_cast<const T*>(a.x) + from, static_cast<T*>(a.y) + to,
                 a.index != nullptr ? a.index + to : nullptr,
                 a.code != nullptr ? a.code + to : nullptr, a.relu, g, points);
  });
}
template <class T, int V>
void start_max_grad(const PoolGradArgs& a, const Exec& exec) {
  const auto g = geometry_of(a);
  each_piece(a.n, a.h, a.w, a.c / V, [&](int64_t n, const Points& points) {
    const int64_t from = n * a.oh * a.ow * a.c, to = n * a.h * a.w * a.c;
    TAXON_LAUNCH((max_pool_grad<T, V>), grid_of(blocks_for(points.count)), block_threads, exec,
                 static_cast<const T*>(a.dy) + from, a.index != nullptr ? a.index + from : nullptr,
                 a.code != nullptr ? a.code + from : nullptr, static_cast<T*>(a.dx) + to, g,
                 points);
  });
}
template <class T, int V, class Args>
void start_avg(const Args& a, const Exec& exec) {
  const auto g = geometry_of(a);
  using Axis = decltype(g.y);
  each_piece(a.n, a.oh, a.ow, a.c / V, [&](int64_t n, const Points& points) {
    TAXON_LAUNCH((avg_pool<T, V, Axis>), grid_of(blocks_for(points.count)), block_threads, exec,
                 static_cast<const T*>(a.x) + n * a.h * a.w * a.c,
                 static_cast<T*>(a.y) + n * a.oh * a.ow * a.c, g, points);
  });
}
template <class T, int V, class Args>
void start_avg_grad(const Args& a, const void* dy, void* dx, const Exec& exec) {
  const auto g = geometry_of(a);
  using Axis = decltype(g.y);
  each_piece(a.n, a.h, a.w, a.c / V, [&](int64_t n, const Points& points) {
    TAXON_LAUNCH((avg_pool_grad<T, V, Axis>), grid_of(blocks_for(points.count)), block_threads,
                 exec, static_cast<const T*>(dy) + n * a.oh * a.ow * a.c,
                 static_cast<T*>(dx) + n * a.h * a.w * a.c, g, points);
  });
}

/// Channels a thread: 4 where they lie so.
template <class T, class... Pointers>
bool packable(int64_t channels, Pointers... images) {
  return channels % 4 == 0 && all_aligned(4 * sizeof(T), images...);
}

template <class T>
void run_max(const PoolArgs& a, const Exec& exec) {
  const bool places = aligned(a.index, 16) && aligned(a.code, 4);
  if (places && packable<T>(a.c, a.x, static_cast<const void*>(a.y))) {
    return start_max<T, 4>(a, exec);
  }
  start_max<T, 1>(a, exec);
}
template <class T>
void run_max_grad(const PoolGradArgs& a, const Exec& exec) {
  const bool places = aligned(a.index, 16) && aligned(a.code, 4);
  if (places && packable<T>(a.c, a.dy, static_cast<const void*>(a.dx))) {
    return start_max_grad<T, 4>(a, exec);
  }
  start_max_grad<T, 1>(a, exec);
}
template <class T, class Args>
void run_avg(const Args& a, const Exec& exec) {
  if (packable<T>(a.c, a.x, static_cast<const void*>(a.y))) return start_avg<T, 4>(a, exec);
  start_avg<T, 1>(a, exec);
}
template <class T, class Args>
void run_avg_grad(const Args& a, const void* dy, void* dx, const Exec& exec) {
  if (packable<T>(a.c, dy, static_cast<const void*>(dx))) {
    return start_avg_grad<T, 4>(a, dy, dx, exec);
  }
  start_avg_grad<T, 1>(a, dy, dx, exec);
}
template <class T>
void run_avg_grad(const PoolGradArgs& a, const Exec& exec) {
  run_avg_grad<T>(a, a.dy, a.dx, exec);
}
template <class T>
void run_adaptive_grad(const AdaptiveAvgPoolArgs& a, const Exec& exec) {
  run_avg_grad<T>(a, a.x, a.y, exec);
}

/// The table of one function for f32 and bf16.
#define TAXON_POOL_ROWS(Args, op, function)                                       \
  Rows<Args> op##_rows(Type type) {                                               \
    static const Row<Args> f32[] = {                                              \
        {#op "/cuda", Needs::baseline, true, nullptr, nullptr, function<float>}}; \
    static const Row<Args> bf16[] = {                                             \
        {#op "/cuda", Needs::baseline, true, nullptr, nullptr, function<Bf16>}};  \
    return pick(type, f32, bf16);                                                 \
  }

template <class T>
void run_fixed(const PoolArgs& a, const Exec& exec) {
  run_avg<T>(a, exec);
}
template <class T>
void run_adaptive(const AdaptiveAvgPoolArgs& a, const Exec& exec) {
  run_avg<T>(a, exec);
}

}  // namespace

TAXON_POOL_ROWS(PoolArgs, max_pool, run_max)
TAXON_POOL_ROWS(PoolGradArgs, max_pool_grad, run_max_grad)
TAXON_POOL_ROWS(PoolArgs, avg_pool, run_fixed)
TAXON_POOL_ROWS(PoolGradArgs, avg_pool_grad, run_avg_grad)
TAXON_POOL_ROWS(AdaptiveAvgPoolArgs, adaptive_avg_pool, run_adaptive)
TAXON_POOL_ROWS(AdaptiveAvgPoolArgs, adaptive_avg_pool_grad, run_adaptive_grad)

}  // namespace taxon::kernels::cuda

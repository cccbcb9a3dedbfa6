// Convolutions as products of matrices that are never built (implicit GEMM): the tiles' loads find
// the elements in the image. The tables, whose last rows are those of conv2d_direct.cu.
#include "cuda/conv2d.h"

#include "cuda/column_sums.h"
#include "cuda/tables.h"
#include "cuda/tiles.h"

namespace taxon::kernels::cuda {
namespace {

/// Forward: (output pixel, (r, s, channel)) of the input.
template <class T>
struct ImagePatches {
  static constexpr bool along_k = true;
  const T* data;
  ConvShape s;
  int extent;   ///< output pixels
  bool packed;  ///< four channels lie aligned

  struct Place {
    const T* image;
    int oy, ox;  ///< oy < 0: beyond the extent
  };
  __device__ __forceinline__ Place place(int64_t z, int pixel) const {
    if (pixel >= extent) return {data, -1, 0};
    const int ox = s.by_out_x.split(pixel), oy = s.by_out_y.split(pixel);
    return {data + s.input_at(pixel, 0, 0) + z * s.channels, oy, ox};
  }
  /// The element of (r, s, channel) index k, and the three after it; null: padding.
  __device__ __forceinline__ const T* find(const Place& p, int k) const {
    const int channel = s.by_channels.split(k), tx = s.by_taps_x.split(k);
    int iy, ix;
    if (!s.y.input(p.oy, k, iy) || !s.x.input(p.ox, tx, ix)) return nullptr;
    return p.image + (static_cast<int64_t>(iy) * s.x.in + ix) * s.c + channel;
  }
  __device__ __forceinline__ void load(const Place& p, int k, int k_end, float (&v)[4]) const {
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = 0;
    if (p.oy < 0 || k >= k_end) return;
    if (packed) {
      const T* from = find(p, k);
      if (from != nullptr) load_floats(from, v);
      return;
    }
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) {
      const T* from = k + i < k_end ? find(p, k + i) : nullptr;
      if (from != nullptr) v[i] = widen(*from);
    }
  }
};

/// The gradient of the input: (input pixel, (r, s, filter)) of the output's gradient.
template <class T>
struct GradPatches {
  static constexpr bool along_k = true;
  const T* data;
  ConvShape s;
  int extent;   ///< input pixels
  bool packed;  ///< four filters lie aligned

  struct Place {
    const T* image;
    int iy, ix;  ///< iy < 0: beyond the extent
  };
  __device__ __forceinline__ Place place(int64_t z, int pixel) const {
    if (pixel >= extent) return {data, -1, 0};
    const int ix = s.by_in_x.split(pixel), iy = s.by_in_y.split(pixel);
    return {data + s.output_at(pixel, 0, 0) + z * s.filters, iy, ix};
  }
  __device__ __forceinline__ const T* find(const Place& p, int k) const {
    const int filter = s.by_filters.split(k), tx = s.by_taps_x.split(k);
    int oy, ox;
    if (!s.y.output(p.iy, k, oy) || !s.x.output(p.ix, tx, ox)) return nullptr;
    return p.image + (static_cast<int64_t>(oy) * s.x.out + ox) * s.k + filter;
  }
  __device__ __forceinline__ void load(const Place& p, int k, int k_end, float (&v)[4]) const {
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = 0;
    if (p.iy < 0 || k >= k_end) return;
    if (packed) {
      const T* from = find(p, k);
      if (from != nullptr) load_floats(from, v);
      return;
    }
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) {
      const T* from = k + i < k_end ? find(p, k + i) : nullptr;
      if (from != nullptr) v[i] = widen(*from);
    }
  }
};

/// Weights for it: (channel, (r, s, filter)), channels side by side.
struct WeightsByFilter {
  static constexpr bool along_k = false;
  const float* data;
  Divisor by_filters;
  int64_t filter_size;  ///< r * s * channels
  int channels, filters;
  bool packed;

  struct Place {
    const float* from;
    int left;
  };
  __device__ __forceinline__ Place place(int64_t z, int channel) const {
    return {data + z * filters * filter_size + channel, channels - channel};
  }
  __device__ __forceinline__ void load(const Place& p, int k, int k_end, float (&v)[4]) const {
    const bool any = k < k_end && p.left > 0;
    const int filter = by_filters.split(k);
    const float* from = p.from + filter * filter_size + static_cast<int64_t>(k) * channels;
    if (any && packed) return load_floats(from, v);
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = any && i < p.left ? from[i] : 0.0f;
  }
};

/// The gradient of the weights: ((r, s, channel), output pixel) of the input.
template <class T>
struct PatchesByPixel {
  static constexpr bool along_k = false;
  const T* data;
  ConvShape s;
  int extent;   ///< r * s * channels
  bool packed;  ///< four channels lie aligned

  struct Place {
    const T* data;
    int first;
  };
  __device__ __forceinline__ Place place(int64_t z, int column) const {
    return {data + z * s.channels, column};
  }
  __device__ __forceinline__ const T* find(const Place& p, int column, int image, int oy,
                                           int ox) const {
    const int channel = s.by_channels.split(column), tx = s.by_taps_x.split(column);
    int iy, ix;
    if (!s.y.input(oy, column, iy) || !s.x.input(ox, tx, ix)) return nullptr;
    return p.data + s.input_at(image, iy, ix) + channel;
  }
  __device__ __forceinline__ void load(const Place& p, int pixel, int k_end, float (&v)[4]) const {
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = 0;
    if (pixel >= k_end || p.first >= extent) return;
    const int ox = s.by_out_x.split(pixel), oy = s.by_out_y.split(pixel);
    if (packed) {
      const T* from = find(p, p.first, pixel, oy, ox);
      if (from != nullptr) load_floats(from, v);
      return;
    }
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) {
      const T* from = p.first + i < extent ? find(p, p.first + i, pixel, oy, ox) : nullptr;
      if (from != nullptr) v[i] = widen(*from);
    }
  }
};

// --- results ---

template <class T>
struct StoreOutput {
  ConvOutput<T> out;
  __device__ void operator()(int64_t z, int pixel, int col, float (&v)[4], int count) const {
    const int filter = static_cast<int>(z) * out.filters + col;
    const int64_t at = static_cast<int64_t>(pixel) * out.k + filter;
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (i < count) v[i] = out.finish(at + i, filter + i, v[i]);
    }
    store_some(out.y + at, v, count, out.packed);
  }
};
/// Element (row, col) of product z at to[z * step + row * ld + col].
template <class T>
struct StoreMatrix {
  T* to;
  int64_t ld, step;
  bool packed;
  __device__ void operator()(int64_t z, int row, int col, float (&v)[4], int count) const {
    store_some(to + z * step + row * ld + col, v, count, packed);
  }
};
template <class T>
StoreMatrix<T> store_matrix(void* to, int64_t ld, int64_t step) {
  return {static_cast<T*>(to), ld, step,
          ld % 4 == 0 && step % 4 == 0 && aligned(to, 4 * sizeof(T))};
}

// --- the three directions ---

int64_t patch_size(const Conv2dArgs& a) {
  return a.r * a.s * (a.c / a.groups);
}
TilePlan forward_plan(const Conv2dArgs& a) {
  return plan_tiles(a.n * a.oh * a.ow, a.k / a.groups, patch_size(a), a.groups);
}
TilePlan data_plan(const Conv2dArgs& a) {
  return plan_tiles(a.n * a.h * a.w, a.c / a.groups, a.r * a.s * (a.k / a.groups), a.groups);
}
TilePlan weight_plan(const Conv2dArgs& a) {
  return plan_tiles(a.k / a.groups, patch_size(a), a.n * a.oh * a.ow, a.groups);
}

template <class T>
bool channels_packed(const Conv2dArgs& a) {
  return a.c / a.groups % 4 == 0 && aligned(a.x, 4 * sizeof(T));
}
template <class T>
bool filters_packed(const Conv2dArgs& a) {
  return a.k / a.groups % 4 == 0 && aligned(a.y, 4 * sizeof(T));
}

template <class T>
void forward(const Conv2dArgs& a, const Exec& exec) {
  const TilePlan plan = forward_plan(a);
  const ImagePatches<T> image{static_cast<const T*>(a.x), shape_of(a), plan.m,
                              channels_packed<T>(a)};
  const int64_t size = patch_size(a);
  const auto weight = matrix_source<float, true>(a.weight, size, a.k / a.groups * size, plan.n);
  const StoreOutput<T> store{{static_cast<T*>(a.y), static_cast<const float*>(a.bias),
                              static_cast<const T*>(a.residual), static_cast<int>(a.k), plan.n,
                              a.relu, filters_packed<T>(a)}};
  start_tiles(plan, image, weight, store, exec);
}

template <class T>
void backward_data(const Conv2dArgs& a, const Exec& exec) {
  const TilePlan plan = data_plan(a);
  const GradPatches<T> grad{static_cast<const T*>(a.y), shape_of(a), plan.m, filters_packed<T>(a)};
  const bool packed = a.c / a.groups % 4 == 0 && aligned(a.weight);
  const WeightsByFilter weight{static_cast<const float*>(a.weight),
                               grad.s.by_filters,
                               patch_size(a),
                               grad.s.channels,
                               grad.s.filters,
                               packed};
  start_tiles(plan, grad, weight, store_matrix<T>(a.x, a.c, plan.n), exec);
}

template <class T>
void backward_weight(const Conv2dArgs& a, const Exec& exec) {
  const TilePlan plan = weight_plan(a);
  const auto grad = matrix_source<T, false>(a.y, a.k, plan.m, plan.m);
  const PatchesByPixel<T> image{static_cast<const T*>(a.x), shape_of(a), plan.n,
                                channels_packed<T>(a)};
  const auto store = store_matrix<float>(a.weight, plan.n, static_cast<int64_t>(plan.m) * plan.n);
  start_tiles(plan, grad, image, store, exec);
  if (a.bias == nullptr) return;
  column_sums<T>(a.y, a.n * a.oh * a.ow, a.k, static_cast<float*>(a.bias),
                 static_cast<char*>(exec.scratch) + tile_scratch(plan), exec);
}

size_t forward_scratch(const Conv2dArgs& a, int) {
  return tile_scratch(forward_plan(a));
}
size_t data_scratch(const Conv2dArgs& a, int) {
  return tile_scratch(data_plan(a));
}
template <class T>
size_t weight_scratch(const Conv2dArgs& a, int) {
  return tile_scratch(weight_plan(a)) +
         (a.bias != nullptr ? column_sums_scratch<T>(a.n * a.oh * a.ow, a.k) : 0);
}

/// Tiles would be almost empty, or indices too large.
const char* declines(const Conv2dArgs& a) {
  constexpr int64_t limit = index_limit - 1024;
  if (a.groups > 1 && (a.c / a.groups < 16 || a.k / a.groups < 16)) {
    return "groups of fewer than 16 channels or filters";
  }
  const bool large = a.n * a.oh * a.ow > limit || a.n * a.h * a.w > limit ||
                     patch_size(a) > limit || a.r * a.s * (a.k / a.groups) > limit;
  return large ? "more than 2^31 pixels" : nullptr;
}

#define TAXON_CONV_ROWS(op, tiles, tiles_scratch, direct, direct_scratch)                         \
  Rows<Conv2dArgs> op##_rows(Type type) {                                                         \
    static const Row<Conv2dArgs> f32[] = {                                                        \
        {#op "/cuda_tiles", Needs::baseline, true, declines, tiles_scratch(float), tiles<float>}, \
        {#op "/cuda", Needs::baseline, true, nullptr, direct_scratch, direct<float>}};            \
    static const Row<Conv2dArgs> bf16[] = {                                                       \
        {#op "/cuda_tiles", Needs::baseline, true, declines, tiles_scratch(Bf16), tiles<Bf16>},   \
        {#op "/cuda", Needs::baseline, true, nullptr, direct_scratch, direct<Bf16>}};             \
    return pick(type, f32, bf16);                                                                 \
  }
#define TAXON_FORWARD_SCRATCH(type) forward_scratch
#define TAXON_DATA_SCRATCH(type) data_scratch
#define TAXON_WEIGHT_SCRATCH(type) weight_scratch<type>

}  // namespace

TAXON_CONV_ROWS(conv2d_forward, forward, TAXON_FORWARD_SCRATCH, direct_forward, nullptr)
TAXON_CONV_ROWS(conv2d_backward_data, backward_data, TAXON_DATA_SCRATCH, direct_backward_data,
                nullptr)
TAXON_CONV_ROWS(conv2d_backward_weight, backward_weight, TAXON_WEIGHT_SCRATCH,
                direct_backward_weight, direct_backward_weight_scratch)

}  // namespace taxon::kernels::cuda

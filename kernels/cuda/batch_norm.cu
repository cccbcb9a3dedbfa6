// Batch normalisation (Ioffe and Szegedy 2015) of [rows, channels]: statistics in one pass, by
// batches of rows whose means and squared deviations are combined (Chan et al. 1979), then one pass
// over the elements.
#include "cuda/columns.h"
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// Count, mean and sum of squared deviations of some numbers.
struct Moments {
  float count = 0, mean = 0, squares = 0;
  __device__ __forceinline__ void add(const Moments& other) {
    if (other.count == 0) return;
    const float total = count + other.count, delta = other.mean - mean;
    const float share = other.count / total;
    mean += delta * share;
    squares += other.squares + delta * delta * count * share;
    count = total;
  }
};

template <int V>
constexpr int batch_rows = V > 4 ? 4 : 8;

/// Adds rows row, row + step, ... (those below last, at most a batch) of V channels to m.
template <class T, int V>
__device__ __forceinline__ void add_batch(const T* x, int64_t row, int64_t step, int64_t last,
                                          int64_t channels, Moments (&m)[V]) {
  constexpr int size = batch_rows<V>;
  float v[size][V];
  int count = 0;
  TAXON_UNROLL
  for (int i = 0; i < size; ++i) {
    const int64_t at = row + i * step;
    const bool inside = at < last;
    if (inside) load_floats(x + at * channels, v[i]);
    count += inside ? 1 : 0;
  }
  TAXON_UNROLL
  for (int k = 0; k < V; ++k) {
    Moments batch;
    batch.count = static_cast<float>(count);
    float sum = 0;
    TAXON_UNROLL
    for (int i = 0; i < size; ++i) sum += i < count ? v[i][k] : 0.0f;
    batch.mean = sum / batch.count;
    TAXON_UNROLL
    for (int i = 0; i < size; ++i) {
      const float d = i < count ? v[i][k] - batch.mean : 0.0f;
      batch.squares += d * d;
    }
    m[k].add(batch);
  }
}

/// Combines the block's rows of threads, as reduce_block_rows does.
template <int V>
__device__ void combine_block_rows(Moments (&m)[V], SharedArray<float> shared) {
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int width = static_cast<int>(blockDim.x);
  const auto slot = [&](int k, int row) { return 3 * k * block_threads + row * width + x; };
  for (int rows = static_cast<int>(blockDim.y); rows > 1; rows /= 2) {
    if (y < rows) {
      TAXON_UNROLL
      for (int k = 0; k < V; ++k) {
        shared[slot(k, y)] = m[k].count;
        shared[slot(k, y) + block_threads] = m[k].mean;
        shared[slot(k, y) + 2 * block_threads] = m[k].squares;
      }
    }
    __syncthreads();
    if (y < rows / 2) {
      TAXON_UNROLL
      for (int k = 0; k < V; ++k) {
        const int from = slot(k, y + rows / 2);
        Moments other;
        other.count = shared[from];
        other.mean = shared[from + block_threads];
        other.squares = shared[from + 2 * block_threads];
        m[k].add(other);
      }
    }
    __syncthreads();
  }
}

/// The moments of each split of the rows: partial [splits, 2, channels].
template <class T, int V>
__global__ void __launch_bounds__(block_threads)
    split_moments(const T* x, int64_t rows, int64_t channels, int64_t rows_per_split,
                  float* partial) {
  TAXON_SHARED(float, shared, 3 * V * block_threads);
  const int64_t channel = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * V;
  const int64_t first = blockIdx.y * rows_per_split, last = least(first + rows_per_split, rows);
  Moments m[V];
  if (channel < channels) {
    const int64_t step = blockDim.y;
    for (int64_t row = first + threadIdx.y; row < last; row += batch_rows<V> * step) {
      add_batch(x + channel, row, step, last, channels, m);
    }
  }
  combine_block_rows(m, shared);
  if (threadIdx.y != 0 || channel >= channels) return;
  float* to = partial + blockIdx.y * 2 * channels + channel;
  for (int k = 0; k < V; ++k) {
    to[k] = m[k].mean;
    to[channels + k] = m[k].squares;
  }
}

/// Combines the splits: 32 channels x 8 splits at a time.
__global__ void __launch_bounds__(block_threads)
    combine_moments(const float* partial, int64_t rows, int64_t channels, int64_t rows_per_split,
                    int64_t splits, float* mean, float* var) {
  TAXON_SHARED(float, shared, 3 * block_threads);
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  Moments m[1];
  for (int64_t s = threadIdx.y; s < splits && channel < channels; s += blockDim.y) {
    const int64_t count = least(rows_per_split, rows - s * rows_per_split);
    const float* from = partial + s * 2 * channels + channel;
    Moments split;
    split.count = static_cast<float>(count);
    split.mean = from[0];
    split.squares = from[channels];
    m[0].add(split);
  }
  combine_block_rows(m, shared);
  if (threadIdx.y != 0 || channel >= channels) return;
  mean[channel] = m[0].mean;
  var[channel] = m[0].squares / static_cast<float>(rows);
}

/// y = (x - mean) * scale + shift of V channels.
template <int V>
struct Affine {
  float mean[V], rstd[V], scale[V], shift[V];
  __device__ Affine(int64_t channel, const float* means, const float* vars, const float* weight,
                    const float* bias, float eps) {
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      mean[k] = means[channel + k];
      rstd[k] = 1 / sqrtf(vars[channel + k] + eps);
      scale[k] = weight != nullptr ? rstd[k] * weight[channel + k] : rstd[k];
      shift[k] = bias != nullptr ? bias[channel + k] : 0.0f;
    }
  }
  __device__ __forceinline__ float operator()(int k, float x) const {
    return (x - mean[k]) * scale[k] + shift[k];
  }
};

/// The arguments with their types.
template <class T>
struct Forward {
  const T* x;
  const float* weight;
  const float* bias;
  const float* mean;
  const float* var;
  const T* residual;
  T* y;
  int64_t rows, channels;
  float eps;
  bool relu;
};

template <class T, int V>
__global__ void __launch_bounds__(block_threads) normalise(Forward<T> g) {
  const int64_t channel = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * V;
  if (channel >= g.channels) return;
  const Affine<V> affine(channel, g.mean, g.var, g.weight, g.bias, g.eps);
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.y;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y; row < g.rows;
       row += step) {
    const int64_t at = row * g.channels + channel;
    float v[V], residual[V];
    load_floats(g.x + at, v);
    if (g.residual != nullptr) load_floats(g.residual + at, residual);
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      v[k] = affine(k, v[k]);
      if (g.residual != nullptr) v[k] += residual[k];
      if (g.relu && v[k] < 0) v[k] = 0;
    }
    store_floats(g.y + at, v);
  }
}

/// Blocks for a pass over the elements of [rows, channels], with plan.block.
dim3 element_grid(const ColumnPlan& plan) {
  const int64_t useful = most<int64_t>(ceil_div(plan.rows, plan.block.y * 4), 1);
  const int64_t room = most<int64_t>(grid_limit() / plan.across, 1);
  return grid_of(plan.across, least<int64_t>(least(useful, room), 65535));
}

template <class T, class... Pointers>
ColumnPlan plan_for(int64_t rows, int64_t channels, Pointers... images) {
  const bool packed = channels % pack_size<T> == 0 && all_aligned(16, images...);
  return plan_columns(1, rows, channels, packed ? pack_size<T> : 1);
}
template <class T>
ColumnPlan plan_for(const BatchNormArgs& g) {
  return plan_for<T>(g.rows, g.channels, g.x, g.residual, static_cast<const void*>(g.y));
}
template <class T>
ColumnPlan plan_for(const BatchNormGradArgs& g) {
  return plan_for<T>(g.rows, g.channels, g.x, g.y, g.dy, static_cast<const void*>(g.dx),
                     static_cast<const void*>(g.dresidual));
}

template <class T, int V>
void start(const BatchNormArgs& a, const ColumnPlan& plan, const Exec& exec) {
  auto* mean = static_cast<float*>(a.mean);
  auto* var = static_cast<float*>(a.var);
  const auto* x = static_cast<const T*>(a.x);
  if (a.training) {
    auto* partial = static_cast<float*>(exec.scratch);
    TAXON_LAUNCH((split_moments<T, V>), grid_of(plan.across, plan.splits), plan.block, exec, x,
                 a.rows, a.channels, plan.rows_per_split, partial);
    TAXON_LAUNCH(combine_moments, grid_of(ceil_div(a.channels, 32)), dim3(32, 8), exec, partial,
                 a.rows, a.channels, plan.rows_per_split, plan.splits, mean, var);
  }
  const Forward<T> g{x,
                     static_cast<const float*>(a.weight),
                     static_cast<const float*>(a.bias),
                     mean,
                     var,
                     static_cast<const T*>(a.residual),
                     static_cast<T*>(a.y),
                     a.rows,
                     a.channels,
                     static_cast<float>(a.eps),
                     a.relu};
  TAXON_LAUNCH((normalise<T, V>), element_grid(plan), plan.block, exec, g);
}

template <class T>
void run(const BatchNormArgs& g, const Exec& exec) {
  if (g.channels == 0) return;
  if (g.rows == 0) {
    if (!g.training) return;
    fill(static_cast<float*>(g.mean), g.channels, NAN, exec);  // 0 / 0, as on the CPU
    return fill(static_cast<float*>(g.var), g.channels, NAN, exec);
  }
  const ColumnPlan plan = plan_for<T>(g);
  if (plan.wide == 1) return start<T, 1>(g, plan, exec);
  start<T, pack_size<T>>(g, plan, exec);
}

template <class T>
size_t scratch(const BatchNormArgs& g, int) {
  if (!g.training || g.rows == 0) return 0;
  return sizeof(float) * static_cast<size_t>(2 * plan_for<T>(g).splits * g.channels);
}

// --- backward ---

template <class T>
struct Backward {
  const T* x;
  const float* weight;
  const float* bias;
  const float* mean;
  const float* var;
  const T* y;  ///< null: recomputed
  const T* dy;
  T* dx;
  T* dresidual;
  float* dweight;
  float* dbias;
  float* sums;  ///< [2, channels]: of dy, and of dy * xhat; null: not wanted
  int64_t rows, channels;
  float eps;
  bool relu, training;

  /// dy where y > 0, if there was a ReLU, and xhat, of V channels.
  template <int V>
  __device__ __forceinline__ void load(const Affine<V>& affine, int64_t at, float (&d)[V],
                                       float (&xhat)[V]) const {
    float v[V], out[V];
    load_floats(x + at, v);
    load_floats(dy + at, d);
    if (relu && y != nullptr) load_floats(y + at, out);
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      if (relu && y == nullptr) out[k] = affine(k, v[k]);
      if (relu && !(out[k] > 0)) d[k] = 0;
      xhat[k] = (v[k] - affine.mean[k]) * affine.rstd[k];
    }
  }
};

template <class T, int V>
struct LoadGrad {
  Backward<T> g;
  struct At {
    Affine<V> affine;
    int64_t channel;
  };
  __device__ At at(int64_t, int64_t channel) const {
    return {Affine<V>(channel, g.mean, g.var, g.weight, g.bias, g.eps), channel};
  }
  __device__ void operator()(const At& at, int64_t row, float (&v)[2][V]) const {
    float xhat[V];
    g.template load<V>(at.affine, row * g.channels + at.channel, v[0], xhat);
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) v[1][k] = v[0][k] * xhat[k];
  }
};
template <class T>
struct StoreGrad {
  Backward<T> g;
  __device__ void operator()(int64_t, int64_t channel, const float (&v)[2]) const {
    g.sums[channel] = v[0];
    g.sums[g.channels + channel] = v[1];
    if (g.dbias != nullptr) g.dbias[channel] = v[0];
    if (g.dweight != nullptr) g.dweight[channel] = v[1];
  }
};

/// dx and dresidual, each if wanted.
template <class T, int V>
__global__ void __launch_bounds__(block_threads) normalise_grad(Backward<T> g) {
  const int64_t channel = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * V;
  if (channel >= g.channels) return;
  const Affine<V> affine(channel, g.mean, g.var, g.weight, g.bias, g.eps);
  float sum[V] = {}, dot[V] = {};  // divided by the rows
  if (g.training && g.dx != nullptr) {
    const float share = 1 / static_cast<float>(g.rows);
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) {
      sum[k] = g.sums[channel + k] * share;
      dot[k] = g.sums[g.channels + channel + k] * share;
    }
  }
  const int64_t step = static_cast<int64_t>(gridDim.y) * blockDim.y;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y; row < g.rows;
       row += step) {
    const int64_t at = row * g.channels + channel;
    float d[V], xhat[V];
    g.template load<V>(affine, at, d, xhat);
    if (g.dresidual != nullptr) store_floats(g.dresidual + at, d);
    if (g.dx == nullptr) continue;
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) d[k] = affine.scale[k] * (d[k] - (sum[k] + xhat[k] * dot[k]));
    store_floats(g.dx + at, d);
  }
}

bool wants_sums(const BatchNormGradArgs& g) {
  return g.dweight != nullptr || g.dbias != nullptr || (g.training && g.dx != nullptr);
}

template <class T>
Backward<T> backward_of(const BatchNormGradArgs& a, float* sums) {
  return {static_cast<const T*>(a.x),
          static_cast<const float*>(a.weight),
          static_cast<const float*>(a.bias),
          static_cast<const float*>(a.mean),
          static_cast<const float*>(a.var),
          static_cast<const T*>(a.y),
          static_cast<const T*>(a.dy),
          static_cast<T*>(a.dx),
          static_cast<T*>(a.dresidual),
          static_cast<float*>(a.dweight),
          static_cast<float*>(a.dbias),
          sums,
          a.rows,
          a.channels,
          static_cast<float>(a.eps),
          a.relu,
          a.training};
}

template <class T, int V>
void start_grad(const BatchNormGradArgs& a, const ColumnPlan& plan, const Exec& exec) {
  auto* sums = static_cast<float*>(exec.scratch);
  const Backward<T> g = backward_of<T>(a, sums);
  if (wants_sums(a)) {
    start_columns<2, V>(plan, LoadGrad<T, V>{g}, StoreGrad<T>{g}, Add(), sums + 2 * a.channels,
                        exec);
  }
  if (a.dx == nullptr && a.dresidual == nullptr) return;
  TAXON_LAUNCH((normalise_grad<T, V>), element_grid(plan), plan.block, exec, g);
}

template <class T>
void run_grad(const BatchNormGradArgs& g, const Exec& exec) {
  if (g.channels == 0) return;
  const ColumnPlan plan = plan_for<T>(g);  // without rows the sums are 0
  if (plan.wide == 1) return start_grad<T, 1>(g, plan, exec);
  start_grad<T, pack_size<T>>(g, plan, exec);
}

template <class T>
size_t scratch_grad(const BatchNormGradArgs& g, int) {
  if (!wants_sums(g)) return 0;
  return sizeof(float) * static_cast<size_t>(2 * g.channels) + column_scratch(plan_for<T>(g), 2);
}

}  // namespace

Rows<BatchNormArgs> batch_norm_rows(Type type) {
  static const Row<BatchNormArgs> f32[] = {
      {"batch_norm/cuda", Needs::baseline, false, nullptr, scratch<float>, run<float>}};
  static const Row<BatchNormArgs> bf16[] = {
      {"batch_norm/cuda", Needs::baseline, false, nullptr, scratch<Bf16>, run<Bf16>}};
  return pick(type, f32, bf16);
}

Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type) {
  static const Row<BatchNormGradArgs> f32[] = {{"batch_norm_grad/cuda", Needs::baseline, false,
                                                nullptr, scratch_grad<float>, run_grad<float>}};
  static const Row<BatchNormGradArgs> bf16[] = {{"batch_norm_grad/cuda", Needs::baseline, false,
                                                 nullptr, scratch_grad<Bf16>, run_grad<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

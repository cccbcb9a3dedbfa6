// Reductions over the rows of [planes, rows, channels] views, in two launches at most: blocks of
// (channels x rows) threads reduce a share of the rows each ("splits", their number depends on the
// sizes alone), then the shares are combined in order.
#pragma once

#include "cuda/device.h"

namespace taxon::kernels::cuda {

/// How a view is cut.
struct ColumnPlan {
  int64_t planes = 1, rows = 0, channels = 0;
  int wide = 1;        ///< channels a thread
  dim3 block;          ///< (channel packs, rows)
  int64_t across = 1;  ///< blocks that cover the channels
  int64_t splits = 1, rows_per_split = 0;
};

inline ColumnPlan plan_columns(int64_t planes, int64_t rows, int64_t channels, int wide) {
  constexpr int64_t wanted_blocks = 1024, least_rows = 8;  // a thread
  ColumnPlan p;
  p.planes = planes;
  p.rows = rows;
  p.channels = channels;
  p.wide = wide;
  const int64_t packs = channels / wide;
  unsigned x = 1;
  while (x < 32 && x < packs) x *= 2;
  p.block = dim3(x, block_threads / x);
  p.across = ceil_div(packs, x);
  const int64_t room = most<int64_t>(wanted_blocks / most<int64_t>(p.across * planes, 1), 1);
  const int64_t useful = most<int64_t>(ceil_div(rows, p.block.y * least_rows), 1);
  p.rows_per_split = ceil_div(rows, least(room, useful));
  p.splits = rows > 0 ? ceil_div(rows, p.rows_per_split) : 1;
  return p;
}
/// Bytes of the shares of N reductions.
inline size_t column_scratch(const ColumnPlan& p, int n) {
  if (p.splits == 1) return 0;
  return sizeof(float) * static_cast<size_t>(p.splits * n * p.planes * p.channels);
}

/// Combines the block's rows; the threads of row 0 hold the result.
template <int N, int V, class Op>
__device__ void reduce_block_rows(float (&v)[N][V], Op op, SharedArray<float> shared) {
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int width = static_cast<int>(blockDim.x);
  for (int rows = static_cast<int>(blockDim.y); rows > 1; rows /= 2) {
    if (y < rows) {
      TAXON_UNROLL
      for (int i = 0; i < N * V; ++i) shared[i * block_threads + y * width + x] = v[i / V][i % V];
    }
    __syncthreads();
    if (y < rows / 2) {
      TAXON_UNROLL
      for (int i = 0; i < N * V; ++i) {
        const float other = shared[i * block_threads + (y + rows / 2) * width + x];
        v[i / V][i % V] = op(v[i / V][i % V], other);
      }
    }
    __syncthreads();
  }
}

/// load.at(plane, channel) is what is known of V channels before their rows are read, and
/// load(that, row, v) gives N numbers for each; store(plane, channel, v) takes the results of one
/// channel. partial: [splits, N, planes, channels].
template <int N, int V, class Op, class Load, class Store>
__global__ void __launch_bounds__(block_threads)
    reduce_columns(Load load, Store store, Op op, int64_t planes, int64_t rows, int64_t channels,
                   int64_t across, int64_t rows_per_split, float* partial) {
  TAXON_SHARED(float, shared, N* V* block_threads);
  const int64_t plane = blockIdx.x / across;
  const int64_t channel = ((blockIdx.x % across) * blockDim.x + threadIdx.x) * V;
  const int64_t first = blockIdx.y * rows_per_split, last = least(first + rows_per_split, rows);
  float sum[N][V];
  TAXON_UNROLL
  for (int i = 0; i < N * V; ++i) sum[i / V][i % V] = Op::neutral;
  if (channel < channels) {
    const auto at = load.at(plane, channel);
    for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
      float v[N][V];
      load(at, row, v);
      TAXON_UNROLL
      for (int i = 0; i < N * V; ++i) sum[i / V][i % V] = op(sum[i / V][i % V], v[i / V][i % V]);
    }
  }
  reduce_block_rows<N, V>(sum, op, shared);
  if (threadIdx.y != 0 || channel >= channels) return;
  for (int k = 0; k < V; ++k) {
    float result[N];
    for (int i = 0; i < N; ++i) result[i] = sum[i][k];
    if (partial == nullptr) {
      store(plane, channel + k, result);
      continue;
    }
    for (int i = 0; i < N; ++i) {
      partial[((blockIdx.y * N + i) * planes + plane) * channels + channel + k] = result[i];
    }
  }
}

/// Combines the shares: a block of 32 columns x 8 shares at a time.
template <int N, class Op, class Store>
__global__ void __launch_bounds__(block_threads)
    combine_splits(const float* partial, Store store, Op op, int64_t planes, int64_t channels,
                   int64_t splits) {
  TAXON_SHARED(float, shared, N* block_threads);
  const int64_t column = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t columns = planes * channels;
  float sum[N][1];
  for (int i = 0; i < N; ++i) sum[i][0] = Op::neutral;
  if (column < columns) {
    for (int64_t split = threadIdx.y; split < splits; split += blockDim.y) {
      for (int i = 0; i < N; ++i) {
        sum[i][0] = op(sum[i][0], partial[(split * N + i) * columns + column]);
      }
    }
  }
  reduce_block_rows<N, 1>(sum, op, shared);
  if (threadIdx.y != 0 || column >= columns) return;
  float result[N];
  for (int i = 0; i < N; ++i) result[i] = sum[i][0];
  store(column / channels, column % channels, result);
}

template <int N, class Op, class Store>
void start_combine(const float* partial, Store store, Op op, int64_t planes, int64_t channels,
                   int64_t splits, const Exec& exec) {
  const dim3 block(32, 8);
  TAXON_LAUNCH((combine_splits<N, Op, Store>), grid_of(ceil_div(planes * channels, 32)), block,
               exec, partial, store, op, planes, channels, splits);
}

/// Both launches. `plan.wide` must be V.
template <int N, int V, class Op, class Load, class Store>
void start_columns(const ColumnPlan& plan, Load load, Store store, Op op, void* scratch,
                   const Exec& exec) {
  if (plan.planes * plan.channels == 0) return;
  auto* partial = plan.splits > 1 ? static_cast<float*>(scratch) : nullptr;
  TAXON_LAUNCH((reduce_columns<N, V, Op, Load, Store>),
               grid_of(plan.across * plan.planes, plan.splits), plan.block, exec, load, store, op,
               plan.planes, plan.rows, plan.channels, plan.across, plan.rows_per_split, partial);
  if (plan.splits == 1) return;
  start_combine<N>(partial, store, op, plan.planes, plan.channels, plan.splits, exec);
}

}  // namespace taxon::kernels::cuda

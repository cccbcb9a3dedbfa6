// A product of matrices by tiles in shared memory: out[z, m, n] = sum over k of a[z, m, k] *
// b[z, n, k]. Where the operands' elements come from (a matrix, an image seen by a convolution) and
// what becomes of the sums is up to the types given:
//
//   Source: static constexpr bool along_k      four elements loaded together follow each other in k
//                                              (else in m or n)
//           Place place(int64_t z, int outer)  what is known before k is
//           void load(place, int k, int k_end, float (&v)[4])    0 beyond k_end and the extent
//   Out:    void operator()(int64_t z, int row, int col, float (&v)[4], int count)
//
// m, n and k are below 2^31. Long sums over few tiles are cut ("splits"); the shares lie in scratch
// memory [splits, z, m, n] and are added in order.
#pragma once

#include "cuda/device.h"

namespace taxon::kernels::cuda {

/// rows x cols of out a block, tile_depth of k at a time; each thread has thread_rows x
/// thread_cols.
template <int rows_, int cols_, int thread_rows_, int thread_cols_>
struct Tile {
  static constexpr int rows = rows_, cols = cols_;
  static constexpr int thread_rows = thread_rows_, thread_cols = thread_cols_;
  static_assert(rows / thread_rows * (cols / thread_cols) == block_threads);
};
using LargeTile = Tile<128, 128, 8, 8>;
using SmallTile = Tile<64, 64, 4, 4>;
constexpr int tile_depth = 16;

/// One operand's way through registers into shared memory [depth, outer + 4].
template <class Source, int outer>
struct TileLoader {
  static constexpr int quads = outer * tile_depth / 4 / block_threads;  ///< a thread
  static constexpr int pitch = outer + 4;
  static constexpr int size = tile_depth * pitch;

  typename Source::Place places[quads];
  float v[quads][4];

  /// Where quad q of the calling thread lies in the tile.
  __device__ __forceinline__ static int outer_of(int q) {
    const int t = static_cast<int>(threadIdx.x);
    return Source::along_k ? t / 4 + q * (block_threads / 4) : t % (outer / 4) * 4;
  }
  __device__ __forceinline__ static int depth_of(int q) {
    const int t = static_cast<int>(threadIdx.x);
    return Source::along_k ? t % 4 * 4 : t / (outer / 4) + q * (block_threads / (outer / 4));
  }
  __device__ __forceinline__ void begin(const Source& source, int64_t z, int first) {
    TAXON_UNROLL
    for (int q = 0; q < quads; ++q) places[q] = source.place(z, first + outer_of(q));
  }
  __device__ __forceinline__ void fetch(const Source& source, int k, int k_end) {
    TAXON_UNROLL
    for (int q = 0; q < quads; ++q) source.load(places[q], k + depth_of(q), k_end, v[q]);
  }
  __device__ __forceinline__ void store(SharedArray<float> to) const {
    TAXON_UNROLL
    for (int q = 0; q < quads; ++q) {
      const int at = depth_of(q) * pitch + outer_of(q);
      if constexpr (Source::along_k) {
        TAXON_UNROLL
        for (int i = 0; i < 4; ++i) to[at + i * pitch] = v[q][i];
      } else {
        store4(to, at, make_float4(v[q][0], v[q][1], v[q][2], v[q][3]));
      }
    }
  }
};

/// Loads `count` groups of four, `step` apart, of one row of a tile.
template <int count>
__device__ __forceinline__ void load_fragment(SharedArray<float> from, int at, int step,
                                              float (&v)[4 * count]) {
  TAXON_UNROLL
  for (int i = 0; i < count; ++i) {
    const float4 four = load4(from, at + i * step);
    v[4 * i] = four.x;
    v[4 * i + 1] = four.y;
    v[4 * i + 2] = four.z;
    v[4 * i + 3] = four.w;
  }
}

/// How a product is cut.
struct TilePlan {
  bool large = false;
  int m = 0, n = 0, k = 0, row_tiles = 1;
  int64_t tiles = 1, z = 1;
  int splits = 1, k_per_split = 0;
};

inline TilePlan plan_tiles(int64_t m, int64_t n, int64_t k, int64_t z) {
  constexpr int64_t many_blocks = 264, least_depth = 128, most_scratch = int64_t{1} << 24;
  TilePlan p;
  p.m = static_cast<int>(m);
  p.n = static_cast<int>(n);
  p.k = static_cast<int>(k);
  p.z = z;
  p.large = ceil_div(m, 128) * ceil_div(n, 128) * z >= many_blocks / 2 && n > 64 && m > 64;
  const int64_t side = p.large ? 128 : 64;
  p.row_tiles = static_cast<int>(ceil_div(m, side));
  p.tiles = p.row_tiles * ceil_div(n, side);
  const int64_t wanted = many_blocks / most<int64_t>(p.tiles * z, 1);
  const int64_t useful = k / least_depth, room = most_scratch / most<int64_t>(m * n * z, 1);
  const int64_t splits = most<int64_t>(least(wanted, least(useful, room)), 1);
  p.k_per_split = static_cast<int>(ceil_div(ceil_div(k, splits), tile_depth) * tile_depth);
  p.splits = k > 0 ? static_cast<int>(ceil_div(k, p.k_per_split)) : 1;
  return p;
}
inline size_t tile_scratch(const TilePlan& p) {
  return p.splits == 1
             ? 0
             : sizeof(float) * static_cast<size_t>(p.splits * p.z * p.m) * static_cast<size_t>(p.n);
}

/// acc += the tile's rows and columns of the calling thread over k in [k, k_end).
template <class T, class A, class B>
__device__ __forceinline__ void tile_sums(const A& a, const B& b, TileLoader<A, T::rows>& load_a,
                                          TileLoader<B, T::cols>& load_b, SharedArray<float> as,
                                          SharedArray<float> bs, int k, int k_end,
                                          float (&acc)[T::thread_rows][T::thread_cols]) {
  constexpr int row_quads = T::thread_rows / 4, col_quads = T::thread_cols / 4;
  constexpr int threads_across = T::cols / T::thread_cols;
  const int x = static_cast<int>(threadIdx.x) % threads_across * 4;
  const int y = static_cast<int>(threadIdx.x) / threads_across * 4;
  load_a.fetch(a, k, k_end);
  load_b.fetch(b, k, k_end);
  for (int at = 0; k < k_end; k += tile_depth, at ^= 1) {
    SharedArray<float> a_tile = as + at * load_a.size;
    SharedArray<float> b_tile = bs + at * load_b.size;
    load_a.store(a_tile);
    load_b.store(b_tile);
    __syncthreads();  // of the two buffers one is written while the other is read
    if (k + tile_depth < k_end) {
      load_a.fetch(a, k + tile_depth, k_end);
      load_b.fetch(b, k + tile_depth, k_end);
    }
    TAXON_UNROLL
    for (int d = 0; d < tile_depth; ++d) {
      float row[T::thread_rows], col[T::thread_cols];
      load_fragment<row_quads>(a_tile, d * load_a.pitch + y, T::rows / row_quads, row);
      load_fragment<col_quads>(b_tile, d * load_b.pitch + x, T::cols / col_quads, col);
      TAXON_UNROLL
      for (int i = 0; i < T::thread_rows; ++i) {
        TAXON_UNROLL
        for (int j = 0; j < T::thread_cols; ++j) acc[i][j] += row[i] * col[j];
      }
    }
  }
  __syncthreads();  // before the buffers are used again
}

/// Blocks: (tiles, 1, z * splits).
template <class T, class A, class B, class Out>
__global__ void __launch_bounds__(block_threads)
    tile_product(A a, B b, Out out, TilePlan plan, float* partial) {
  TAXON_SHARED(float, as, (2 * TileLoader<A, T::rows>::size));
  TAXON_SHARED(float, bs, (2 * TileLoader<B, T::cols>::size));
  constexpr int row_quads = T::thread_rows / 4, col_quads = T::thread_cols / 4;
  constexpr int threads_across = T::cols / T::thread_cols;
  const int tile = static_cast<int>(blockIdx.x);
  const int row0 = tile % plan.row_tiles * T::rows, col0 = tile / plan.row_tiles * T::cols;
  const int x = static_cast<int>(threadIdx.x) % threads_across * 4;
  const int y = static_cast<int>(threadIdx.x) / threads_across * 4;
  for (int64_t job = blockIdx.z; job < plan.z * plan.splits; job += gridDim.z) {
    const int64_t z = job / plan.splits, split = job % plan.splits;
    TileLoader<A, T::rows> load_a;
    TileLoader<B, T::cols> load_b;
    load_a.begin(a, z, row0);
    load_b.begin(b, z, col0);
    float acc[T::thread_rows][T::thread_cols] = {};
    const int first = static_cast<int>(split) * plan.k_per_split;
    tile_sums<T>(a, b, load_a, load_b, as, bs, first, least(first + plan.k_per_split, plan.k), acc);
    TAXON_UNROLL
    for (int i = 0; i < T::thread_rows; ++i) {
      const int row = row0 + i / 4 * (T::rows / row_quads) + y + i % 4;
      TAXON_UNROLL
      for (int j = 0; j < col_quads; ++j) {
        const int col = col0 + j * (T::cols / col_quads) + x;
        if (row >= plan.m || col >= plan.n) continue;
        const int count = least(plan.n - col, 4);
        float v[4] = {acc[i][4 * j], acc[i][4 * j + 1], acc[i][4 * j + 2], acc[i][4 * j + 3]};
        if (partial == nullptr) {
          out(z, row, col, v, count);
          continue;
        }
        float* to = partial + ((split * plan.z + z) * plan.m + row) * plan.n + col;
        TAXON_UNROLL
        for (int c = 0; c < 4; ++c) {
          if (c < count) to[c] = v[c];
        }
      }
    }
  }
}

/// Adds the shares of each split, in order.
template <class Out>
__global__ void add_splits(const float* partial, Out out, TilePlan plan) {
  const int64_t quads = ceil_div(plan.n, 4), size = plan.z * plan.m * plan.n;
  for (int64_t step = first_step(); step < plan.z * plan.m * quads; step += all_steps()) {
    const int col = static_cast<int>(step % quads) * 4;
    const int64_t line = step / quads;
    const int count = least(plan.n - col, 4);
    float v[4] = {};
    for (int split = 0; split < plan.splits; ++split) {
      const float* from = partial + split * size + line * plan.n + col;
      TAXON_UNROLL
      for (int c = 0; c < 4; ++c) {
        if (c < count) v[c] += from[c];
      }
    }
    out(line / plan.m, static_cast<int>(line % plan.m), col, v, count);
  }
}

template <class A, class B, class Out>
void start_tiles(const TilePlan& plan, const A& a, const B& b, const Out& out, const Exec& exec) {
  if (plan.z * plan.m * plan.n == 0) return;
  auto* partial = plan.splits > 1 ? static_cast<float*>(exec.scratch) : nullptr;
  const dim3 grid = grid_of(plan.tiles, 1, least<int64_t>(plan.z * plan.splits, 65535));
  if (plan.large) {
    TAXON_LAUNCH((tile_product<LargeTile, A, B, Out>), grid, block_threads, exec, a, b, out, plan,
                 partial);
  } else {
    TAXON_LAUNCH((tile_product<SmallTile, A, B, Out>), grid, block_threads, exec, a, b, out, plan,
                 partial);
  }
  if (partial == nullptr) return;
  TAXON_LAUNCH(add_splits<Out>, grid_of(blocks_for(plan.z * plan.m * ceil_div(plan.n, 4))),
               block_threads, exec, partial, out, plan);
}

/// A matrix in memory: element (outer, k) of product z at data[z * step + outer * ld + k] (along_k)
/// or data[z * step + k * ld + outer].
template <class T, bool along>
struct MatrixSource {
  static constexpr bool along_k = along;
  const T* data;
  int64_t ld, step;
  int extent;   ///< of m or n
  bool packed;  ///< four elements lie aligned

  struct Place {
    const T* from;
    int left;  ///< elements up to the extent, from here on
  };
  __device__ __forceinline__ Place place(int64_t z, int outer) const {
    const T* from = data + z * step + (along ? outer * ld : int64_t{outer});
    return {from, extent - outer};
  }
  __device__ __forceinline__ void load(const Place& p, int k, int k_end, float (&v)[4]) const {
    const T* from = along ? p.from + k : p.from + k * ld;
    const int left = along ? k_end - k : p.left;
    const bool any = along ? p.left > 0 : k < k_end;
    if (any && packed && left >= 4) return load_floats(from, v);
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) v[i] = any && i < left ? widen(from[i]) : 0.0f;
  }
};
template <class T, bool along>
MatrixSource<T, along> matrix_source(const void* data, int64_t ld, int64_t step, int64_t extent) {
  const bool packed = ld % 4 == 0 && step % 4 == 0 && aligned(data, 4 * sizeof(T));
  return {static_cast<const T*>(data), ld, step, static_cast<int>(extent), packed};
}

/// Stores four sums, or the first `count` of them.
template <class T>
__device__ __forceinline__ void store_some(T* to, const float (&v)[4], int count, bool packed) {
  if (packed && count == 4) return store_floats(to, v);
  TAXON_UNROLL
  for (int c = 0; c < 4; ++c) {
    if (c < count) to[c] = narrow<T>(v[c]);
  }
}

}  // namespace taxon::kernels::cuda

// What kernels share: how elements lie in memory, loads of several at once, division by a number
// known before the launch, random words, and reductions within a warp and a block. Every sum has an
// order that depends on the sizes alone.
#pragma once

#include "cuda/launch.h"

namespace taxon::kernels::cuda {

constexpr unsigned all_lanes = 0xffffffffu;
constexpr int warp_threads = 32;
constexpr int block_threads = 256;

// --- elements ---

__device__ __forceinline__ float widen(float x) {
  return x;
}
__device__ __forceinline__ float widen(Bf16 x) {
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
}

/// The nearest element; ties to even, NaN stays NaN.
template <class T>
__device__ __forceinline__ T narrow(float x);
template <>
__device__ __forceinline__ float narrow<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ Bf16 narrow<Bf16>(float x) {
  const unsigned u = __float_as_uint(x);
  const unsigned up =
      (u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : u + 0x7fffu + (u >> 16 & 1u);
  return Bf16{static_cast<uint16_t>(up >> 16)};
}

/// N elements, loaded and stored at once.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T v[N];
};
template <class T, int N>
__device__ __forceinline__ Pack<T, N> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <class T, int N>
__device__ __forceinline__ void store_pack(T* to, const Pack<T, N>& pack) {
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}
template <class T, int N>
__device__ __forceinline__ void load_floats(const T* from, float (&to)[N]) {
  const Pack<T, N> p = load_pack<T, N>(from);
  TAXON_UNROLL
  for (int k = 0; k < N; ++k) to[k] = widen(p.v[k]);
}
template <class T, int N>
__device__ __forceinline__ void store_floats(T* to, const float (&from)[N]) {
  Pack<T, N> p;
  TAXON_UNROLL
  for (int k = 0; k < N; ++k) p.v[k] = narrow<T>(from[k]);
  store_pack(to, p);
}
/// Elements of 16 bytes.
template <class T>
constexpr int pack_size = static_cast<int>(16 / sizeof(T));

/// Whether p is where a pack of `bytes` bytes may lie.
inline bool aligned(const void* p, size_t bytes = 16) {
  return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}
template <class... Pointers>
bool all_aligned(size_t bytes, Pointers... pointers) {
  return (aligned(pointers, bytes) && ...);
}

// --- sizes ---

__host__ __device__ __forceinline__ int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
template <class T>
__host__ __device__ __forceinline__ T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
__host__ __device__ __forceinline__ T most(T a, T b) {
  return a > b ? a : b;
}
inline dim3 grid_of(int64_t x, int64_t y = 1, int64_t z = 1) {
  return dim3(static_cast<unsigned>(x), static_cast<unsigned>(y), static_cast<unsigned>(z));
}
/// Blocks of `threads` threads for n steps, at least one, at most what a grid-stride loop takes.
inline int64_t blocks_for(int64_t n, int64_t threads = block_threads) {
  return most<int64_t>(least(ceil_div(n, threads), grid_limit()), 1);
}
__device__ __forceinline__ int64_t first_step() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int64_t all_steps() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

/// to[0..n) = value.
template <class T>
__global__ void fill_with(T* to, int64_t n, T value) {
  for (int64_t i = first_step(); i < n; i += all_steps()) to[i] = value;
}
template <class T>
void fill(T* to, int64_t n, T value, const Exec& exec) {
  if (n > 0) TAXON_LAUNCH(fill_with<T>, grid_of(blocks_for(n)), block_threads, exec, to, n, value);
}

/// Division of 0 <= n < 2^31 by 1 <= d < 2^31, by a multiplication (Granlund and Montgomery 1994).
struct Divisor {
  unsigned d = 1, factor = 0, shift = 0;
  Divisor() = default;
  explicit Divisor(int64_t by) : d(static_cast<unsigned>(by)) {
    while ((int64_t{1} << shift) < by) ++shift;
    factor = static_cast<unsigned>(((uint64_t{1} << 32) * ((uint64_t{1} << shift) - d)) / d + 1);
  }
  __device__ __forceinline__ int quotient(int n) const {
    const unsigned u = static_cast<unsigned>(n);
    return static_cast<int>((__umulhi(u, factor) + u) >> shift);
  }
  /// n becomes n / d; the remainder is returned.
  __device__ __forceinline__ int split(int& n) const {
    const int q = quotient(n);
    const int rest = n - q * static_cast<int>(d);
    n = q;
    return rest;
  }
};
/// What a Divisor and 32-bit indices can deal with.
constexpr int64_t index_limit = (int64_t{1} << 31) - 1;

// --- random words ---

/// Philox4x32-10 (Salmon et al., SC 2011) of the counter (index, stream) under key seed: the words
/// of taxon::philox.
struct Words {
  unsigned v[4];
};
__device__ inline Words philox(uint64_t seed, uint64_t stream, uint64_t index) {
  unsigned a = static_cast<unsigned>(index), b = static_cast<unsigned>(index >> 32);
  unsigned c = static_cast<unsigned>(stream), d = static_cast<unsigned>(stream >> 32);
  unsigned k0 = static_cast<unsigned>(seed), k1 = static_cast<unsigned>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const unsigned high0 = __umulhi(a, 0xD2511F53u), low0 = a * 0xD2511F53u;
    const unsigned high1 = __umulhi(c, 0xCD9E8D57u), low1 = c * 0xCD9E8D57u;
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

// --- reductions ---

struct Add {
  static constexpr float neutral = 0;
  __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};
/// NaN wins.
struct Maximum {
  static constexpr float neutral = -HUGE_VALF;
  __device__ __forceinline__ float operator()(float a, float b) const {
    return a > b || a != a ? a : b;
  }
};

/// All lanes get the result.
template <class Op>
__device__ __forceinline__ float warp_reduce(float v, Op op) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v = op(v, __shfl_xor_sync(all_lanes, v, lanes));
  return v;
}

/// The threads that share a row: a warp (several rows a block) or a block.
template <int threads>
struct Group {
  static constexpr int size = threads;
  static constexpr int rows = block_threads / threads;  ///< of a block
  static constexpr int slots = block_threads / warp_threads;

  /// The row of the calling thread, for grids of rows / Group::rows blocks.
  __device__ static int64_t row() {
    return static_cast<int64_t>(blockIdx.x) * rows + threadIdx.x / threads;
  }
  __device__ static int lane() { return static_cast<int>(threadIdx.x % threads); }

  /// All threads of the group get the result. `shared`: `slots` elements.
  template <class Op>
  __device__ static float reduce(float v, Op op, SharedArray<float> shared) {
    v = warp_reduce(v, op);
    if constexpr (threads > warp_threads) {
      const int warp = static_cast<int>(threadIdx.x) / warp_threads;
      if (threadIdx.x % warp_threads == 0) shared[warp] = v;
      __syncthreads();
      v = shared[0];
      for (int i = 1; i < slots; ++i) v = op(v, shared[i]);
      __syncthreads();  // before the next reduction writes
    }
    return v;
  }
};
using WarpRow = Group<warp_threads>;
using BlockRow = Group<block_threads>;

/// Rows longer than this get a block each.
constexpr int64_t warp_row_limit = 1024;

}  // namespace taxon::kernels::cuda

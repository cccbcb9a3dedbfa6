// Where the maximum over the middle axis of [outer, n, inner] lies first; NaN wins.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// A candidate; -1: none.
struct Best {
  float value = 0;
  int64_t index = -1;
};

/// Whether a comes before b. An order of its own: it does not matter how candidates are combined.
__device__ __forceinline__ bool better(const Best& a, const Best& b) {
  if (a.index < 0 || b.index < 0) return b.index < 0;
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  if (a_nan != b_nan) return a_nan;
  if (!a_nan && a.value != b.value) return a.value > b.value;
  return a.index < b.index;
}

__device__ __forceinline__ Best warp_best(Best best) {
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const Best other{__shfl_xor_sync(all_lanes, best.value, lanes),
                     __shfl_xor_sync(all_lanes, best.index, lanes)};
    if (better(other, best)) best = other;
  }
  return best;
}

/// inner == 1.
template <class G, class T>
__global__ void argmax_of_rows(const T* x, int64_t* index, int64_t rows, int64_t n) {
  TAXON_SHARED(float, values, G::slots);
  TAXON_SHARED(int64_t, places, G::slots);
  const int64_t row = G::row();
  if (row >= rows) return;  // whole warps
  Best best;
  for (int64_t i = G::lane(); i < n; i += G::size) {
    const Best next{widen(x[row * n + i]), i};
    if (better(next, best)) best = next;
  }
  best = warp_best(best);
  if constexpr (G::size > warp_threads) {
    const int warp = static_cast<int>(threadIdx.x) / warp_threads;
    if (threadIdx.x % warp_threads == 0) {
      values[warp] = best.value;
      places[warp] = best.index;
    }
    __syncthreads();
    for (int i = 0; i < G::slots; ++i) {
      const Best other{values[i], places[i]};
      if (other.index >= 0 && better(other, best)) best = other;
    }
  }
  if (G::lane() == 0) index[row] = best.index;
}

/// Any inner: a thread for each column.
template <class T>
__global__ void argmax_of_columns(const T* x, int64_t* index, int64_t columns, int64_t n,
                                  int64_t inner) {
  for (int64_t step = first_step(); step < columns; step += all_steps()) {
    const T* from = x + step / inner * n * inner + step % inner;
    Best best;
    for (int64_t j = 0; j < n; ++j) {
      const Best next{widen(from[j * inner]), j};
      if (better(next, best)) best = next;
    }
    index[step] = best.index;
  }
}

template <class G, class T>
void start_rows(const ArgmaxArgs& g, const Exec& exec) {
  TAXON_LAUNCH((argmax_of_rows<G, T>), grid_of(ceil_div(g.outer, G::rows)), block_threads, exec,
               static_cast<const T*>(g.x), g.index, g.outer, g.n);
}

template <class T>
void run(const ArgmaxArgs& g, const Exec& exec) {
  const int64_t columns = g.outer * g.inner;
  if (columns == 0) return;
  if (g.n == 0) {
    return fill(g.index, columns, int64_t{0}, exec);  // as on the CPU
  }
  if (g.inner > 1) {
    TAXON_LAUNCH(argmax_of_columns<T>, grid_of(blocks_for(columns)), block_threads, exec,
                 static_cast<const T*>(g.x), g.index, columns, g.n, g.inner);
  } else if (g.n <= warp_row_limit) {
    start_rows<WarpRow, T>(g, exec);
  } else {
    start_rows<BlockRow, T>(g, exec);
  }
}

}  // namespace

Rows<ArgmaxArgs> argmax_rows(Type type) {
  static const Row<ArgmaxArgs> f32[] = {
      {"argmax/cuda", Needs::baseline, true, nullptr, nullptr, run<float>}};
  static const Row<ArgmaxArgs> bf16[] = {
      {"argmax/cuda", Needs::baseline, true, nullptr, nullptr, run<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

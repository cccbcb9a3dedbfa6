// Sums, means and maxima over the middle axis of [outer, n, inner], and the gradient of a maximum.
#include "cuda/columns.h"
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

constexpr int64_t long_row = 16384;  ///< elements of a row that one block takes
constexpr int64_t many_rows = 512;   ///< that fill the GPU without cutting rows

/// y[plane, channel] = the result, divided for a mean.
template <class T>
struct StoreResult {
  T* y;
  int64_t channels;
  float count;  ///< 1 unless a mean
  __device__ void operator()(int64_t plane, int64_t channel, const float (&v)[1]) const {
    y[plane * channels + channel] = narrow<T>(v[0] / count);
  }
};

template <class T, int V>
struct LoadColumns {
  const T* x;
  int64_t rows, channels;
  __device__ const T* at(int64_t plane, int64_t channel) const {
    return x + plane * rows * channels + channel;
  }
  __device__ void operator()(const T* from, int64_t row, float (&v)[1][V]) const {
    load_floats(from + row * channels, v[0]);
  }
};

// --- inner > 1 ---

template <class T>
bool packable(const ReduceArgs& g) {
  return g.inner % pack_size<T> == 0 && aligned(g.x);
}
template <class T>
ColumnPlan columns_of(const ReduceArgs& g) {
  return plan_columns(g.outer, g.n, g.inner, packable<T>(g) ? pack_size<T> : 1);
}

template <class T, class Op>
void reduce_inner(const ReduceArgs& g, float count, const Exec& exec) {
  const ColumnPlan plan = columns_of<T>(g);
  const auto* x = static_cast<const T*>(g.x);
  const StoreResult<T> store{static_cast<T*>(g.y), g.inner, count};
  if (plan.wide == 1) {
    const LoadColumns<T, 1> load{x, g.n, g.inner};
    start_columns<1, 1>(plan, load, store, Op(), exec.scratch, exec);
  } else {
    const LoadColumns<T, pack_size<T>> load{x, g.n, g.inner};
    start_columns<1, pack_size<T>>(plan, load, store, Op(), exec.scratch, exec);
  }
}

// --- inner == 1: rows ---

/// Shares of a row; 1 unless there are few rows, and those long.
int64_t shares_of(const ReduceArgs& g) {
  if (g.outer >= many_rows || g.n <= long_row) return 1;
  return least(ceil_div(g.n, long_row), ceil_div(2 * many_rows, g.outer));
}
int64_t share_size(const ReduceArgs& g) {
  const int64_t size = ceil_div(g.n, shares_of(g));
  return most<int64_t>(ceil_div(size, 8) * 8, 8);  // a multiple of any pack
}

template <class G, class T, class Op>
__global__ void reduce_rows_kernel(const T* x, StoreResult<T> store, Op op, int64_t rows, int64_t n,
                                   int64_t per_share, bool packed, float* partial) {
  TAXON_SHARED(float, shared, G::slots);
  constexpr int size = pack_size<T>;
  const int64_t row = G::row();
  if (row >= rows) return;  // whole warps
  const int64_t first = blockIdx.y * per_share, last = least(first + per_share, n);
  const T* from = x + row * n;
  float sum = Op::neutral;
  if (packed) {
    for (int64_t i = first + G::lane() * size; i < last; i += G::size * size) {
      const Pack<T, size> p = load_pack<T, size>(from + i);
      TAXON_UNROLL
      for (int k = 0; k < size; ++k) sum = op(sum, widen(p.v[k]));
    }
  } else {
    for (int64_t i = first + G::lane(); i < last; i += G::size) sum = op(sum, widen(from[i]));
  }
  const float v[1] = {G::reduce(sum, op, shared)};
  if (G::lane() != 0) return;
  if (partial == nullptr) {
    store(row, 0, v);
  } else {
    partial[blockIdx.y * rows + row] = v[0];
  }
}

template <class G, class T, class Op>
void start_rows(const ReduceArgs& g, float count, const Exec& exec) {
  const int64_t size = share_size(g), shares = most<int64_t>(ceil_div(g.n, size), 1);
  const StoreResult<T> store{static_cast<T*>(g.y), 1, count};
  const auto* x = static_cast<const T*>(g.x);
  auto* partial = shares > 1 ? static_cast<float*>(exec.scratch) : nullptr;
  const bool packed = g.n % pack_size<T> == 0 && aligned(g.x);
  TAXON_LAUNCH((reduce_rows_kernel<G, T, Op>), grid_of(ceil_div(g.outer, G::rows), shares),
               block_threads, exec, x, store, Op(), g.outer, g.n, size, packed, partial);
  if (shares > 1) start_combine<1>(partial, store, Op(), g.outer, 1, shares, exec);
}

template <class T, class Op>
void reduce(const ReduceArgs& g, const Exec& exec) {
  const float count = g.op == Reduce::mean ? static_cast<float>(g.n) : 1.0f;
  if (g.inner > 1) return reduce_inner<T, Op>(g, count, exec);
  if (g.n <= warp_row_limit) return start_rows<WarpRow, T, Op>(g, count, exec);
  return start_rows<BlockRow, T, Op>(g, count, exec);
}

template <class T>
void run(const ReduceArgs& g, const Exec& exec) {
  if (g.outer * g.inner == 0) return;
  if (g.op == Reduce::max && g.n > 0) return reduce<T, Maximum>(g, exec);
  reduce<T, Add>(g, exec);  // the maximum of nothing is 0, as on the CPU
}

template <class T>
size_t scratch(const ReduceArgs& g, int) {
  if (g.inner > 1) return column_scratch(columns_of<T>(g), 1);
  return shares_of(g) > 1 ? sizeof(float) * static_cast<size_t>(shares_of(g) * g.outer) : 0;
}

// --- the gradient of a maximum ---

template <class T>
__global__ void spread(SpreadArgs g) {
  const int64_t count = g.outer * g.n * g.inner;
  for (int64_t step = first_step(); step < count; step += all_steps()) {
    const int64_t i = step % g.inner, j = step / g.inner % g.n, o = step / g.inner / g.n;
    const int64_t at = o * g.inner + i;
    static_cast<T*>(g.dx)[step] =
        g.index[at] == j ? static_cast<const T*>(g.dy)[at] : narrow<T>(0.0f);
  }
}

template <class T>
void run_spread(const SpreadArgs& g, const Exec& exec) {
  const int64_t count = g.outer * g.n * g.inner;
  if (count > 0) TAXON_LAUNCH(spread<T>, grid_of(blocks_for(count)), block_threads, exec, g);
}

}  // namespace

Rows<ReduceArgs> reduce_rows(Type type) {
  static const Row<ReduceArgs> f32[] = {
      {"reduce/cuda", Needs::baseline, true, nullptr, scratch<float>, run<float>}};
  static const Row<ReduceArgs> bf16[] = {
      {"reduce/cuda", Needs::baseline, true, nullptr, scratch<Bf16>, run<Bf16>}};
  return pick(type, f32, bf16);
}

Rows<SpreadArgs> spread_rows(Type type) {
  static const Row<SpreadArgs> f32[] = {
      {"spread/cuda", Needs::baseline, true, nullptr, nullptr, run_spread<float>}};
  static const Row<SpreadArgs> bf16[] = {
      {"spread/cuda", Needs::baseline, true, nullptr, nullptr, run_spread<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

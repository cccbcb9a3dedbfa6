// Matrix products, f32 and bf16, by tiles in shared memory; sums in f32. The bias is f32 in both.
#include "cuda/tables.h"
#include "cuda/tiles.h"

namespace taxon::kernels::cuda {
namespace {

/// C (+)= the sums [+ bias] [then ReLU].
template <class T>
struct Result {
  T* c;
  const float* bias;
  int64_t ldc, step;
  bool accumulate, relu, packed;

  __device__ void operator()(int64_t z, int row, int col, float (&v)[4], int count) const {
    T* to = c + z * step + row * ldc + col;
    TAXON_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (i >= count) continue;
      if (accumulate) v[i] += widen(to[i]);
      if (bias != nullptr) v[i] += bias[col + i];
      if (relu && v[i] < 0) v[i] = 0;
    }
    store_some(to, v, count, packed);
  }
};

template <class T, bool a_along, bool b_along>
void start(const GemmArgs& g, const TilePlan& plan, const Exec& exec) {
  const auto a = matrix_source<T, a_along>(g.a, g.lda, g.stride_a, g.m);
  const auto b = matrix_source<T, b_along>(g.b, g.ldb, g.stride_b, g.n);
  const bool packed = g.ldc % 4 == 0 && g.stride_c % 4 == 0 && aligned(g.c, 4 * sizeof(T));
  const Result<T> result{static_cast<T*>(g.c),
                         static_cast<const float*>(g.bias),
                         g.ldc,
                         g.stride_c,
                         g.accumulate,
                         g.relu,
                         packed};
  start_tiles(plan, a, b, result, exec);
}

template <class T>
void run(const GemmArgs& g, const Exec& exec) {
  const TilePlan plan = plan_tiles(g.m, g.n, g.k, g.batch);
  if (g.trans_a) {
    if (g.trans_b) return start<T, false, true>(g, plan, exec);
    return start<T, false, false>(g, plan, exec);
  }
  if (g.trans_b) return start<T, true, true>(g, plan, exec);
  start<T, true, false>(g, plan, exec);
}

size_t scratch(const GemmArgs& g, int) {
  return tile_scratch(plan_tiles(g.m, g.n, g.k, g.batch));
}

}  // namespace

Rows<GemmArgs> gemm_rows(Type type) {
  static const Row<GemmArgs> f32[] = {
      {"gemm/cuda", Needs::baseline, true, nullptr, scratch, run<float>}};
  static const Row<GemmArgs> bf16[] = {
      {"gemm/cuda", Needs::baseline, true, nullptr, scratch, run<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

// Layer normalisation (Ba, Kiros and Hinton 2016): a warp or a block for each row; the gradients of
// weight and bias are sums over rows.
#include "cuda/columns.h"
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

template <class T>
struct Forward {
  const T* x;
  const float* weight;
  const float* bias;
  float* mean;
  float* rstd;
  T* y;
  int64_t rows, cols;
  float eps;
};

template <class G, class T>
__global__ void layer_norm(Forward<T> g) {
  TAXON_SHARED(float, shared, G::slots);
  const int64_t row = G::row();
  if (row >= g.rows) return;  // whole warps
  const T* x = g.x + row * g.cols;
  const auto n = static_cast<float>(g.cols);
  float sum = 0, squares = 0;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) sum += widen(x[c]);
  const float mean = G::reduce(sum, Add(), shared) / n;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) {
    const float d = widen(x[c]) - mean;
    squares += d * d;
  }
  const float rstd = 1 / sqrtf(G::reduce(squares, Add(), shared) / n + g.eps);
  if (G::lane() == 0) {
    g.mean[row] = mean;
    g.rstd[row] = rstd;
  }
  for (int64_t c = G::lane(); c < g.cols; c += G::size) {
    const float scaled = (widen(x[c]) - mean) * rstd * (g.weight != nullptr ? g.weight[c] : 1.0f);
    g.y[row * g.cols + c] = narrow<T>(scaled + (g.bias != nullptr ? g.bias[c] : 0.0f));
  }
}

template <class T>
void run(const LayerNormArgs& a, const Exec& exec) {
  const Forward<T> g{static_cast<const T*>(a.x),
                     static_cast<const float*>(a.weight),
                     static_cast<const float*>(a.bias),
                     static_cast<float*>(a.mean),
                     static_cast<float*>(a.rstd),
                     static_cast<T*>(a.y),
                     a.rows,
                     a.cols,
                     static_cast<float>(a.eps)};
  if (a.rows == 0) return;
  if (a.cols <= warp_row_limit) {
    TAXON_LAUNCH((layer_norm<WarpRow, T>), grid_of(ceil_div(a.rows, WarpRow::rows)), block_threads,
                 exec, g);
  } else {
    TAXON_LAUNCH((layer_norm<BlockRow, T>), grid_of(a.rows), block_threads, exec, g);
  }
}

// --- backward ---

template <class T>
struct Backward {
  const T* x;
  const float* weight;
  const float* mean;
  const float* rstd;
  const T* dy;
  T* dx;
  float* dweight;
  float* dbias;
  int64_t rows, cols;
};

template <class G, class T>
__global__ void layer_norm_grad(Backward<T> g) {
  TAXON_SHARED(float, shared, G::slots);
  const int64_t row = G::row();
  if (row >= g.rows) return;  // whole warps
  const int64_t first = row * g.cols;
  const float mean = g.mean[row], rstd = g.rstd[row];
  const auto scaled = [&](int64_t c) {
    return widen(g.dy[first + c]) * (g.weight != nullptr ? g.weight[c] : 1.0f);
  };
  const auto xhat = [&](int64_t c) { return (widen(g.x[first + c]) - mean) * rstd; };
  float sum = 0, dot = 0;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) {
    sum += scaled(c);
    dot += scaled(c) * xhat(c);
  }
  const auto n = static_cast<float>(g.cols);
  sum = G::reduce(sum, Add(), shared) / n;
  dot = G::reduce(dot, Add(), shared) / n;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) {
    g.dx[first + c] = narrow<T>(rstd * (scaled(c) - (sum + xhat(c) * dot)));
  }
}

template <class T, int V>
struct LoadGrad {
  Backward<T> g;
  __device__ int64_t at(int64_t, int64_t channel) const { return channel; }
  __device__ void operator()(int64_t channel, int64_t row, float (&v)[2][V]) const {
    const float mean = g.mean[row], rstd = g.rstd[row];
    float x[V];
    load_floats(g.x + row * g.cols + channel, x);
    load_floats(g.dy + row * g.cols + channel, v[0]);
    TAXON_UNROLL
    for (int k = 0; k < V; ++k) v[1][k] = v[0][k] * ((x[k] - mean) * rstd);
  }
};
template <class T>
struct StoreGrad {
  Backward<T> g;
  __device__ void operator()(int64_t, int64_t channel, const float (&v)[2]) const {
    if (g.dbias != nullptr) g.dbias[channel] = v[0];
    if (g.dweight != nullptr) g.dweight[channel] = v[1];
  }
};

template <class T>
ColumnPlan plan_for(const LayerNormGradArgs& g) {
  const bool packed = g.cols % pack_size<T> == 0 && all_aligned(16, g.x, g.dy);
  return plan_columns(1, g.rows, g.cols, packed ? pack_size<T> : 1);
}

template <class T>
void run_grad(const LayerNormGradArgs& a, const Exec& exec) {
  const Backward<T> g{static_cast<const T*>(a.x),
                      static_cast<const float*>(a.weight),
                      static_cast<const float*>(a.mean),
                      static_cast<const float*>(a.rstd),
                      static_cast<const T*>(a.dy),
                      static_cast<T*>(a.dx),
                      static_cast<float*>(a.dweight),
                      static_cast<float*>(a.dbias),
                      a.rows,
                      a.cols};
  if (a.dx != nullptr && a.rows * a.cols > 0) {
    if (a.cols <= warp_row_limit) {
      TAXON_LAUNCH((layer_norm_grad<WarpRow, T>), grid_of(ceil_div(a.rows, WarpRow::rows)),
                   block_threads, exec, g);
    } else {
      TAXON_LAUNCH((layer_norm_grad<BlockRow, T>), grid_of(a.rows), block_threads, exec, g);
    }
  }
  if (a.dweight == nullptr && a.dbias == nullptr) return;
  const ColumnPlan plan = plan_for<T>(a);
  const StoreGrad<T> store{g};
  if (plan.wide == 1) {
    start_columns<2, 1>(plan, LoadGrad<T, 1>{g}, store, Add(), exec.scratch, exec);
  } else {
    const LoadGrad<T, pack_size<T>> load{g};
    start_columns<2, pack_size<T>>(plan, load, store, Add(), exec.scratch, exec);
  }
}

template <class T>
size_t scratch_grad(const LayerNormGradArgs& g, int) {
  if (g.dweight == nullptr && g.dbias == nullptr) return 0;
  return column_scratch(plan_for<T>(g), 2);
}

}  // namespace

Rows<LayerNormArgs> layer_norm_rows(Type type) {
  static const Row<LayerNormArgs> f32[] = {
      {"layer_norm/cuda", Needs::baseline, false, nullptr, nullptr, run<float>}};
  static const Row<LayerNormArgs> bf16[] = {
      {"layer_norm/cuda", Needs::baseline, false, nullptr, nullptr, run<Bf16>}};
  return pick(type, f32, bf16);
}

Rows<LayerNormGradArgs> layer_norm_grad_rows(Type type) {
  static const Row<LayerNormGradArgs> f32[] = {{"layer_norm_grad/cuda", Needs::baseline, false,
                                                nullptr, scratch_grad<float>, run_grad<float>}};
  static const Row<LayerNormGradArgs> bf16[] = {{"layer_norm_grad/cuda", Needs::baseline, false,
                                                 nullptr, scratch_grad<Bf16>, run_grad<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda

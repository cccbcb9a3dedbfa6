// Cross-entropy over classes and binary cross-entropy of logits, with their gradients. With g[c]
// the weight that a row gives to -log p[c], the loss is sum_c g[c] * -log p[c] and its gradient
// p[c] * sum(g) - g[c].
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// The arguments with their types, and what the mean divides by (on the device; null: 1).
struct CrossEntropy {
  int64_t rows, cols;
  float smoothing, uniform;  ///< uniform: smoothing / cols
  int64_t ignore_index;
  const float* logits;
  const int64_t* index;
  const float* soft;
  const float* class_weight;
  const float* divisor;
  float* loss;
  float* dlogits;
  uint8_t* hits;

  __device__ bool ignored(int64_t row) const {
    return soft == nullptr && index[row] == ignore_index;
  }
  /// g[c] of a row whose target is `target`.
  __device__ float coefficient(int64_t row, int64_t c, int64_t target) const {
    const float w = class_weight != nullptr ? class_weight[c] : 1.0f;
    if (soft != nullptr) return w * ((1 - smoothing) * soft[row * cols + c] + uniform);
    return w * ((target == c ? 1 - smoothing : 0.0f) + uniform);
  }
};

/// One block: the weights of the rows that count.
__global__ void weight_of_rows(CrossEntropy g, float* divisor) {
  TAXON_SHARED(float, shared, BlockRow::slots);
  float total = 0;
  for (int64_t r = threadIdx.x; r < g.rows; r += blockDim.x) {
    if (g.ignored(r)) continue;
    const bool weighted = g.soft == nullptr && g.class_weight != nullptr;
    total += weighted ? g.class_weight[g.index[r]] : 1.0f;
  }
  total = BlockRow::reduce(total, Add(), shared);
  if (threadIdx.x == 0) *divisor = total;
}

/// One block: the sum of the rows' losses, divided.
__global__ void sum_of_losses(const float* loss, int64_t rows, const float* divisor,
                              float* result) {
  TAXON_SHARED(float, shared, BlockRow::slots);
  float total = 0;
  for (int64_t r = threadIdx.x; r < rows; r += blockDim.x) total += loss[r];
  total = BlockRow::reduce(total, Add(), shared);
  if (threadIdx.x == 0) *result = divisor != nullptr ? total / *divisor : total;
}

/// Whether the target is the first of the largest logits: how many logits of this thread say no.
template <class G>
__device__ float objections(const float* x, int64_t cols, int64_t target) {
  float count = x[target] != x[target] ? 1.0f : 0.0f;
  for (int64_t c = G::lane(); c < cols; c += G::size) {
    if (c < target ? x[c] >= x[target] : x[c] > x[target]) count += 1;
  }
  return count;
}

template <class G>
__device__ void ignore_row(const CrossEntropy& g, int64_t row) {
  if (g.dlogits != nullptr) {
    for (int64_t c = G::lane(); c < g.cols; c += G::size) g.dlogits[row * g.cols + c] = 0;
  }
  if (G::lane() != 0) return;
  g.loss[row] = 0;
  if (g.hits != nullptr) g.hits[row] = 0;
}

template <class G>
__global__ void cross_entropy(CrossEntropy g) {
  TAXON_SHARED(float, shared, G::slots);
  const int64_t row = G::row();
  if (row >= g.rows) return;  // whole warps
  if (g.ignored(row)) return ignore_row<G>(g, row);
  const int64_t target = g.soft == nullptr ? g.index[row] : -1;
  const float* x = g.logits + row * g.cols;
  float largest = Maximum::neutral, sum = 0;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) largest = Maximum()(largest, x[c]);
  largest = G::reduce(largest, Maximum(), shared);
  for (int64_t c = G::lane(); c < g.cols; c += G::size) sum += expf(x[c] - largest);
  const float log_sum = logf(G::reduce(sum, Add(), shared));
  float loss = 0, total = 0;
  for (int64_t c = G::lane(); c < g.cols; c += G::size) {
    const float share = g.coefficient(row, c, target);
    total += share;
    // A class that does not take part must not turn an infinite log p into NaN.
    if (g.soft == nullptr && g.smoothing == 0 && target != c) continue;
    loss -= share * ((x[c] - largest) - log_sum);
  }
  total = G::reduce(total, Add(), shared);
  loss = G::reduce(loss, Add(), shared);
  const float scale = g.divisor != nullptr ? 1 / *g.divisor : 1.0f;
  for (int64_t c = G::lane(); c < g.cols && g.dlogits != nullptr; c += G::size) {
    const float p = expf((x[c] - largest) - log_sum);
    g.dlogits[row * g.cols + c] = scale * (p * total - g.coefficient(row, c, target));
  }
  float no = 0;
  if (g.hits != nullptr) no = G::reduce(objections<G>(x, g.cols, target), Add(), shared);
  if (G::lane() != 0) return;
  g.loss[row] = loss;
  if (g.hits != nullptr) g.hits[row] = no == 0 ? 1 : 0;
}

size_t scratch(const CrossEntropyArgs& g, int) {
  return g.mean ? sizeof(float) : 0;
}

void run(const CrossEntropyArgs& a, const Exec& exec) {
  auto* divisor = a.mean ? static_cast<float*>(exec.scratch) : nullptr;
  const CrossEntropy g{a.rows,
                       a.cols,
                       static_cast<float>(a.smoothing),
                       static_cast<float>(a.smoothing / static_cast<double>(a.cols)),
                       a.ignore_index,
                       static_cast<const float*>(a.logits),
                       a.index,
                       static_cast<const float*>(a.soft),
                       static_cast<const float*>(a.class_weight),
                       divisor,
                       static_cast<float*>(a.loss),
                       static_cast<float*>(a.dlogits),
                       a.soft == nullptr ? a.hits : nullptr};
  if (a.mean) TAXON_LAUNCH(weight_of_rows, dim3(1), block_threads, exec, g, divisor);
  if (a.rows > 0 && a.cols <= warp_row_limit) {
    TAXON_LAUNCH(cross_entropy<WarpRow>, grid_of(ceil_div(a.rows, WarpRow::rows)), block_threads,
                 exec, g);
  } else if (a.rows > 0) {
    TAXON_LAUNCH(cross_entropy<BlockRow>, grid_of(a.rows), block_threads, exec, g);
  }
  if (a.result == nullptr) return;
  TAXON_LAUNCH(sum_of_losses, dim3(1), block_threads, exec, g.loss, a.rows, divisor,
               static_cast<float*>(a.result));
}

// --- binary ---

/// One element: weight = 1 + (p[c] - 1) t.
struct Binary {
  float x, target, weight;
  __device__ float loss() const {
    // The linear terms first: for a negative that is sure (t = 0, x << 0) they cancel exactly.
    const float linear = (1 - target) * x + weight * (x < 0 ? -x : 0.0f);
    return linear + weight * log1pf(expf(-fabsf(x)));
  }
  __device__ float slope() const {
    const float e = expf(-fabsf(x));
    const float sigmoid = (x < 0 ? 1.0f : e) / (1 + e);  // of -x
    return (1 - target) - weight * sigmoid;
  }
};
template <class Args>
__device__ Binary element(const Args& g, int64_t i) {
  const float t = static_cast<const float*>(g.target)[i];
  const auto* positive = static_cast<const float*>(g.pos_weight);
  const float weight = positive != nullptr ? 1 + (positive[i % g.cols] - 1) * t : 1.0f;
  return {static_cast<const float*>(g.x)[i], t, weight};
}

__global__ void bce(BceArgs g) {
  for (int64_t i = first_step(); i < g.rows * g.cols; i += all_steps()) {
    static_cast<float*>(g.loss)[i] = element(g, i).loss();
  }
}
__global__ void bce_grad(BceGradArgs g) {
  for (int64_t i = first_step(); i < g.rows * g.cols; i += all_steps()) {
    static_cast<float*>(g.dx)[i] = static_cast<const float*>(g.dloss)[i] * element(g, i).slope();
  }
}

void run_bce(const BceArgs& g, const Exec& exec) {
  const int64_t n = g.rows * g.cols;
  if (n > 0) TAXON_LAUNCH(bce, grid_of(blocks_for(n)), block_threads, exec, g);
}
void run_bce_grad(const BceGradArgs& g, const Exec& exec) {
  const int64_t n = g.rows * g.cols;
  if (n > 0) TAXON_LAUNCH(bce_grad, grid_of(blocks_for(n)), block_threads, exec, g);
}

}  // namespace

Rows<CrossEntropyArgs> cross_entropy_rows(Type type) {
  static const Row<CrossEntropyArgs> f32[] = {
      {"cross_entropy/cuda", Needs::baseline, false, nullptr, scratch, run}};
  return pick(type, f32);
}
Rows<BceArgs> bce_rows(Type type) {
  static const Row<BceArgs> f32[] = {
      {"bce/cuda", Needs::baseline, false, nullptr, nullptr, run_bce}};
  return pick(type, f32);
}
Rows<BceGradArgs> bce_grad_rows(Type type) {
  static const Row<BceGradArgs> f32[] = {
      {"bce_grad/cuda", Needs::baseline, false, nullptr, nullptr, run_bce_grad}};
  return pick(type, f32);
}

}  // namespace taxon::kernels::cuda

// Softmax and log-softmax over the middle axis of [outer, axis, inner], and their gradients. A row
// (inner == 1) is shared by a warp or a block; otherwise each column has a thread.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

__device__ __forceinline__ float softmax_value(float x, float largest, float sum, bool log) {
  return log ? (x - largest) - logf(sum) : expf(x - largest) / sum;
}
__device__ __forceinline__ float softmax_slope(float y, float dy, float sum, bool log) {
  return log ? dy - expf(y) * sum : y * (dy - sum);
}

template <class G>
__global__ void softmax_of_rows(const float* x, float* y, int64_t rows, int64_t cols, bool log) {
  TAXON_SHARED(float, shared, G::slots);
  const int64_t row = G::row();
  if (row >= rows) return;  // whole warps
  const float* from = x + row * cols;
  float largest = Maximum::neutral, sum = 0;
  for (int64_t c = G::lane(); c < cols; c += G::size) largest = Maximum()(largest, from[c]);
  largest = G::reduce(largest, Maximum(), shared);
  for (int64_t c = G::lane(); c < cols; c += G::size) sum += expf(from[c] - largest);
  sum = G::reduce(sum, Add(), shared);
  for (int64_t c = G::lane(); c < cols; c += G::size) {
    y[row * cols + c] = softmax_value(from[c], largest, sum, log);
  }
}

template <class G>
__global__ void softmax_grad_of_rows(const float* y, const float* dy, float* dx, int64_t rows,
                                     int64_t cols, bool log) {
  TAXON_SHARED(float, shared, G::slots);
  const int64_t row = G::row();
  if (row >= rows) return;  // whole warps
  const int64_t first = row * cols;
  float sum = 0;  // of dy, or of dy * y
  for (int64_t c = G::lane(); c < cols; c += G::size) {
    sum += log ? dy[first + c] : dy[first + c] * y[first + c];
  }
  sum = G::reduce(sum, Add(), shared);
  for (int64_t c = G::lane(); c < cols; c += G::size) {
    dx[first + c] = softmax_slope(y[first + c], dy[first + c], sum, log);
  }
}

__global__ void softmax_of_columns(SoftmaxArgs g) {
  for (int64_t at = first_step(); at < g.outer * g.inner; at += all_steps()) {
    const int64_t first = at / g.inner * g.axis * g.inner + at % g.inner;
    const float* x = static_cast<const float*>(g.x) + first;
    float* y = static_cast<float*>(g.y) + first;
    float largest = Maximum::neutral, sum = 0;
    for (int64_t c = 0; c < g.axis; ++c) largest = Maximum()(largest, x[c * g.inner]);
    for (int64_t c = 0; c < g.axis; ++c) sum += expf(x[c * g.inner] - largest);
    for (int64_t c = 0; c < g.axis; ++c) {
      y[c * g.inner] = softmax_value(x[c * g.inner], largest, sum, g.log);
    }
  }
}

__global__ void softmax_grad_of_columns(SoftmaxGradArgs g) {
  for (int64_t at = first_step(); at < g.outer * g.inner; at += all_steps()) {
    const int64_t first = at / g.inner * g.axis * g.inner + at % g.inner;
    const float* y = static_cast<const float*>(g.y) + first;
    const float* dy = static_cast<const float*>(g.dy) + first;
    float* dx = static_cast<float*>(g.dx) + first;
    float sum = 0;
    for (int64_t c = 0; c < g.axis; ++c) {
      sum += g.log ? dy[c * g.inner] : dy[c * g.inner] * y[c * g.inner];
    }
    for (int64_t c = 0; c < g.axis; ++c) {
      dx[c * g.inner] = softmax_slope(y[c * g.inner], dy[c * g.inner], sum, g.log);
    }
  }
}

template <class G>
void start_rows(const SoftmaxArgs& g, const Exec& exec) {
  TAXON_LAUNCH(softmax_of_rows<G>, grid_of(ceil_div(g.outer, G::rows)), block_threads, exec,
               static_cast<const float*>(g.x), static_cast<float*>(g.y), g.outer, g.axis, g.log);
}
template <class G>
void start_rows(const SoftmaxGradArgs& g, const Exec& exec) {
  TAXON_LAUNCH(softmax_grad_of_rows<G>, grid_of(ceil_div(g.outer, G::rows)), block_threads, exec,
               static_cast<const float*>(g.y), static_cast<const float*>(g.dy),
               static_cast<float*>(g.dx), g.outer, g.axis, g.log);
}
void start_columns(const SoftmaxArgs& g, const Exec& exec) {
  TAXON_LAUNCH(softmax_of_columns, grid_of(blocks_for(g.outer * g.inner)), block_threads, exec, g);
}
void start_columns(const SoftmaxGradArgs& g, const Exec& exec) {
  TAXON_LAUNCH(softmax_grad_of_columns, grid_of(blocks_for(g.outer * g.inner)), block_threads, exec,
               g);
}

template <class Args>
void run(const Args& g, const Exec& exec) {
  if (g.outer * g.axis * g.inner == 0) return;
  if (g.inner > 1) return start_columns(g, exec);
  if (g.axis <= warp_row_limit) return start_rows<WarpRow>(g, exec);
  start_rows<BlockRow>(g, exec);
}

}  // namespace

Rows<SoftmaxArgs> softmax_rows(Type type) {
  static const Row<SoftmaxArgs> f32[] = {
      {"softmax/cuda", Needs::baseline, false, nullptr, nullptr, run<SoftmaxArgs>}};
  return pick(type, f32);
}

Rows<SoftmaxGradArgs> softmax_grad_rows(Type type) {
  static const Row<SoftmaxGradArgs> f32[] = {
      {"softmax_grad/cuda", Needs::baseline, false, nullptr, nullptr, run<SoftmaxGradArgs>}};
  return pick(type, f32);
}

}  // namespace taxon::kernels::cuda

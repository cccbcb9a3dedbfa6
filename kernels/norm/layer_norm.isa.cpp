// Layer normalisation on vectors: a row at a time, its mean first and then the squares about it. T
// is how x, y and their gradients lie in memory: float, or Bf16.
#include "norm/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

constexpr int64_t block_rows = 64;  // rows summed in f32 before they are added up in double

TAXON_INLINE const float* floats(const void* p) {
  return static_cast<const float*>(p);
}

template <class T>
void forward_row(const LayerNormArgs& g, int64_t r) {
  const T* x = static_cast<const T*>(g.x) + r * g.cols;
  const float *weight = floats(g.weight), *bias = floats(g.bias);
  T* y = static_cast<T*>(g.y) + r * g.cols;
  const double n = static_cast<double>(g.cols);
  Vec sums = {};
  each(0, g.cols, [&](int64_t c, auto part) { sums += part.load(x + c); });
  const float mean = static_cast<float>(static_cast<double>(sum_of(sums)) / n);
  Vec squares = {};
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec d = part.or_else(part.load(x + c) - mean, Vec{});
    squares = fma(d, d, squares);
  });
  const double var = static_cast<double>(sum_of(squares)) / n;
  const float rstd = static_cast<float>(1 / __builtin_sqrt(var + g.eps));
  static_cast<float*>(g.mean)[r] = mean;
  static_cast<float*>(g.rstd)[r] = rstd;
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec xhat = (part.load(x + c) - mean) * rstd;
    const Vec w = weight != nullptr ? part.load(weight + c) : broadcast(1.0f);
    const Vec b = bias != nullptr ? part.load(bias + c) : Vec{};
    part.store(y + c, fma(xhat, w, b));
  });
}

template <class T>
void dx_row(const LayerNormGradArgs& g, int64_t r) {
  const T* x = static_cast<const T*>(g.x) + r * g.cols;
  const T* dy = static_cast<const T*>(g.dy) + r * g.cols;
  const float* weight = floats(g.weight);
  T* dx = static_cast<T*>(g.dx) + r * g.cols;
  const float mean = floats(g.mean)[r], rstd = floats(g.rstd)[r];
  const auto scaled = [&](int64_t c, auto part) {
    const Vec d = part.load(dy + c);
    return weight != nullptr ? d * part.load(weight + c) : d;
  };
  Vec sums = {}, dots = {};
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec d = scaled(c, part);
    sums += d;
    dots = fma(d, (part.load(x + c) - mean) * rstd, dots);
  });
  const float n = static_cast<float>(g.cols);
  const Vec sum = broadcast(sum_of(sums) / n), dot = broadcast(sum_of(dots) / n);
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec xhat = (part.load(x + c) - mean) * rstd;
    part.store(dx + c, rstd * (scaled(c, part) - fma(xhat, dot, sum)));
  });
}

/// The scratch arrays of one chunk of rows: dbias and dweight in double, and the f32 sums of a
/// block.
struct Partial {
  double *bias, *weight;
  float *block_bias, *block_weight;
};
TAXON_INLINE Partial partial_of(void* scratch, int64_t chunk, int64_t cols) {
  const int64_t stride = norm_stride(cols);
  char* base = static_cast<char*>(scratch) + chunk * stride * (2 * 8 + 3 * 4);
  double* d = reinterpret_cast<double*>(base);
  float* f = reinterpret_cast<float*>(d + 2 * stride);
  return {d, d + stride, f, f + stride};
}

template <class T>
void add_row(const LayerNormGradArgs& g, int64_t r, const Partial& p) {
  const T* x = static_cast<const T*>(g.x) + r * g.cols;
  const T* dy = static_cast<const T*>(g.dy) + r * g.cols;
  const float mean = floats(g.mean)[r], rstd = floats(g.rstd)[r];
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec d = part.load(dy + c), xhat = (part.load(x + c) - mean) * rstd;
    store(p.block_bias + c, load(p.block_bias + c) + d);
    store(p.block_weight + c, fma(d, xhat, load(p.block_weight + c)));
  });
}

template <class T>
void chunk_rows(const LayerNormGradArgs& g, int64_t begin, int64_t end, const Partial& p) {
  const bool parameters = g.dweight != nullptr || g.dbias != nullptr;
  const int64_t stride = norm_stride(g.cols);
  for (int64_t c = 0; c < stride; ++c) p.bias[c] = p.weight[c] = 0;
  for (int64_t at = begin; at < end; at += block_rows) {
    const int64_t last = at + block_rows < end ? at + block_rows : end;
    __builtin_memset(p.block_bias, 0, static_cast<size_t>(stride) * sizeof(float));
    __builtin_memset(p.block_weight, 0, static_cast<size_t>(stride) * sizeof(float));
    for (int64_t r = at; r < last; ++r) {
      if (g.dx != nullptr) dx_row<T>(g, r);
      if (parameters) add_row<T>(g, r, p);
    }
    for (int64_t c = 0; c < g.cols; ++c) {
      p.bias[c] += static_cast<double>(p.block_bias[c]);
      p.weight[c] += static_cast<double>(p.block_weight[c]);
    }
  }
}

template <class T>
void forward(const LayerNormArgs& g, const Exec& exec) {
  parallel_rows(exec, g.rows, g.cols, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) forward_row<T>(g, r);
  });
}

template <class T>
void backward(const LayerNormGradArgs& g, const Exec& exec) {
  const int64_t chunks = norm_chunks(g.rows, g.cols);
  parallel(exec, chunks, [&](int64_t chunk, int) {
    chunk_rows<T>(g, g.rows * chunk / chunks, g.rows * (chunk + 1) / chunks,
                  partial_of(exec.scratch, chunk, g.cols));
  });
  for (int64_t c = 0; c < g.cols; ++c) {
    double bias = 0, weight = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const Partial p = partial_of(exec.scratch, chunk, g.cols);
      bias += p.bias[c];
      weight += p.weight[c];
    }
    if (g.dbias != nullptr) static_cast<float*>(g.dbias)[c] = static_cast<float>(bias);
    if (g.dweight != nullptr) static_cast<float*>(g.dweight)[c] = static_cast<float>(weight);
  }
}

}  // namespace

namespace TAXON_ISA {

void layer_norm(const LayerNormArgs& g, const Exec& exec) {
  forward<float>(g, exec);
}
void layer_norm_bf16(const LayerNormArgs& g, const Exec& exec) {
  forward<Bf16>(g, exec);
}
void layer_norm_grad(const LayerNormGradArgs& g, const Exec& exec) {
  backward<float>(g, exec);
}
void layer_norm_grad_bf16(const LayerNormGradArgs& g, const Exec& exec) {
  backward<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

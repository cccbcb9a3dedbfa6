// Cross-entropy of rows on vectors; the formulas are in cross_entropy.cpp.
#include "softmax/rows.h"
#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

TAXON_INLINE const float* floats(const void* p) {
  return static_cast<const float*>(p);
}

template <class Part>
TAXON_INLINE Vec weight_at(const float* weight, int64_t c, Part part) {
  return weight != nullptr ? part.load(weight + c) : broadcast(1.0f);
}

/// Calls f(c, part, g) with the weights g of -log p for a row of soft targets.
template <class F>
TAXON_INLINE void each_soft(const float* q, const float* weight, double smoothing, int64_t cols,
                            F f) {
  const Vec keep = broadcast(static_cast<float>(1 - smoothing));
  const Vec uniform = broadcast(static_cast<float>(smoothing / static_cast<double>(cols)));
  each(0, cols, [&](int64_t c, auto part) {
    f(c, part, weight_at(weight, c, part) * fma(keep, part.load(q + c), uniform));
  });
}

float soft_loss(const CrossEntropyArgs& g, int64_t r, const float* log_prob) {
  Vec total = {};
  each_soft(floats(g.soft) + r * g.cols, floats(g.class_weight), g.smoothing, g.cols,
            [&](int64_t c, auto part, Vec share) { total -= share * part.load(log_prob + c); });
  return sum_of(total);
}

float index_loss(const CrossEntropyArgs& g, int64_t t, const float* log_prob) {
  const float* weight = floats(g.class_weight);
  const float w = weight != nullptr ? weight[t] : 1;
  const float loss = w * static_cast<float>(1 - g.smoothing) * -log_prob[t];
  if (g.smoothing == 0) return loss;
  Vec total = {};
  each(0, g.cols, [&](int64_t c, auto part) {
    total -= weight_at(weight, c, part) * part.load(log_prob + c);
  });
  return loss + static_cast<float>(g.smoothing / static_cast<double>(g.cols)) * sum_of(total);
}

void soft_grad(const CrossEntropyGradArgs& g, int64_t r) {
  const float* q = floats(g.soft) + r * g.cols;
  const float* weight = floats(g.class_weight);
  const float* log_prob = floats(g.log_prob) + r * g.cols;
  float* dlogits = static_cast<float*>(g.dlogits) + r * g.cols;
  Vec sums = {};
  each_soft(q, weight, g.smoothing, g.cols,
            [&](int64_t, auto part, Vec share) { sums += part.or_else(share, Vec{}); });
  const Vec total = broadcast(sum_of(sums)), scale = broadcast(floats(g.scale)[r]);
  each_soft(q, weight, g.smoothing, g.cols, [&](int64_t c, auto part, Vec share) {
    part.store(dlogits + c, scale * (exp(part.load(log_prob + c)) * total - share));
  });
}

/// The sum of the class weights.
float sum_of_weights(const CrossEntropyGradArgs& g) {
  if (g.class_weight == nullptr) return static_cast<float>(g.cols);
  Vec total = {};
  each(0, g.cols, [&](int64_t c, auto part) { total += part.load(floats(g.class_weight) + c); });
  return sum_of(total);
}

void index_grad(const CrossEntropyGradArgs& g, int64_t r, float weights) {
  const int64_t t = g.index[r];
  const float* weight = floats(g.class_weight);
  const float* log_prob = floats(g.log_prob) + r * g.cols;
  float* dlogits = static_cast<float*>(g.dlogits) + r * g.cols;
  if (t == g.ignore_index) {
    __builtin_memset(dlogits, 0, static_cast<size_t>(g.cols) * sizeof(float));
    return;
  }
  const float w = weight != nullptr ? weight[t] : 1, scale = floats(g.scale)[r];
  const float own = w * static_cast<float>(1 - g.smoothing);
  const float uniform = static_cast<float>(g.smoothing / static_cast<double>(g.cols));
  const Vec total = broadcast(own + uniform * weights);
  each(0, g.cols, [&](int64_t c, auto part) {
    const Vec share = weight_at(weight, c, part) * uniform;
    part.store(dlogits + c, scale * (exp(part.load(log_prob + c)) * total - share));
  });
  dlogits[t] -= scale * own;
}

}  // namespace

namespace TAXON_ISA {

void cross_entropy(const CrossEntropyArgs& g, const Exec& exec) {
  float* loss = static_cast<float*>(g.loss);
  float* weight = static_cast<float*>(g.weight);
  parallel_rows(exec, g.rows, g.cols, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      float* log_prob = static_cast<float*>(g.log_prob) + r * g.cols;
      log_softmax_row(floats(g.logits) + r * g.cols, log_prob, g.cols);
      if (g.soft != nullptr) {
        loss[r] = soft_loss(g, r, log_prob);
        weight[r] = 1;
      } else if (g.index[r] == g.ignore_index) {
        loss[r] = weight[r] = 0;
      } else {
        loss[r] = index_loss(g, g.index[r], log_prob);
        weight[r] = g.class_weight != nullptr ? floats(g.class_weight)[g.index[r]] : 1;
      }
    }
  });
}

void cross_entropy_grad(const CrossEntropyGradArgs& g, const Exec& exec) {
  const float weights = sum_of_weights(g);
  parallel_rows(exec, g.rows, g.cols, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      if (g.soft != nullptr) {
        soft_grad(g, r);
      } else {
        index_grad(g, r, weights);
      }
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

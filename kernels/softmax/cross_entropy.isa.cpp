// Cross-entropy of rows on vectors, with its gradient; the formulas are in cross_entropy.cpp.
#include "softmax/rows.h"
#include "softmax/vector.h"

namespace taxon::kernels {
namespace {

TAXON_INLINE const float* floats(const void* p) {
  return static_cast<const float*>(p);
}

/// What all rows share.
struct Terms {
  const float* weight;  ///< of the classes, or null: 1
  float keep, uniform;  ///< 1 - smoothing, smoothing / classes
  float weights;        ///< of all classes
  float divisor;        ///< of the sum of losses
};

/// log p = (x - most) - log_sum; the exponentials exp(x - most) have this sum.
struct Exponentials {
  float most, sum, log_sum;
};

template <class Part>
TAXON_INLINE Vec weight_at(const float* weight, int64_t c, Part part) {
  return weight != nullptr ? part.load(weight + c) : broadcast(1.0f);
}

/// Keeps the exponentials in `e` if it is not null.
TAXON_INLINE Exponentials exponentials(const float* x, float* e, int64_t cols) {
  const Vec most = row_max(x, cols);
  Vec total = {};
  each(0, cols, [&](int64_t c, auto part) {
    const Vec value = exp(part.load(x + c) - most);
    if (e != nullptr) part.store(e + c, value);
    total += part.or_else(value, Vec{});
  });
  const float sum = sum_of(total);
  return {most[0], sum, log(broadcast(sum))[0]};
}

/// -log p of the classes from c on.
template <class Part>
TAXON_INLINE Vec surprise(const float* x, const Exponentials& s, int64_t c, Part part) {
  return broadcast(s.log_sum) - (part.load(x + c) - broadcast(s.most));
}

/// The weights g of -log p from class c on, in a row of soft targets q.
template <class Part>
TAXON_INLINE Vec soft_weight(const Terms& k, const float* q, int64_t c, Part part) {
  return weight_at(k.weight, c, part) *
         fma(broadcast(k.keep), part.load(q + c), broadcast(k.uniform));
}

float soft_row(const Terms& k, const float* x, const float* q, float* d, int64_t cols) {
  const Exponentials s = exponentials(x, d, cols);
  Vec loss = {}, sums = {};
  each(0, cols, [&](int64_t c, auto part) {
    const Vec share = soft_weight(k, q, c, part);
    loss += part.or_else(share * surprise(x, s, c, part), Vec{});
    sums += part.or_else(share, Vec{});
  });
  if (d != nullptr) {
    const Vec factor = broadcast(sum_of(sums) / s.sum), scale = broadcast(1 / k.divisor);
    each(0, cols, [&](int64_t c, auto part) {
      part.store(d + c, scale * (part.load(d + c) * factor - soft_weight(k, q, c, part)));
    });
  }
  return sum_of(loss);
}

/// Whether the target t is the first of the row's largest logits.
TAXON_INLINE bool is_hit(const float* x, int64_t t, float most) {
  return x[t] == most && (t == 0 || row_max(x, t)[0] < most);
}

/// `hit` is where to say so, or null.
float index_row(const Terms& k, const float* x, int64_t t, float* d, uint8_t* hit, int64_t cols) {
  const Exponentials s = exponentials(x, d, cols);
  if (hit != nullptr) *hit = is_hit(x, t, s.most) ? 1 : 0;
  const float own = (k.weight != nullptr ? k.weight[t] : 1) * k.keep, scale = 1 / k.divisor;
  if (d != nullptr) {
    const Vec factor = broadcast((own + k.uniform * k.weights) / s.sum);
    each(0, cols, [&](int64_t c, auto part) {
      const Vec share = weight_at(k.weight, c, part) * k.uniform;
      part.store(d + c, scale * (part.load(d + c) * factor - share));
    });
    d[t] -= scale * own;
  }
  const float loss = own * (s.log_sum - (x[t] - s.most));
  if (k.uniform == 0) return loss;
  Vec total = {};
  each(0, cols, [&](int64_t c, auto part) {
    const Vec share = weight_at(k.weight, c, part) * surprise(x, s, c, part);
    total += part.or_else(share, Vec{});
  });
  return loss + k.uniform * sum_of(total);
}

float sum_of_weights(const float* weight, int64_t cols) {
  if (weight == nullptr) return static_cast<float>(cols);
  Vec total = {};
  each(0, cols, [&](int64_t c, auto part) { total += part.load(weight + c); });
  return sum_of(total);
}

/// What the mean divides by.
float weight_of_rows(const CrossEntropyArgs& g) {
  if (g.soft != nullptr) return static_cast<float>(g.rows);
  double total = 0;
  for (int64_t r = 0; r < g.rows; ++r) {
    if (g.index[r] == g.ignore_index) continue;
    total +=
        g.class_weight != nullptr ? static_cast<double>(floats(g.class_weight)[g.index[r]]) : 1;
  }
  return static_cast<float>(total);
}

float row(const CrossEntropyArgs& g, const Terms& k, int64_t r) {
  const float* x = floats(g.logits) + r * g.cols;
  float* d = g.dlogits != nullptr ? static_cast<float*>(g.dlogits) + r * g.cols : nullptr;
  if (g.soft != nullptr) return soft_row(k, x, floats(g.soft) + r * g.cols, d, g.cols);
  uint8_t* hit = g.hits != nullptr ? g.hits + r : nullptr;
  if (g.index[r] != g.ignore_index) return index_row(k, x, g.index[r], d, hit, g.cols);
  if (hit != nullptr) *hit = 0;
  if (d != nullptr) __builtin_memset(d, 0, static_cast<size_t>(g.cols) * sizeof(float));
  return 0;
}

}  // namespace

namespace TAXON_ISA {

void cross_entropy(const CrossEntropyArgs& g, const Exec& exec) {
  float* loss = static_cast<float*>(g.loss);
  const float* weight = floats(g.class_weight);
  const Terms terms{weight, static_cast<float>(1 - g.smoothing),
                    static_cast<float>(g.smoothing / static_cast<double>(g.cols)),
                    sum_of_weights(weight, g.cols), g.mean ? weight_of_rows(g) : 1};
  parallel_rows(exec, g.rows, g.cols, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) loss[r] = row(g, terms, r);
  });
  if (g.result == nullptr) return;
  Vec total = {};
  each(0, g.rows, [&](int64_t r, auto part) { total += part.load(loss + r); });
  *static_cast<float*>(g.result) = sum_of(total) / terms.divisor;
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels

// Softmax, log-softmax and the classification losses over the last axis of a [rows, cols] view, or
// over the middle axis of [outer, axis, inner] for the plain softmax.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// y = softmax(x) or log_softmax(x) over `axis` of [outer, axis, inner]; the maximum is subtracted.
struct SoftmaxArgs {
  int64_t outer = 0, axis = 0, inner = 1;
  bool log = false;
  const void* x = nullptr;
  void* y = nullptr;
};
/// dx from the forward's result y and dy.
struct SoftmaxGradArgs {
  int64_t outer = 0, axis = 0, inner = 1;
  bool log = false;
  const void* y = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;
};

/// Cross-entropy of logits [rows, cols] and its gradient in one pass, row by row:
///   index targets: loss = w[t] * ((1-s) * -logp[t]) + s/cols * sum_c w[c] * -logp[c]  (s:
///   smoothing) soft targets q: loss = sum_c w[c] * q'[c] * -logp[c],  q' = (1-s) q + s/cols
/// as torch.nn.functional.cross_entropy. Rows whose target is ignore_index get loss and gradient 0.
/// The mean divides the sum by the weights w[t] of the rows that are not ignored (soft targets: by
/// the rows).
struct CrossEntropyArgs {
  int64_t rows = 0, cols = 0;
  double smoothing = 0;
  int64_t ignore_index = -100;
  bool mean = false;  ///< result and gradient are the mean's, else the sum's
  const void* logits = nullptr;
  const int64_t* index = nullptr;      ///< [rows], or null when soft is given
  const void* soft = nullptr;          ///< [rows, cols], or null
  const void* class_weight = nullptr;  ///< [cols], or null: 1
  void* loss = nullptr;                ///< [rows], not divided
  void* result = nullptr;              ///< their sum or mean, or null
  void* dlogits = nullptr;             ///< [rows, cols]: the gradient of the result, or null
  /// [rows], or null; with index targets: 1 where the target is the first of the largest logits
  /// (NaN is none), else 0.
  uint8_t* hits = nullptr;
};

/// Binary cross-entropy of logits x against targets t in [0, 1], element by element:
/// loss = (1-t) x + (1 + (p[c]-1) t) * (log(1 + exp(-|x|)) + max(-x, 0)), p: weight of positives.
struct BceArgs {
  int64_t rows = 0, cols = 0;
  const void* x = nullptr;
  const void* target = nullptr;
  const void* pos_weight = nullptr;  ///< [cols], or null: 1
  void* loss = nullptr;              ///< [rows, cols]
};
/// dx = dloss * d loss / d x
struct BceGradArgs {
  int64_t rows = 0, cols = 0;
  const void* x = nullptr;
  const void* target = nullptr;
  const void* pos_weight = nullptr;
  const void* dloss = nullptr;
  void* dx = nullptr;
};

Rows<SoftmaxArgs> softmax_rows(Type type);  ///< f32, f64 (as all below)
Rows<SoftmaxGradArgs> softmax_grad_rows(Type type);
Rows<CrossEntropyArgs> cross_entropy_rows(Type type);
Rows<BceArgs> bce_rows(Type type);
Rows<BceGradArgs> bce_grad_rows(Type type);

}  // namespace taxon::kernels

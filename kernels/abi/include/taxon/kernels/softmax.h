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

/// Cross-entropy of logits [rows, cols], per row (no reduction):
///   index targets: loss = w[t] * ((1-s) * -logp[t]) + s/cols * sum_c w[c] * -logp[c]  (s:
///   smoothing) soft targets q: loss = sum_c w[c] * q'[c] * -logp[c],  q' = (1-s) q + s/cols
/// as torch.nn.functional.cross_entropy. Rows whose target is ignore_index get loss 0 and weight 0.
struct CrossEntropyArgs {
  int64_t rows = 0, cols = 0;
  double smoothing = 0;
  int64_t ignore_index = -100;
  const void* logits = nullptr;
  const int64_t* index = nullptr;      ///< [rows], or null when soft is given
  const void* soft = nullptr;          ///< [rows, cols], or null
  const void* class_weight = nullptr;  ///< [cols], or null: 1
  void* loss = nullptr;                ///< [rows]
  void* weight = nullptr;    ///< [rows]: w[t] (index targets), 1 (soft targets), 0 (ignored)
  void* log_prob = nullptr;  ///< [rows, cols]: log_softmax(logits), kept for the backward
};
/// dlogits[r, :] = scale[r] * d loss[r] / d logits[r, :]
struct CrossEntropyGradArgs {
  int64_t rows = 0, cols = 0;
  double smoothing = 0;
  int64_t ignore_index = -100;
  const void* log_prob = nullptr;
  const int64_t* index = nullptr;
  const void* soft = nullptr;
  const void* class_weight = nullptr;
  const void* scale = nullptr;  ///< [rows]
  void* dlogits = nullptr;
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
Rows<CrossEntropyGradArgs> cross_entropy_grad_rows(Type type);
Rows<BceArgs> bce_rows(Type type);
Rows<BceGradArgs> bce_grad_rows(Type type);

}  // namespace taxon::kernels

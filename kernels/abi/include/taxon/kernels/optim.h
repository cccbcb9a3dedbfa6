// Optimizer updates: one pass over a parameter, its gradient and its state.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// As torch.optim.SGD: g += decay * p; v = first ? g : momentum * v + (1 - dampening) * g;
/// g = nesterov ? g + momentum * v : v; p -= lr * g. Without momentum v may be null.
struct SgdArgs {
  int64_t n = 0;
  double lr = 0, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, first = false;
  void* p = nullptr;
  const void* g = nullptr;
  void* v = nullptr;
};

/// As torch.optim.AdamW (Loshchilov and Hutter 2019): p *= 1 - lr * decay; m, v moving averages of
/// g and g^2; p -= lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps). `step` is t, from 1.
struct AdamWArgs {
  int64_t n = 0;
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  int64_t step = 1;
  void* p = nullptr;
  const void* g = nullptr;
  void* m = nullptr;
  void* v = nullptr;
};

/// y += weight * (x - y): moving averages of weights and of batch-norm statistics.
struct LerpArgs {
  int64_t n = 0;
  double weight = 0;
  const void* x = nullptr;
  void* y = nullptr;
};

Rows<SgdArgs> sgd_rows(Type type);      ///< f32, f64
Rows<AdamWArgs> adamw_rows(Type type);  ///< f32, f64
Rows<LerpArgs> lerp_rows(Type type);    ///< f32, f64

}  // namespace taxon::kernels

// Optimizer updates: one pass over a list of parameters, their gradients and their state. A
// network has many small parameters; a call for each would be a parallel loop for each.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// As torch.optim.SGD: g += decay * p; v = first ? g : momentum * v + (1 - dampening) * g;
/// g = nesterov ? g + momentum * v : v; p -= lr * g. Without momentum v may be null.
struct SgdTensor {
  int64_t n = 0;
  double lr = 0, weight_decay = 0;
  bool first = false;
  void* p = nullptr;
  const void* g = nullptr;
  void* v = nullptr;
};
struct SgdArgs {
  int64_t count = 0;
  const SgdTensor* tensors = nullptr;
  double momentum = 0, dampening = 0;
  bool nesterov = false;
};

/// As torch.optim.AdamW (Loshchilov and Hutter 2019): p *= keep; m, v moving averages of g and
/// g^2; p -= rate * m / (sqrt(v) / root + eps), in step t = 1, 2, ...
struct AdamWTensor {
  int64_t n = 0;
  double keep = 1;  ///< 1 - lr * decay
  double rate = 0;  ///< lr / (1 - beta1^t)
  double root = 1;  ///< sqrt(1 - beta2^t)
  void* p = nullptr;
  const void* g = nullptr;
  void* m = nullptr;
  void* v = nullptr;
};
struct AdamWArgs {
  int64_t count = 0;
  const AdamWTensor* tensors = nullptr;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
};

/// y += weight * (x - y): moving averages of weights and of batch-norm statistics.
struct LerpTensor {
  int64_t n = 0;
  const void* x = nullptr;
  void* y = nullptr;
};
struct LerpArgs {
  int64_t count = 0;
  const LerpTensor* tensors = nullptr;
  double weight = 0;
};

Rows<SgdArgs> sgd_rows(Type type);      ///< f32, f64
Rows<AdamWArgs> adamw_rows(Type type);  ///< f32, f64
Rows<LerpArgs> lerp_rows(Type type);    ///< f32, f64

}  // namespace taxon::kernels

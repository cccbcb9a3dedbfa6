// Reductions over the middle axis of an [outer, n, inner] view.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

enum class Reduce : uint8_t { sum, mean, max };
inline constexpr int reduce_count = 3;

/// y[outer, inner] = reduce over n of x[outer, n, inner]. max: NaN wins.
struct ReduceArgs {
  Reduce op = Reduce::sum;
  int64_t outer = 1, n = 0, inner = 1;
  const void* x = nullptr;
  void* y = nullptr;
};
/// index[outer, inner] = the first n at which x is largest (NaN wins).
struct ArgmaxArgs {
  int64_t outer = 1, n = 0, inner = 1;
  const void* x = nullptr;
  int64_t* index = nullptr;
};

/// The gradient of a maximum: dx[outer, n, inner] is dy[outer, inner] at n = index[outer, inner],
/// else 0.
struct SpreadArgs {
  int64_t outer = 1, n = 0, inner = 1;
  const int64_t* index = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;
};

Rows<ReduceArgs> reduce_rows(Type type);  ///< f32, f64, bf16
Rows<ArgmaxArgs> argmax_rows(Type type);  ///< f32, f64, bf16
Rows<SpreadArgs> spread_rows(Type type);  ///< f32, f64, bf16

}  // namespace taxon::kernels

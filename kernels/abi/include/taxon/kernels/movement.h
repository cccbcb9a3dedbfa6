// Moving elements without arithmetic, by element size (1, 2, 4 or 8 bytes).
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// y[i0, i1, ...] = x[i0*xs0 + i1*xs1 + ...], y at strides ys; covers transposes, slices (a pointer
/// to the first element and x strides), padding and concatenation (y strides). Strides in elements,
/// may be negative (flips) or, for x, 0 (broadcast).
struct CopyArgs {
  int rank = 0;
  int64_t element_size = 4;
  int64_t dims[8] = {};
  int64_t x_strides[8] = {}, y_strides[8] = {};
  const void* x = nullptr;
  void* y = nullptr;
};

/// y[o, j, i] = x[o, index[j], i] for x [outer, n, inner], index [m]: whole slices picked along an
/// axis. The caller has checked 0 <= index < n.
struct GatherArgs {
  int64_t element_size = 4;
  int64_t outer = 1, n = 0, m = 0, inner = 1;
  const int64_t* index = nullptr;
  const void* x = nullptr;
  void* y = nullptr;
};
/// dx[o, index[j], i] += dy[o, j, i]; dx is zeroed first; in the order of j, so results are fixed.
struct GatherGradArgs {
  int64_t outer = 1, n = 0, m = 0, inner = 1;
  const int64_t* index = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;
};

Rows<CopyArgs> copy_rows();
Rows<GatherArgs> gather_rows();
Rows<GatherGradArgs> gather_grad_rows(Type type);  ///< f32, f64

}  // namespace taxon::kernels

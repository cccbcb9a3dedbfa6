// Matrix products: C = op(A) op(B) [+ C] [+ bias] [then ReLU]. All row-major.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

struct GemmArgs {
  int64_t m = 0, n = 0, k = 0;        ///< C is m x n, op(A) m x k, op(B) k x n
  bool trans_a = false;               ///< A is stored k x m
  bool trans_b = false;               ///< B is stored n x k
  bool accumulate = false;            ///< C += instead of C =
  bool relu = false;                  ///< max(., 0) after all else
  int64_t lda = 0, ldb = 0, ldc = 0;  ///< elements between stored rows
  const void* a = nullptr;
  const void* b = nullptr;
  void* c = nullptr;
  const void* bias = nullptr;  ///< n elements added to every row of C, or null
  /// What the row's prepare made of B, where that is given transposed and batch is 1; or null.
  const void* prepared = nullptr;
  int64_t batch = 1;  ///< products; a, b, c advance by the strides below (0: shared)
  int64_t stride_a = 0, stride_b = 0, stride_c = 0;
};

Rows<GemmArgs> gemm_rows(Type type);  ///< f32, f64

}  // namespace taxon::kernels

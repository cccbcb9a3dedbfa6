// Sums of the columns of a matrix, as f32 and in an order that depends on the sizes alone: the
// gradient of a bias.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <taxon/kernels/exec.h>

namespace taxon::kernels::cuda {

/// Bytes of scratch memory for x of any alignment. T: float or Bf16.
template <class T>
size_t column_sums_scratch(int64_t rows, int64_t columns);
/// sums[c] = the sum of x[r, c] over r, x [rows, columns].
template <class T>
void column_sums(const void* x, int64_t rows, int64_t columns, float* sums, void* scratch,
                 const Exec& exec);

}  // namespace taxon::kernels::cuda

// The vector kernels of this family, one set per instruction set, and how they split their work.
#pragma once

#include <taxon/kernels/reduce.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(reduce, ReduceArgs)
TAXON_VECTOR_KERNEL(reduce_bf16, ReduceArgs)
TAXON_VECTOR_KERNEL(argmax, ArgmaxArgs)
TAXON_VECTOR_KERNEL(argmax_bf16, ArgmaxArgs)

/// Pieces that the reduced axis is cut into: outputs are split first, the axis only where there are
/// few.
static inline int64_t reduce_pieces(const ReduceArgs& args) {
  if (args.outer >= 8 || args.outer * args.inner > 16384) return 1;
  const int64_t pieces = args.n * args.inner / 16384, most = args.n < 8 ? args.n : 8;
  if (pieces <= 1) return 1;
  return pieces < most ? pieces : most;
}

/// Scratch: a partial result in double for each piece and output, where there are several pieces.
static inline int64_t reduce_scratch(const ReduceArgs& args) {
  const int64_t pieces = reduce_pieces(args);
  return pieces == 1 ? 0 : args.outer * pieces * args.inner * 8;
}

}  // namespace taxon::kernels

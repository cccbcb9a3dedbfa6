// The vector kernels of this family, one set per instruction set.
#pragma once

#include <taxon/kernels/pointwise.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(unary, UnaryArgs)
TAXON_VECTOR_KERNEL(unary_bf16, UnaryArgs)
TAXON_VECTOR_KERNEL(unary_grad, UnaryGradArgs)
TAXON_VECTOR_KERNEL(unary_grad_bf16, UnaryGradArgs)
TAXON_VECTOR_KERNEL(binary, BinaryArgs)
TAXON_VECTOR_KERNEL(binary_bf16, BinaryArgs)
TAXON_VECTOR_KERNEL(cast, CastArgs)
TAXON_VECTOR_KERNEL(dropout, DropoutArgs)
TAXON_VECTOR_KERNEL(dropout_bf16, DropoutArgs)

}  // namespace taxon::kernels

// The vector kernels of this family, one set per instruction set.
#pragma once

#include <taxon/kernels/pointwise.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(unary, UnaryArgs)
TAXON_VECTOR_KERNEL(unary_grad, UnaryGradArgs)
TAXON_VECTOR_KERNEL(binary, BinaryArgs)
TAXON_VECTOR_KERNEL(cast, CastArgs)
TAXON_VECTOR_KERNEL(dropout, DropoutArgs)

}  // namespace taxon::kernels

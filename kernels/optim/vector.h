// The vector kernels of this family, one set per instruction set.
#pragma once

#include <taxon/kernels/optim.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(sgd, SgdArgs)
TAXON_VECTOR_KERNEL(adamw, AdamWArgs)
TAXON_VECTOR_KERNEL(lerp, LerpArgs)

}  // namespace taxon::kernels

// The vector kernel of this family, one per instruction set.
#pragma once

#include <taxon/kernels/movement.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(gather_grad, GatherGradArgs)

}  // namespace taxon::kernels

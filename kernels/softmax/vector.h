// The vector kernels of this family, one set per instruction set.
#pragma once

#include <taxon/kernels/softmax.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(softmax, SoftmaxArgs)
TAXON_VECTOR_KERNEL(softmax_grad, SoftmaxGradArgs)
TAXON_VECTOR_KERNEL(cross_entropy, CrossEntropyArgs)
TAXON_VECTOR_KERNEL(bce, BceArgs)
TAXON_VECTOR_KERNEL(bce_grad, BceGradArgs)

}  // namespace taxon::kernels

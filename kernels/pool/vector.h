// The vector kernels of this family, one set per instruction set.
#pragma once

#include <taxon/kernels/pool.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(max_pool, PoolArgs)
TAXON_VECTOR_KERNEL(max_pool_bf16, PoolArgs)
TAXON_VECTOR_KERNEL(max_pool_grad, PoolGradArgs)
TAXON_VECTOR_KERNEL(max_pool_grad_bf16, PoolGradArgs)
TAXON_VECTOR_KERNEL(avg_pool, PoolArgs)
TAXON_VECTOR_KERNEL(avg_pool_bf16, PoolArgs)
TAXON_VECTOR_KERNEL(avg_pool_grad, PoolGradArgs)
TAXON_VECTOR_KERNEL(avg_pool_grad_bf16, PoolGradArgs)
TAXON_VECTOR_KERNEL(adaptive_avg_pool, AdaptiveAvgPoolArgs)
TAXON_VECTOR_KERNEL(adaptive_avg_pool_bf16, AdaptiveAvgPoolArgs)
TAXON_VECTOR_KERNEL(adaptive_avg_pool_grad, AdaptiveAvgPoolArgs)
TAXON_VECTOR_KERNEL(adaptive_avg_pool_grad_bf16, AdaptiveAvgPoolArgs)

}  // namespace taxon::kernels

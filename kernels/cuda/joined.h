// The tables of the CUDA backend where cuDNN and cuBLASLt have rows: those stand first, ours last.
#pragma once

#include <taxon/kernels/collectives.h>

#include "cuda/tables.h"

namespace taxon::kernels::cuda::joined {

/// Backend::set_fast for cuDNN and cuBLASLt.
void set_fast(bool on);

/// NCCL's, where the build has it.
const Collectives& collectives();

Rows<GemmArgs> gemm_rows(Type type);
Rows<Conv2dArgs> conv2d_forward_rows(Type type);
Rows<Conv2dArgs> conv2d_backward_data_rows(Type type);
Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type);
Rows<BatchNormArgs> batch_norm_rows(Type type);
Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type);
Rows<SoftmaxArgs> softmax_rows(Type type);
Rows<SoftmaxGradArgs> softmax_grad_rows(Type type);
Rows<PoolArgs> max_pool_rows(Type type);
Rows<PoolArgs> avg_pool_rows(Type type);
Rows<PoolGradArgs> avg_pool_grad_rows(Type type);

}  // namespace taxon::kernels::cuda::joined

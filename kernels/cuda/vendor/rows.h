// The rows of cuDNN and cuBLASLt, to stand before our own kernels' in the CUDA tables. Each
// declines with a reason where the library is absent or has no kernel for the arguments. Types: f32
// and bf16 (softmax: f32). Set vendor::set_devices first (vendor.h).
#pragma once

#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/gemm.h>
#include <taxon/kernels/norm.h>
#include <taxon/kernels/pool.h>
#include <taxon/kernels/softmax.h>

namespace taxon::kernels::cuda {

/// In bf16 a, b and c are bf16; with a bias it declines.
const Row<GemmArgs>& gemm_cublaslt(Type type);

const Row<Conv2dArgs>& conv2d_forward_cudnn(Type type);
const Row<Conv2dArgs>& conv2d_backward_data_cudnn(Type type);
const Row<Conv2dArgs>& conv2d_backward_weight_cudnn(Type type);
const Row<BatchNormArgs>& batch_norm_cudnn(Type type);
const Row<BatchNormGradArgs>& batch_norm_grad_cudnn(Type type);
const Row<PoolArgs>& max_pool_cudnn(Type type);
const Row<PoolArgs>& avg_pool_cudnn(Type type);
const Row<PoolGradArgs>& avg_pool_grad_cudnn(Type type);
const Row<SoftmaxArgs>& softmax_cudnn(Type type);
const Row<SoftmaxGradArgs>& softmax_grad_cudnn(Type type);

}  // namespace taxon::kernels::cuda

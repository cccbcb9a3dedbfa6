// The tables of our own kernels for CUDA, one function an op, as Backend::tables wants them. A type
// that a table does not have gives an empty one.
#pragma once

#include <taxon/kernels/backend.h>

namespace taxon::kernels::cuda {

/// The table of a type among f32 and bf16.
template <class Args, size_t A, size_t B>
Rows<Args> pick(Type type, const Row<Args> (&f32)[A], const Row<Args> (&bf16)[B]) {
  if (type == Type::f32) return {f32, A};
  return type == Type::bf16 ? Rows<Args>{bf16, B} : Rows<Args>{nullptr, 0};
}
template <class Args, size_t A>
Rows<Args> pick(Type type, const Row<Args> (&f32)[A]) {
  return type == Type::f32 ? Rows<Args>{f32, A} : Rows<Args>{nullptr, 0};
}

/// In bf16 a, b and c are bf16, the bias is f32.
Rows<GemmArgs> gemm_rows(Type type);
Rows<Conv2dArgs> conv2d_forward_rows(Type type);
Rows<Conv2dArgs> conv2d_backward_data_rows(Type type);
Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type);
Rows<UnaryArgs> unary_rows(Type type);
Rows<UnaryGradArgs> unary_grad_rows(Type type);
Rows<BinaryArgs> binary_rows(Type type);
Rows<CastArgs> cast_rows();
Rows<DropoutArgs> dropout_rows(Type type);
Rows<ReduceArgs> reduce_rows(Type type);
Rows<ArgmaxArgs> argmax_rows(Type type);
Rows<SpreadArgs> spread_rows(Type type);
Rows<BatchNormArgs> batch_norm_rows(Type type);
Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type);
Rows<LayerNormArgs> layer_norm_rows(Type type);
Rows<LayerNormGradArgs> layer_norm_grad_rows(Type type);
Rows<SoftmaxArgs> softmax_rows(Type type);
Rows<SoftmaxGradArgs> softmax_grad_rows(Type type);
Rows<CrossEntropyArgs> cross_entropy_rows(Type type);
Rows<BceArgs> bce_rows(Type type);
Rows<BceGradArgs> bce_grad_rows(Type type);
Rows<PoolArgs> max_pool_rows(Type type);
Rows<PoolGradArgs> max_pool_grad_rows(Type type);
Rows<PoolArgs> avg_pool_rows(Type type);
Rows<PoolGradArgs> avg_pool_grad_rows(Type type);
Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_rows(Type type);
Rows<AdaptiveAvgPoolArgs> adaptive_avg_pool_grad_rows(Type type);
Rows<CopyArgs> copy_rows();
Rows<ImagesArgs> images_rows();
Rows<GatherArgs> gather_rows();
Rows<GatherGradArgs> gather_grad_rows(Type type);
Rows<SgdArgs> sgd_rows(Type type);
Rows<AdamWArgs> adamw_rows(Type type);
Rows<LerpArgs> lerp_rows(Type type);

}  // namespace taxon::kernels::cuda

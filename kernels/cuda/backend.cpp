// The CUDA backend: its memory and its tables put together. Under the shim it is that of the fake
// device.
#include <taxon/kernels/backend.h>

#include "cuda/runtime.h"
#include "cuda/tables.h"

#ifdef TAXON_CUDA_VENDOR
#include "cuda/joined.h"
#endif
#ifdef TAXON_CUDA_SHIM
#include "cuda/shim/settings.h"
#endif

namespace taxon::kernels::cuda {
namespace {

#ifdef TAXON_CUDA_VENDOR
namespace best = joined;  // rows of cuDNN and cuBLASLt stand before ours
#else
namespace best = cuda;
#endif
constexpr Tables tables = {
    .gemm = best::gemm_rows,
    .conv2d_forward = best::conv2d_forward_rows,
    .conv2d_backward_data = best::conv2d_backward_data_rows,
    .conv2d_backward_weight = best::conv2d_backward_weight_rows,
    .conv_pool = nullptr,
    .conv_pool_backward_weight = nullptr,
    .conv_pool_spread = nullptr,
    .unary = unary_rows,
    .unary_grad = unary_grad_rows,
    .binary = binary_rows,
    .cast = cast_rows,
    .dropout = dropout_rows,
    .reduce = reduce_rows,
    .argmax = argmax_rows,
    .spread = spread_rows,
    .batch_norm = best::batch_norm_rows,
    .batch_norm_grad = best::batch_norm_grad_rows,
    .layer_norm = layer_norm_rows,
    .layer_norm_grad = layer_norm_grad_rows,
    .softmax = best::softmax_rows,
    .softmax_grad = best::softmax_grad_rows,
    .cross_entropy = cross_entropy_rows,
    .bce = bce_rows,
    .bce_grad = bce_grad_rows,
    .max_pool = best::max_pool_rows,
    .max_pool_grad = max_pool_grad_rows,
    .avg_pool = best::avg_pool_rows,
    .avg_pool_grad = best::avg_pool_grad_rows,
    .adaptive_avg_pool = adaptive_avg_pool_rows,
    .adaptive_avg_pool_grad = adaptive_avg_pool_grad_rows,
    .copy = copy_rows,
    .images = images_rows,
    .gather = gather_rows,
    .gather_grad = gather_grad_rows,
    .sgd = sgd_rows,
    .adamw = adamw_rows,
    .lerp = lerp_rows,
};

constexpr Backend this_backend = {
    .name = "cuda",
    .device_count = device_count,
    .absence = absence,
    .device_name = device_name,
    .has_bf16 = has_bf16,
    .use = use_device,
    .allocate = allocate,
    .release = release,
    .memory = memory,
    .stream = stream,
    .to_device = to_device,
    .to_host = to_host,
    .copy = copy,
    .zero = zero,
    .synchronize = synchronize,
    .start_recording = start_recording,
    .end_recording = end_recording,
    .repeat = repeat,
    .free_recording = free_recording,
    .start_upload = start_upload,
    .await_upload = await_upload,
    .end_upload = end_upload,
    .allocate_pinned = allocate_pinned,
    .release_pinned = release_pinned,
#ifdef TAXON_CUDA_VENDOR
    .set_fast = joined::set_fast,
#else
    .set_fast = nullptr,
#endif
#ifdef TAXON_CUDA_NCCL
    .collectives = joined::collectives,
#else
    .collectives = nullptr,
#endif
    .tables = tables,
};

}  // namespace
}  // namespace taxon::kernels::cuda

#ifdef TAXON_CUDA_SHIM
const taxon::kernels::Backend* taxon::shim::backend() {
  return &kernels::cuda::this_backend;
}
#else
const taxon::kernels::Backend* taxon::kernels::cuda_backend() {
  return &cuda::this_backend;
}
#endif

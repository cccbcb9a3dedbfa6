// The kernels of the CPU, all tables of them.
#include <taxon/kernels/backend.h>

namespace taxon::kernels {

const Tables cpu_tables = {
    .gemm = gemm_rows,
    .conv2d_forward = conv2d_forward_rows,
    .conv2d_backward_data = conv2d_backward_data_rows,
    .conv2d_backward_weight = conv2d_backward_weight_rows,
    .conv_pool = conv_pool_rows,
    .conv_pool_backward_weight = conv_pool_backward_weight_rows,
    .conv_pool_spread = conv_pool_spread_rows,
    .unary = unary_rows,
    .unary_grad = unary_grad_rows,
    .binary = binary_rows,
    .cast = cast_rows,
    .dropout = dropout_rows,
    .reduce = reduce_rows,
    .argmax = argmax_rows,
    .spread = spread_rows,
    .batch_norm = batch_norm_rows,
    .batch_norm_grad = batch_norm_grad_rows,
    .layer_norm = layer_norm_rows,
    .layer_norm_grad = layer_norm_grad_rows,
    .softmax = softmax_rows,
    .softmax_grad = softmax_grad_rows,
    .cross_entropy = cross_entropy_rows,
    .bce = bce_rows,
    .bce_grad = bce_grad_rows,
    .max_pool = max_pool_rows,
    .max_pool_grad = max_pool_grad_rows,
    .avg_pool = avg_pool_rows,
    .avg_pool_grad = avg_pool_grad_rows,
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

}  // namespace taxon::kernels

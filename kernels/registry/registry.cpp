// The list of all tables.
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/conv_pool.h>
#include <taxon/kernels/gemm.h>
#include <taxon/kernels/images.h>
#include <taxon/kernels/movement.h>
#include <taxon/kernels/norm.h>
#include <taxon/kernels/optim.h>
#include <taxon/kernels/pointwise.h>
#include <taxon/kernels/pool.h>
#include <taxon/kernels/reduce.h>
#include <taxon/kernels/registry.h>
#include <taxon/kernels/softmax.h>

namespace taxon::kernels {
namespace {

using Visit = void (*)(void* context, const TableRow& row);

template <class Args>
void walk(Rows<Args> rows, Visit visit, void* context) {
  for (const Row<Args>& row : rows)
    visit(context, {row.name, row.needs, row.exact, row.declines != nullptr});
}

/// The walk of a table that exists for several element types, or for all at once.
template <auto table>
void each(Type type, Visit visit, void* context) {
  if constexpr (requires { table(type); }) {
    walk(table(type), visit, context);
  } else {
    walk(table(), visit, context);
  }
}

// The tables without an element type move bytes; they are listed once, under f32.
constexpr Table tables[] = {
    {"gemm", Type::f32, each<gemm_rows>},
    {"gemm", Type::f64, each<gemm_rows>},
    {"conv2d_forward", Type::f32, each<conv2d_forward_rows>},
    {"conv2d_forward", Type::bf16, each<conv2d_forward_rows>},
    {"conv2d_forward", Type::f64, each<conv2d_forward_rows>},
    {"conv2d_backward_data", Type::f32, each<conv2d_backward_data_rows>},
    {"conv2d_backward_data", Type::bf16, each<conv2d_backward_data_rows>},
    {"conv2d_backward_data", Type::f64, each<conv2d_backward_data_rows>},
    {"conv2d_backward_weight", Type::f32, each<conv2d_backward_weight_rows>},
    {"conv2d_backward_weight", Type::bf16, each<conv2d_backward_weight_rows>},
    {"conv2d_backward_weight", Type::f64, each<conv2d_backward_weight_rows>},
    {"conv_pool", Type::f32, each<conv_pool_rows>},
    {"conv_pool", Type::f64, each<conv_pool_rows>},
    {"conv_pool_backward_weight", Type::f32, each<conv_pool_backward_weight_rows>},
    {"conv_pool_backward_weight", Type::f64, each<conv_pool_backward_weight_rows>},
    {"conv_pool_spread", Type::f32, each<conv_pool_spread_rows>},
    {"conv_pool_spread", Type::f64, each<conv_pool_spread_rows>},
    {"unary", Type::f32, each<unary_rows>},
    {"unary", Type::bf16, each<unary_rows>},
    {"unary", Type::f64, each<unary_rows>},
    {"unary_grad", Type::f32, each<unary_grad_rows>},
    {"unary_grad", Type::bf16, each<unary_grad_rows>},
    {"unary_grad", Type::f64, each<unary_grad_rows>},
    {"binary", Type::f32, each<binary_rows>},
    {"binary", Type::bf16, each<binary_rows>},
    {"binary", Type::f64, each<binary_rows>},
    {"cast", Type::f32, each<cast_rows>},
    {"dropout", Type::f32, each<dropout_rows>},
    {"dropout", Type::bf16, each<dropout_rows>},
    {"dropout", Type::f64, each<dropout_rows>},
    {"reduce", Type::f32, each<reduce_rows>},
    {"reduce", Type::bf16, each<reduce_rows>},
    {"reduce", Type::f64, each<reduce_rows>},
    {"argmax", Type::f32, each<argmax_rows>},
    {"argmax", Type::bf16, each<argmax_rows>},
    {"argmax", Type::f64, each<argmax_rows>},
    {"spread", Type::f32, each<spread_rows>},
    {"spread", Type::bf16, each<spread_rows>},
    {"spread", Type::f64, each<spread_rows>},
    {"batch_norm", Type::f32, each<batch_norm_rows>},
    {"batch_norm", Type::bf16, each<batch_norm_rows>},
    {"batch_norm", Type::f64, each<batch_norm_rows>},
    {"batch_norm_grad", Type::f32, each<batch_norm_grad_rows>},
    {"batch_norm_grad", Type::bf16, each<batch_norm_grad_rows>},
    {"batch_norm_grad", Type::f64, each<batch_norm_grad_rows>},
    {"layer_norm", Type::f32, each<layer_norm_rows>},
    {"layer_norm", Type::bf16, each<layer_norm_rows>},
    {"layer_norm", Type::f64, each<layer_norm_rows>},
    {"layer_norm_grad", Type::f32, each<layer_norm_grad_rows>},
    {"layer_norm_grad", Type::bf16, each<layer_norm_grad_rows>},
    {"layer_norm_grad", Type::f64, each<layer_norm_grad_rows>},
    {"softmax", Type::f32, each<softmax_rows>},
    {"softmax", Type::f64, each<softmax_rows>},
    {"softmax_grad", Type::f32, each<softmax_grad_rows>},
    {"softmax_grad", Type::f64, each<softmax_grad_rows>},
    {"cross_entropy", Type::f32, each<cross_entropy_rows>},
    {"cross_entropy", Type::f64, each<cross_entropy_rows>},
    {"bce", Type::f32, each<bce_rows>},
    {"bce", Type::f64, each<bce_rows>},
    {"bce_grad", Type::f32, each<bce_grad_rows>},
    {"bce_grad", Type::f64, each<bce_grad_rows>},
    {"max_pool", Type::f32, each<max_pool_rows>},
    {"max_pool", Type::bf16, each<max_pool_rows>},
    {"max_pool", Type::f64, each<max_pool_rows>},
    {"max_pool_grad", Type::f32, each<max_pool_grad_rows>},
    {"max_pool_grad", Type::bf16, each<max_pool_grad_rows>},
    {"max_pool_grad", Type::f64, each<max_pool_grad_rows>},
    {"avg_pool", Type::f32, each<avg_pool_rows>},
    {"avg_pool", Type::bf16, each<avg_pool_rows>},
    {"avg_pool", Type::f64, each<avg_pool_rows>},
    {"avg_pool_grad", Type::f32, each<avg_pool_grad_rows>},
    {"avg_pool_grad", Type::bf16, each<avg_pool_grad_rows>},
    {"avg_pool_grad", Type::f64, each<avg_pool_grad_rows>},
    {"adaptive_avg_pool", Type::f32, each<adaptive_avg_pool_rows>},
    {"adaptive_avg_pool", Type::bf16, each<adaptive_avg_pool_rows>},
    {"adaptive_avg_pool", Type::f64, each<adaptive_avg_pool_rows>},
    {"adaptive_avg_pool_grad", Type::f32, each<adaptive_avg_pool_grad_rows>},
    {"adaptive_avg_pool_grad", Type::bf16, each<adaptive_avg_pool_grad_rows>},
    {"adaptive_avg_pool_grad", Type::f64, each<adaptive_avg_pool_grad_rows>},
    {"copy", Type::f32, each<copy_rows>},
    {"images", Type::f32, each<images_rows>},
    {"gather", Type::f32, each<gather_rows>},
    {"gather_grad", Type::f32, each<gather_grad_rows>},
    {"gather_grad", Type::f64, each<gather_grad_rows>},
    {"sgd", Type::f32, each<sgd_rows>},
    {"sgd", Type::f64, each<sgd_rows>},
    {"adamw", Type::f32, each<adamw_rows>},
    {"adamw", Type::f64, each<adamw_rows>},
    {"lerp", Type::f32, each<lerp_rows>},
    {"lerp", Type::f64, each<lerp_rows>},
};

}  // namespace

Rows<Table> all_tables() {
  return {tables, sizeof tables / sizeof tables[0]};
}

}  // namespace taxon::kernels

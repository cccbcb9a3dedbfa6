// See joined.h.
#include "cuda/joined.h"

#include "cuda/column_sums.h"
#include "cuda/runtime.h"
#ifdef TAXON_CUDA_NCCL
#include "cuda/vendor/nccl_sums.h"
#endif
#include "cuda/vendor/rows.h"
#include "cuda/vendor/vendor.h"

#include <algorithm>
#include <vector>

namespace taxon::kernels::cuda::joined {
namespace {

size_t sums_scratch(Type type, int64_t rows, int64_t columns) {
  return type == Type::bf16 ? column_sums_scratch<Bf16>(rows, columns)
                            : column_sums_scratch<float>(rows, columns);
}

void run_sums(Type type, int64_t rows, int64_t columns, const void* x, void* sums,
              const Exec& exec) {
  const auto run = type == Type::bf16 ? column_sums<Bf16> : column_sums<float>;
  run(x, rows, columns, static_cast<float*>(sums), exec.scratch, exec);
}

// What the rows of the libraries need to know of us, told before the first table is asked for.
void introduce() {
  static const bool once = [] {
    vendor::set_devices({current_device, use_device, capability});
    vendor::set_column_sums({sums_scratch, run_sums});
    return true;
  }();
  static_cast<void>(once);
}

// The library's row, then ours.
template <class Args>
std::vector<Row<Args>> before(const Row<Args>& library, Rows<Args> ours) {
  std::vector<Row<Args>> out{library};
  out.insert(out.end(), ours.begin(), ours.end());
  return out;
}

template <class Args>
Rows<Args> rows_of(const std::vector<Row<Args>>& all) {
  return {all.data(), all.size()};
}

template <auto* library, auto* ours>
auto joined(Type type) {
  if (ours(type).count == 0) return ours(type);  // a type that the op does not have
  static const auto f32 = (introduce(), before(library(Type::f32), ours(Type::f32)));
  static const auto bf16 = before(library(Type::bf16), ours(Type::bf16));
  return rows_of(type == Type::f32 ? f32 : bf16);
}

}  // namespace

void set_fast(bool on) {
  vendor::set_fast(on);
  vendor::set_tf32(on);
}

#ifdef TAXON_CUDA_NCCL
const Collectives& collectives() {
  static const bool once = [] {
    vendor::set_streams(
        {use_device, new_stream, new_event, record_event, wait_for, free_stream, free_event});
    return true;
  }();
  static_cast<void>(once);
  return vendor::nccl_collectives();
}
#endif

Rows<GemmArgs> gemm_rows(Type type) {
  return joined<gemm_cublaslt, cuda::gemm_rows>(type);
}
Rows<Conv2dArgs> conv2d_forward_rows(Type type) {
  return joined<conv2d_forward_cudnn, cuda::conv2d_forward_rows>(type);
}
Rows<Conv2dArgs> conv2d_backward_data_rows(Type type) {
  return joined<conv2d_backward_data_cudnn, cuda::conv2d_backward_data_rows>(type);
}
Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type) {
  return joined<conv2d_backward_weight_cudnn, cuda::conv2d_backward_weight_rows>(type);
}
Rows<BatchNormArgs> batch_norm_rows(Type type) {
  return joined<batch_norm_cudnn, cuda::batch_norm_rows>(type);
}
Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type) {
  return joined<batch_norm_grad_cudnn, cuda::batch_norm_grad_rows>(type);
}
Rows<SoftmaxArgs> softmax_rows(Type type) {
  return joined<softmax_cudnn, cuda::softmax_rows>(type);
}
Rows<SoftmaxGradArgs> softmax_grad_rows(Type type) {
  return joined<softmax_grad_cudnn, cuda::softmax_grad_rows>(type);
}
Rows<PoolArgs> max_pool_rows(Type type) {
  return joined<max_pool_cudnn, cuda::max_pool_rows>(type);
}
Rows<PoolArgs> avg_pool_rows(Type type) {
  return joined<avg_pool_cudnn, cuda::avg_pool_rows>(type);
}
Rows<PoolGradArgs> avg_pool_grad_rows(Type type) {
  return joined<avg_pool_grad_cudnn, cuda::avg_pool_grad_rows>(type);
}

}  // namespace taxon::kernels::cuda::joined

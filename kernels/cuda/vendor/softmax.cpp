// Softmax by cuDNN, through the function that came before the graphs: a graph of softmax's steps
// (maximum, difference, exponential, sum, quotient) has an engine only inside attention. f32 only.
#include <taxon/base/error.h>

#include "cudnn_row.h"
#include "rows.h"

namespace taxon::kernels::cuda::vendor {
namespace {

/// [outer, axis, inner] as images of `axis` channels and `inner` rows, in the order of memory.
class SoftmaxTensor {
 public:
  SoftmaxTensor(std::int64_t outer, std::int64_t axis, std::int64_t inner) {
    check(library_->create_tensor(&tensor_), "cudnnCreateTensorDescriptor");
    const auto narrow = [](std::int64_t v) { return static_cast<int>(v); };
    const cudnnStatus_t status =
        library_->set_tensor(tensor_, CUDNN_DATA_FLOAT, narrow(outer), narrow(axis), narrow(inner),
                             1, narrow(axis * inner), narrow(inner), 1, 1);
    if (status == CUDNN_STATUS_SUCCESS) return;
    library_->destroy_tensor(tensor_);
    fail_call("cudnnSetTensor4dDescriptorEx", status);
  }
  ~SoftmaxTensor() { library_->destroy_tensor(tensor_); }
  SoftmaxTensor(const SoftmaxTensor&) = delete;
  SoftmaxTensor& operator=(const SoftmaxTensor&) = delete;
  cudnnTensorDescriptor_t get() const { return tensor_; }

 private:
  const Cudnn* library_ = cudnn();
  cudnnTensorDescriptor_t tensor_ = nullptr;
};

template <class Args>
const char* declines(const Args& a) {
  if (const char* reason = unusable(cudnn_absence(), false)) return reason;
  if (a.outer < 1 || a.axis < 1 || a.inner < 1) return "an empty tensor";
  if (a.outer * a.axis * a.inner > INT32_MAX) return "more than 2^31 elements";
  return nullptr;
}

template <class Args>
cudnnSoftmaxAlgorithm_t algorithm(const Args& a) {
  return a.log ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE;
}

void forward(const SoftmaxArgs& a, const Exec& exec) {
  const Handle handle(exec.device, exec.stream);
  const SoftmaxTensor tensor(a.outer, a.axis, a.inner);
  const float one = 1, zero = 0;
  check(cudnn()->softmax_forward(handle.get(), algorithm(a), CUDNN_SOFTMAX_MODE_CHANNEL, &one,
                                 tensor.get(), a.x, &zero, tensor.get(), a.y),
        "cudnnSoftmaxForward");
}
void backward(const SoftmaxGradArgs& a, const Exec& exec) {
  const Handle handle(exec.device, exec.stream);
  const SoftmaxTensor tensor(a.outer, a.axis, a.inner);
  const float one = 1, zero = 0;
  check(cudnn()->softmax_backward(handle.get(), algorithm(a), CUDNN_SOFTMAX_MODE_CHANNEL, &one,
                                  tensor.get(), a.y, tensor.get(), a.dy, &zero, tensor.get(), a.dx),
        "cudnnSoftmaxBackward");
}

}  // namespace
}  // namespace taxon::kernels::cuda::vendor

namespace taxon::kernels::cuda {

const Row<SoftmaxArgs>& softmax_cudnn(Type) {
  static const Row<SoftmaxArgs> row{"softmax/cudnn", Needs::baseline,
                                    false,           vendor::declines<SoftmaxArgs>,
                                    nullptr,         vendor::forward};
  return row;
}
const Row<SoftmaxGradArgs>& softmax_grad_cudnn(Type) {
  static const Row<SoftmaxGradArgs> row{
      "softmax_grad/cudnn", Needs::baseline, false, vendor::declines<SoftmaxGradArgs>, nullptr,
      vendor::backward};
  return row;
}

}  // namespace taxon::kernels::cuda

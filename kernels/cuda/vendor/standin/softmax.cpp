// The stand-in for cuDNN: softmax, of the interface that came before the graphs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {
namespace {

std::map<void*, View>& tensors() {
  static std::map<void*, View> all;
  return all;
}

View found(cudnnTensorDescriptor_t tensor, const void* data) {
  const auto at = tensors().find(tensor);
  demand(at != tensors().end() && at->second.dims[0] > 0, CUDNN_STATUS_BAD_PARAM,
         "no tensor, a destroyed one, or one that was not set");
  demand(data != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no data");
  View v = at->second;
  v.data = const_cast<unsigned char*>(static_cast<const unsigned char*>(data));
  return v;
}

/// Calls f with a function that gives the index of each of the values that one softmax is over.
template <class F>
void each_softmax(const View& v, cudnnSoftmaxMode_t mode, F f) {
  demand(mode == CUDNN_SOFTMAX_MODE_CHANNEL, CUDNN_STATUS_NOT_SUPPORTED, "another mode");
  for (std::int64_t n = 0; n < v.dims[0]; ++n) {
    for (std::int64_t h = 0; h < v.dims[2]; ++h) {
      for (std::int64_t w = 0; w < v.dims[3]; ++w)
        f([=](std::int64_t c) { return Index{n, c, h, w}; });
    }
  }
}

/// alpha is 1 and beta 0: no call of ours needs more.
void check_blend(const void* alpha, const void* beta) {
  demand(*static_cast<const float*>(alpha) == 1 && *static_cast<const float*>(beta) == 0,
         CUDNN_STATUS_NOT_SUPPORTED, "another blend");
}
void check_call(State& s, cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm) {
  demand(s.handles.count(handle) > 0, CUDNN_STATUS_BAD_PARAM, "no handle, or a destroyed one");
  demand(algorithm != CUDNN_SOFTMAX_FAST, CUDNN_STATUS_NOT_SUPPORTED, "without the maximum");
}
void note(State& s, cudnnHandle_t handle, const char* what) {
  s.record.executed.push_back(what);
  s.record.streams.push_back(s.handles[handle]);
}

}  // namespace

cudnnStatus_t create_tensor(cudnnTensorDescriptor_t* tensor) {
  return guarded<cudnnStatus_t>("cudnnCreateTensorDescriptor", [&](State& s) {
    auto* const made = new int(0);
    tensors()[made] = View{};
    *tensor = reinterpret_cast<cudnnTensorDescriptor_t>(made);
    ++s.record.live;
  });
}
cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type, int n, int c, int h,
                         int w, int sn, int sc, int sh, int sw) {
  return guarded<cudnnStatus_t>("cudnnSetTensor4dDescriptorEx", [&](State&) {
    demand(tensors().count(tensor) > 0, CUDNN_STATUS_BAD_PARAM, "no tensor");
    demand(n > 0 && c > 0 && h > 0 && w > 0, CUDNN_STATUS_BAD_PARAM, "an empty tensor");
    tensors()[tensor] = View{{n, c, h, w}, {sn, sc, sh, sw}, type, nullptr};
  });
}
cudnnStatus_t destroy_tensor(cudnnTensorDescriptor_t tensor) {
  return guarded<cudnnStatus_t>("cudnnDestroyTensorDescriptor", [&](State& s) {
    demand(tensors().erase(tensor) == 1, CUDNN_STATUS_BAD_PARAM, "no tensor");
    delete reinterpret_cast<int*>(tensor);
    --s.record.live;
  });
}

cudnnStatus_t softmax_forward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                              cudnnSoftmaxMode_t mode, const void* alpha,
                              cudnnTensorDescriptor_t x_tensor, const void* x_data,
                              const void* beta, cudnnTensorDescriptor_t y_tensor, void* y_data) {
  return guarded<cudnnStatus_t>("cudnnSoftmaxForward", [&](State& s) {
    check_call(s, handle, algorithm);
    check_blend(alpha, beta);
    const View x = found(x_tensor, x_data), y = found(y_tensor, y_data);
    demand(x.dims == y.dims, CUDNN_STATUS_BAD_PARAM, "sizes differ");
    each_softmax(y, mode, [&](auto at) {
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::int64_t c = 0; c < x.dims[1]; ++c) most = std::max(most, x.get(at(c)));
      for (std::int64_t c = 0; c < x.dims[1]; ++c) sum += std::exp(x.get(at(c)) - most);
      for (std::int64_t c = 0; c < x.dims[1]; ++c) {
        const double z = x.get(at(c)) - most;
        y.set(at(c), algorithm == CUDNN_SOFTMAX_LOG ? z - std::log(sum) : std::exp(z) / sum);
      }
    });
    note(s, handle, "softmax");
  });
}

cudnnStatus_t softmax_backward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                               cudnnSoftmaxMode_t mode, const void* alpha,
                               cudnnTensorDescriptor_t y_tensor, const void* y_data,
                               cudnnTensorDescriptor_t dy_tensor, const void* dy_data,
                               const void* beta, cudnnTensorDescriptor_t dx_tensor, void* dx_data) {
  return guarded<cudnnStatus_t>("cudnnSoftmaxBackward", [&](State& s) {
    check_call(s, handle, algorithm);
    check_blend(alpha, beta);
    const View y = found(y_tensor, y_data), dy = found(dy_tensor, dy_data),
               dx = found(dx_tensor, dx_data);
    demand(y.dims == dy.dims && y.dims == dx.dims, CUDNN_STATUS_BAD_PARAM, "sizes differ");
    const bool log = algorithm == CUDNN_SOFTMAX_LOG;
    each_softmax(dx, mode, [&](auto at) {
      double sum = 0;
      for (std::int64_t c = 0; c < y.dims[1]; ++c) sum += dy.get(at(c)) * (log ? 1 : y.get(at(c)));
      for (std::int64_t c = 0; c < y.dims[1]; ++c) {
        const double d = dy.get(at(c)), p = y.get(at(c));
        dx.set(at(c), log ? d - std::exp(p) * sum : p * (d - sum));
      }
    });
    note(s, handle, "softmax_grad");
  });
}

}  // namespace taxon::kernels::cuda::vendor::standin

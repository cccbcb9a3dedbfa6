// The stand-in for cuDNN: views of tensors, the operands of operations, and what is computed
// element by element. Arithmetic is in double; every tensor, virtual ones too, is rounded to its
// type.
#include <taxon/base/dtype.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {

std::size_t size_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_BFLOAT16 ? 2 : type == CUDNN_DATA_INT8 ? 1 : 4;
}

View view_of(const Fake& tensor) {
  View v;
  const auto dims = tensor.list(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = tensor.list(CUDNN_ATTR_TENSOR_STRIDES);
  std::copy(dims.begin(), dims.end(), v.dims.begin());
  std::copy(strides.begin(), strides.end(), v.strides.begin());
  v.type = tensor.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  return v;
}
std::int64_t elements(const View& v) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < 4; ++i) last += (v.dims[i] - 1) * v.strides[i];
  return last + 1;
}

namespace {

std::int64_t offset(const View& v, const Index& i) {
  std::int64_t at = 0;
  for (std::size_t a = 0; a < 4; ++a) at += (v.dims[a] == 1 ? 0 : i[a]) * v.strides[a];
  return at;
}
template <class T>
T load(const View& v, std::int64_t at) {
  T value;
  std::memcpy(&value, v.data + static_cast<std::size_t>(at) * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void store(const View& v, std::int64_t at, T value) {
  std::memcpy(v.data + static_cast<std::size_t>(at) * sizeof(T), &value, sizeof(T));
}

}  // namespace

double View::get(Index i) const {
  const std::int64_t at = offset(*this, i);
  if (type == CUDNN_DATA_BFLOAT16) return static_cast<float>(load<bf16>(*this, at));
  if (type == CUDNN_DATA_INT8) return load<std::int8_t>(*this, at);
  return load<float>(*this, at);
}
void View::set(Index i, double value) const {
  const std::int64_t at = offset(*this, i);
  if (type == CUDNN_DATA_BFLOAT16) return store(*this, at, bf16(static_cast<float>(value)));
  if (type == CUDNN_DATA_INT8) return store(*this, at, static_cast<std::int8_t>(value));
  store(*this, at, static_cast<float>(value));
}

namespace {

cudnnPointwiseMode_t mode_of(const Fake& op) {
  return op.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
      .get<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
}

std::string pointwise_name(cudnnPointwiseMode_t mode) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return "add";
    case CUDNN_POINTWISE_SUB:
      return "sub";
    case CUDNN_POINTWISE_MUL:
      return "mul";
    case CUDNN_POINTWISE_MAX:
      return "max";
    case CUDNN_POINTWISE_IDENTITY:
      return "identity";
    case CUDNN_POINTWISE_RSQRT:
      return "rsqrt";
    case CUDNN_POINTWISE_RECIPROCAL:
      return "reciprocal";
    case CUDNN_POINTWISE_RELU_FWD:
      return "relu";
    case CUDNN_POINTWISE_RELU_BWD:
      return "relu_grad";
    default:
      refuse_call(CUDNN_STATUS_NOT_SUPPORTED, "a pointwise mode that is not known here");
  }
}

double pointwise(cudnnPointwiseMode_t mode, double x, double b) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return x + b;
    case CUDNN_POINTWISE_SUB:
      return x - b;
    case CUDNN_POINTWISE_MUL:
      return x * b;
    case CUDNN_POINTWISE_MAX:
      return x > b ? x : b;
    case CUDNN_POINTWISE_IDENTITY:
      return x;
    case CUDNN_POINTWISE_RSQRT:
      return 1 / std::sqrt(x);
    case CUDNN_POINTWISE_RECIPROCAL:
      return 1 / x;
    case CUDNN_POINTWISE_RELU_FWD:
      return x < 0 ? 0 : x;
    case CUDNN_POINTWISE_RELU_BWD:
      return x > 0 ? b : 0;  // b: the gradient of the output
    default:
      refuse_call(CUDNN_STATUS_NOT_SUPPORTED, "a pointwise mode that is not known here");
  }
}

const View& bound(const Fake& tensor, const Memory& memory) {
  return memory.at(tensor.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID));
}

void compute_pointwise(const Fake& op, const Memory& memory) {
  const auto in = inputs_of(op);
  const View& x = bound(*in[0], memory);
  const View* b = in.size() > 1 ? &bound(*in[1], memory) : nullptr;
  const View& y = bound(*outputs_of(op)[0], memory);
  const auto mode = mode_of(op);
  y.each([&](const Index& i) { y.set(i, pointwise(mode, x.get(i), b ? b->get(i) : 0)); });
}

void compute_sum(const Fake& op, const Memory& memory) {
  const View& x = bound(*inputs_of(op)[0], memory);
  const View& y = bound(*outputs_of(op)[0], memory);
  std::map<Index, double> sums;
  x.each([&](const Index& i) {
    Index to = i;
    for (std::size_t a = 0; a < 4; ++a) to[a] = y.dims[a] == 1 ? 0 : i[a];
    sums[to] += x.get(i);
  });
  for (const auto& [i, sum] : sums) y.set(i, sum);
}

/// The operands of each type of operation that has nothing else to tell.
struct Operands {
  cudnnBackendDescriptorType_t type;
  const char* name;
  std::vector<cudnnBackendAttributeName_t> in, out;
};
const std::vector<Operands>& operands() {
  static const std::vector<Operands> all = {
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       "conv_forward",
       {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W},
       {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       "conv_backward_data",
       {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W},
       {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       "conv_backward_weight",
       {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
       {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW}},
      {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
       "",
       {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
        CUDNN_ATTR_OPERATION_POINTWISE_DYDESC},
       {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_ATTR_OPERATION_POINTWISE_DXDESC}},
      {CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR,
       "sum",
       {CUDNN_ATTR_OPERATION_REDUCTION_XDESC},
       {CUDNN_ATTR_OPERATION_REDUCTION_YDESC}},
      {CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR,
       "batch_norm",
       {CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC},
       {CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC}},
      {CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR,
       "batch_norm_grad",
       {CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC},
       {CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC}},
      {CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR,
       "pool",
       {CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC},
       {CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, CUDNN_ATTR_OPERATION_RESAMPLE_FWD_IDXDESC}},
      {CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR,
       "pool_grad",
       {CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, CUDNN_ATTR_OPERATION_RESAMPLE_BWD_IDXDESC},
       {CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC}}};
  return all;
}
const Operands& operands_of(const Fake& op) {
  for (const Operands& o : operands()) {
    if (o.type == op.type) return o;
  }
  refuse_call(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "not an operation");
}
std::vector<const Fake*> those(const Fake& op,
                               const std::vector<cudnnBackendAttributeName_t>& names) {
  std::vector<const Fake*> all;
  for (const auto name : names) {
    if (op.has(name)) all.push_back(&op.part(name));
  }
  return all;
}

}  // namespace

std::vector<const Fake*> inputs_of(const Fake& op) {
  return those(op, operands_of(op).in);
}
std::vector<const Fake*> outputs_of(const Fake& op) {
  return those(op, operands_of(op).out);
}

std::string name_of(const Fake& op) {
  if (op.type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) return pointwise_name(mode_of(op));
  return operands_of(op).name;
}
std::string names_of(const Fake& graph) {
  std::string all;
  for (const auto& op : graph.values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).parts)
    all += (all.empty() ? "" : "+") + name_of(*op);
  return all;
}

void compute(const Fake& op, const Memory& memory) {
  switch (op.type) {
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      return compute_pointwise(op, memory);
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
      return compute_sum(op, memory);
    case CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR:
      return compute_norm_forward(op, memory);
    case CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR:
      return compute_norm_backward(op, memory);
    case CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR:
      return compute_resample(op, memory, false);
    case CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR:
      return compute_resample(op, memory, true);
    default:
      return compute_convolution(op, memory);
  }
}

}  // namespace taxon::kernels::cuda::vendor::standin

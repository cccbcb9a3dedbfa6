// See graph.h: one function for each kind of descriptor.
#include "graph.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <map>

namespace taxon::kernels::cuda::vendor {

const Tensor& Graph::tensor(std::int64_t id) const {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.id == id; });
  if (found == tensors.end()) fail<DeviceError>("a cuDNN graph has no tensor ", id);
  return *found;
}

namespace {

constexpr std::int64_t kSpatial = 2;  // height and width

/// Makes the descriptors of one graph and keeps them.
class Maker {
 public:
  explicit Maker(bool deterministic) : deterministic_(deterministic) {}

  void add(const Tensor& t) {
    Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, t.type);
    d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, t.dims);
    d.set(CUDNN_ATTR_TENSOR_STRIDES, t.strides);
    d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, t.id);
    d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, t.alignment);
    d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, t.is_virtual);
    d.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, t.by_value);
    tensors_[t.id] = keep(std::move(d));
  }

  void add(const Convolution& c) {
    struct Names {
      cudnnBackendDescriptorType_t type;
      cudnnBackendAttributeName_t x, w, y, conv, alpha, beta;
    };
    static constexpr Names kNames[] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};
    const Names& names = kNames[static_cast<int>(c.kind)];
    Descriptor d(names.type);
    d.set(names.conv, kept(keep(convolution(c))));
    d.set(names.x, tensor(c.x));
    d.set(names.w, tensor(c.w));
    d.set(names.y, tensor(c.y));
    d.set(names.alpha, CUDNN_TYPE_FLOAT, 1.0f);
    d.set(names.beta, CUDNN_TYPE_FLOAT, 0.0f);
    operation(std::move(d));
  }

  void add(const Pointwise& p) {
    Descriptor mode(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    mode.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, p.mode);
    mode.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    Descriptor d(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    d.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kept(keep(std::move(mode))));
    d.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, tensor(p.x));
    const bool backward = p.mode == CUDNN_POINTWISE_RELU_BWD;
    if (p.b != 0) {
      d.set(backward ? CUDNN_ATTR_OPERATION_POINTWISE_DYDESC : CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
            tensor(p.b));
    }
    d.set(backward ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC : CUDNN_ATTR_OPERATION_POINTWISE_YDESC,
          tensor(p.y));
    operation(std::move(d));
  }

  void add(const Sum& s) {
    Descriptor how(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE,
            CUDNN_REDUCE_TENSOR_ADD);
    how.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    if (deterministic_) {
      how.set(CUDNN_ATTR_REDUCTION_IS_DETERMINISTIC, CUDNN_TYPE_BOOLEAN, true);
    }
    Descriptor d(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    d.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, kept(keep(std::move(how))));
    d.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, tensor(s.x));
    d.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, tensor(s.y));
    operation(std::move(d));
  }

  void add(const NormForward& n) {
    Descriptor d(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM);
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING);
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, tensor(n.x));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, tensor(n.scale));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC, tensor(n.bias));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC, tensor(n.epsilon));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, tensor(n.y));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, tensor(n.mean));
    d.set(CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC, tensor(n.inverse));
    operation(std::move(d));
  }

  void add(const NormBackward& n) {
    Descriptor d(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_TYPE_NORM_MODE, CUDNN_BATCH_NORM);
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, tensor(n.x));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC, tensor(n.dy));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, tensor(n.scale));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, tensor(n.mean));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, tensor(n.inverse));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, tensor(n.dx));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, tensor(n.dscale));
    d.set(CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC, tensor(n.dbias));
    operation(std::move(d));
  }

  void add(const Resample& r) {
    Descriptor d(r.backward ? CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR
                            : CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
    d.set(r.backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC
                     : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC,
          kept(keep(resample(r))));
    d.set(r.backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC
                     : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC,
          tensor(r.x));
    d.set(r.backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC
                     : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC,
          tensor(r.y));
    if (r.index != 0) {
      d.set(r.backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_IDXDESC
                       : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_IDXDESC,
            tensor(r.index));
    }
    operation(std::move(d));
  }

  FinalGraph finish(cudnnHandle_t handle) {
    FinalGraph result;
    result.graph = Descriptor(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (handle != nullptr)
      result.graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
    result.graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                     static_cast<std::int64_t>(operations_.size()), operations_.data());
    result.graph.finalize();
    result.parts = std::move(parts_);
    return result;
  }

 private:
  static Descriptor convolution(const Convolution& c) {
    Descriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    d.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
    d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, kSpatial);
    d.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, c.pad_before);
    d.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, c.pad_after);
    d.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, c.stride);
    d.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, c.dilation);
    return d;
  }

  static Descriptor resample(const Resample& r) {
    const bool maximum = r.mode == CUDNN_RESAMPLE_MAXPOOL;
    Descriptor d(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
    d.set(CUDNN_ATTR_RESAMPLE_MODE, CUDNN_TYPE_RESAMPLE_MODE, r.mode);
    d.set(CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    d.set(CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, CUDNN_PROPAGATE_NAN);
    d.set(CUDNN_ATTR_RESAMPLE_PADDING_MODE, CUDNN_TYPE_PADDING_MODE,
          maximum ? CUDNN_NEG_INF_PAD : CUDNN_ZERO_PAD);
    d.set(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, CUDNN_TYPE_INT64, kSpatial);
    d.set(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, r.window);
    d.set(CUDNN_ATTR_RESAMPLE_STRIDES, r.stride);
    d.set(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, r.pad_before);
    d.set(CUDNN_ATTR_RESAMPLE_POST_PADDINGS, r.pad_after);
    return d;
  }

  /// Finalises a part and returns its place.
  std::size_t keep(Descriptor d) {
    d.finalize();
    parts_.push_back(std::move(d));
    return parts_.size() - 1;
  }
  void operation(Descriptor d) { operations_.push_back(parts_[keep(std::move(d))].get()); }
  const Descriptor& kept(std::size_t place) const { return parts_[place]; }
  const Descriptor& tensor(std::int64_t id) const {
    const auto found = tensors_.find(id);
    if (found == tensors_.end()) fail<DeviceError>("a cuDNN graph has no tensor ", id);
    return parts_[found->second];
  }

  bool deterministic_;
  std::vector<Descriptor> parts_;
  std::map<std::int64_t, std::size_t> tensors_;
  std::vector<cudnnBackendDescriptor_t> operations_;
};

}  // namespace

FinalGraph finalize(const Graph& graph, cudnnHandle_t handle, bool deterministic) {
  Maker maker(deterministic);
  for (const Tensor& t : graph.tensors) maker.add(t);
  for (const Operation& operation : graph.operations) {
    std::visit([&](const auto& o) { maker.add(o); }, operation);
  }
  return maker.finish(handle);
}

}  // namespace taxon::kernels::cuda::vendor

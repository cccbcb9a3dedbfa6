// The stand-in for cuDNN: what must fit together in a descriptor when it is finalised.
#include <algorithm>
#include <set>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {

namespace {

void good(bool holds, const std::string& text) {
  demand(holds, CUDNN_STATUS_BAD_PARAM, text);
}
void shape(bool holds, const std::string& text) {
  demand(holds, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, text);
}

bool is_virtual(const Fake& t) {
  return t.has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && t.get<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
}
bool is_value(const Fake& t) {
  return t.has(CUDNN_ATTR_TENSOR_IS_BY_VALUE) && t.get<bool>(CUDNN_ATTR_TENSOR_IS_BY_VALUE);
}

void check_tensor(const Fake& t) {
  const auto dims = t.list(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = t.list(CUDNN_ATTR_TENSOR_STRIDES);
  std::vector<std::pair<std::int64_t, std::int64_t>> axes;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    good(dims[i] >= 1 && strides[i] >= 1, "a tensor's sizes and strides are 1 or more");
    if (dims[i] > 1) axes.push_back({strides[i], dims[i]});
  }
  std::sort(axes.begin(), axes.end());
  for (std::size_t i = 1; i < axes.size(); ++i) {
    good(axes[i].first >= axes[i - 1].first * axes[i - 1].second, "a tensor's elements overlap");
  }
  const auto alignment = t.get<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  const auto size = static_cast<std::int64_t>(size_of(view_of(t).type));
  good(alignment >= size && (alignment & (alignment - 1)) == 0,
       "an alignment is a power of two and no less than an element");
  good(!(is_virtual(t) && is_value(t)), "a tensor is virtual or a value, not both");
}

void check_convolution_parameters(const Fake& c) {
  good(c.get<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) == 2, "two spatial dimensions");
  good(c.get<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT,
       "products are formed in f32");
}

std::int64_t output_size(std::int64_t in, std::int64_t before, std::int64_t after,
                         std::int64_t span, std::int64_t stride) {
  return (in + before + after - span) / stride + 1;
}

void check_convolution(const Fake& op) {
  const auto in = inputs_of(op);
  const auto out = outputs_of(op);
  const bool forward = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  const bool data = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
  const View x = view_of(data ? *out[0] : *in[0]);
  const View w = view_of(forward || data ? *in[1] : *out[0]);
  const View y = view_of(forward ? *out[0] : data ? *in[0] : *in[1]);
  const Fake& p = op.part(forward ? CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC
                          : data  ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC
                                  : CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
  const auto before = p.list(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const auto after = p.list(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
  const auto stride = p.list(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto dilation = p.list(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  shape(x.dims[0] == y.dims[0], "images in and out");
  shape(y.dims[1] == w.dims[0], "filters and channels of the output");
  shape(x.dims[1] % w.dims[1] == 0 && w.dims[0] % (x.dims[1] / w.dims[1]) == 0, "groups");
  for (std::size_t i = 0; i < 2; ++i) {
    good(before[i] >= 0 && after[i] >= 0 && stride[i] >= 1 && dilation[i] >= 1, "a bad step");
    const std::int64_t span = dilation[i] * (w.dims[i + 2] - 1) + 1;
    shape(output_size(x.dims[i + 2], before[i], after[i], span, stride[i]) == y.dims[i + 2],
          "the size of the output");
  }
  const auto factor = [](const View& v) {
    return v.type == CUDNN_DATA_FLOAT || v.type == CUDNN_DATA_BFLOAT16;
  };
  const View& first = forward || !data ? x : y;
  const View& second = forward || data ? w : y;
  demand(factor(first) && first.type == second.type, CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE,
         "factors of different types");
}

/// Whether `v` can be repeated to the size of `to`.
bool fits(const View& v, const View& to) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (v.dims[i] != 1 && v.dims[i] != to.dims[i]) return false;
  }
  return true;
}

void check_pointwise(const Fake& op) {
  const auto mode = op.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                        .get<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  const bool backward = mode == CUDNN_POINTWISE_RELU_BWD;
  good(op.has(backward ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC
                       : CUDNN_ATTR_OPERATION_POINTWISE_YDESC),
       "a pointwise operation has an output");
  const bool binary = mode == CUDNN_POINTWISE_ADD || mode == CUDNN_POINTWISE_SUB ||
                      mode == CUDNN_POINTWISE_MUL || mode == CUDNN_POINTWISE_MAX || backward;
  good(inputs_of(op).size() == (binary ? 2u : 1u), "the number of operands");
  const View y = view_of(*outputs_of(op)[0]);
  for (const Fake* in : inputs_of(op)) shape(fits(view_of(*in), y), "operands of pointwise");
}

void check_reduction(const Fake& op) {
  const View x = view_of(*inputs_of(op)[0]), y = view_of(*outputs_of(op)[0]);
  shape(fits(y, x), "the result of a reduction");
}

void check_norm(const Fake& op) {
  const View x = view_of(*inputs_of(op)[0]);
  const auto check = [&](const Fake* t) {
    const View v = view_of(*t);
    const bool channels = v.dims == Index{1, x.dims[1], 1, 1} && v.type == CUDNN_DATA_FLOAT;
    shape(v.dims == x.dims || channels || is_value(*t), "the tensors of a normalisation");
  };
  for (const Fake* t : inputs_of(op)) check(t);
  for (const Fake* t : outputs_of(op)) check(t);
}

void check_resample(const Fake& op) {
  const bool backward = op.type == CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR;
  const Fake& r = op.part(backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC
                                   : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC);
  const View x = view_of(backward ? *outputs_of(op)[0] : *inputs_of(op)[0]);
  const View y = view_of(backward ? *inputs_of(op)[0] : *outputs_of(op)[0]);
  const auto window = r.list(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS);
  const auto stride = r.list(CUDNN_ATTR_RESAMPLE_STRIDES);
  const auto before = r.list(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS);
  const auto after = r.list(CUDNN_ATTR_RESAMPLE_POST_PADDINGS);
  shape(x.dims[0] == y.dims[0] && x.dims[1] == y.dims[1], "images and channels of pooling");
  for (std::size_t i = 0; i < 2; ++i) {
    shape(output_size(x.dims[i + 2], before[i], after[i], window[i], stride[i]) == y.dims[i + 2],
          "the output of pooling");
    good(before[i] < window[i] && after[i] < window[i], "padding as wide as the window");
  }
  const bool maximum =
      r.get<cudnnResampleMode_t>(CUDNN_ATTR_RESAMPLE_MODE) == CUDNN_RESAMPLE_MAXPOOL;
  const bool index = inputs_of(op).size() + outputs_of(op).size() == 3;
  good(!index || maximum, "only a maximum has a place");
  good(!backward || !maximum || index, "the gradient of a maximum needs its place");
  if (index) {
    const View i = view_of(backward ? *inputs_of(op)[1] : *outputs_of(op)[1]);
    shape(i.dims == y.dims, "the places of the maxima");
    demand(i.type == CUDNN_DATA_INT8 && window[0] * window[1] <= 128,
           CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "places fit 8 bits");
  }
}

/// Every id means one tensor; what is virtual is made before it is read, and read.
void check_graph(const Fake& graph) {
  std::map<std::int64_t, const Fake*> seen;
  std::set<std::int64_t> made, read;
  const auto same = [&](const Fake* t) {
    const auto id = t->get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    const auto [at, fresh] = seen.emplace(id, t);
    demand(fresh || at->second == t, CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES,
           "two tensors with id " + std::to_string(id));
    return id;
  };
  for (const auto& op : graph.values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).parts) {
    for (const Fake* t : inputs_of(*op)) {
      const auto id = same(t);
      read.insert(id);
      good(!is_virtual(*t) || made.count(id) > 0, "a virtual tensor is read before it is made");
    }
    for (const Fake* t : outputs_of(*op)) {
      const auto id = same(t);
      good(!is_value(*t), "an output is no value");
      good(made.insert(id).second, "a tensor is made twice");
    }
  }
  for (const auto& [id, t] : seen)
    good(!is_virtual(*t) || read.count(id) > 0, "a virtual tensor is never read");
}

void check_pack(const Fake& pack) {
  const auto ids = pack.list(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  good(pack.values.at(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).count ==
           static_cast<std::int64_t>(ids.size()),
       "as many pointers as ids");
  demand(std::set<std::int64_t>(ids.begin(), ids.end()).size() == ids.size(),
         CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "an id twice in a variant pack");
}

}  // namespace

void check_complete(const Fake& d) {
  check_required(d);
  for (const auto& [name, value] : d.values) {
    for (const auto& part : value.parts)
      demand(part->finalized, CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED,
             "attribute " + std::to_string(name) + " is not finalised");
  }
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return check_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return check_convolution_parameters(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return check_convolution(d);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      return check_pointwise(d);
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
      return check_reduction(d);
    case CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR:
      return check_norm(d);
    case CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR:
      return check_resample(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return check_graph(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return check_pack(d);
    default:
      return;
  }
}

}  // namespace taxon::kernels::cuda::vendor::standin

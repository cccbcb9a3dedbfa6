// The stand-in for cuDNN: convolutions and pooling, in double, from sizes, strides and paddings as
// the descriptors give them.
#include <cmath>
#include <limits>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {
namespace {

const View& bound(const Fake& tensor, const Memory& memory) {
  return memory.at(tensor.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID));
}

struct Steps {
  std::vector<std::int64_t> before, stride, dilation;
  /// The input that tap (r, s) of output (i, j) reads.
  Index input(const Index& out, std::int64_t channel, std::int64_t r, std::int64_t s) const {
    return {out[0], channel, out[2] * stride[0] - before[0] + r * dilation[0],
            out[3] * stride[1] - before[1] + s * dilation[1]};
  }
};
bool inside(const View& v, const Index& i) {
  return i[2] >= 0 && i[2] < v.dims[2] && i[3] >= 0 && i[3] < v.dims[3];
}

/// The names of what all three directions have.
struct Names {
  cudnnBackendAttributeName_t conv, x, w, y, alpha, beta;
};
Names names_of(cudnnBackendDescriptorType_t type) {
  switch (type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

}  // namespace

void compute_convolution(const Fake& op, const Memory& memory) {
  const Names names = names_of(op.type);
  const Fake& parameters = op.part(names.conv);
  const View &x = bound(op.part(names.x), memory), &w = bound(op.part(names.w), memory),
             &y = bound(op.part(names.y), memory);
  const Steps steps{parameters.list(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                    parameters.list(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                    parameters.list(CUDNN_ATTR_CONVOLUTION_DILATIONS)};
  const bool flipped =
      parameters.get<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CONVOLUTION;
  const double alpha = op.get<float>(names.alpha), beta = op.get<float>(names.beta);
  const bool forward = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  const bool data = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
  const View& result = forward ? y : data ? x : w;
  const std::int64_t filters = w.dims[0] / (x.dims[1] / w.dims[1]);

  // Every product of the convolution goes to its place in `sums`, laid out as the result's dims.
  const auto place = [&](const Index& i) {
    const Index& d = result.dims;
    return static_cast<std::size_t>(((i[0] * d[1] + i[1]) * d[2] + i[2]) * d[3] + i[3]);
  };
  std::vector<double> sums(
      static_cast<std::size_t>(result.dims[0] * result.dims[1] * result.dims[2] * result.dims[3]));
  y.each([&](const Index& o) {
    for (std::int64_t r = 0; r < w.dims[2]; ++r) {
      for (std::int64_t s = 0; s < w.dims[3]; ++s) {
        for (std::int64_t c = 0; c < w.dims[1]; ++c) {
          const Index in = steps.input(o, o[1] / filters * w.dims[1] + c, r, s);
          if (!inside(x, in)) continue;
          const Index tap = {o[1], c, flipped ? w.dims[2] - 1 - r : r,
                             flipped ? w.dims[3] - 1 - s : s};
          if (forward) {
            sums[place(o)] += x.get(in) * w.get(tap);
          } else if (data) {
            sums[place(in)] += y.get(o) * w.get(tap);
          } else {
            sums[place(tap)] += y.get(o) * x.get(in);
          }
        }
      }
    }
  });
  result.each([&](const Index& i) {
    const double before = beta != 0 ? beta * result.get(i) : 0;
    result.set(i, alpha * sums[place(i)] + before);
  });
}

namespace {

struct Pool {
  cudnnResampleMode_t mode;
  bool padded_with_zero;
  std::vector<std::int64_t> window;
  Steps steps;

  /// Calls f(input, place in the window) for every tap of output o inside the image.
  template <class F>
  void each(const View& x, const Index& o, F f) const {
    for (std::int64_t r = 0; r < window[0]; ++r) {
      for (std::int64_t s = 0; s < window[1]; ++s) {
        const Index in = steps.input(o, o[1], r, s);
        if (inside(x, in)) f(in, r * window[1] + s);
      }
    }
  }
  double divisor(const View& x, const Index& o) const {
    if (mode == CUDNN_RESAMPLE_AVGPOOL_INCLUDE_PADDING)
      return static_cast<double>(window[0] * window[1]);
    double count = 0;
    each(x, o, [&](const Index&, std::int64_t) { ++count; });
    return count;
  }
};

void pool_forward(const Pool& p, const View& x, const View& y, const View* index) {
  y.each([&](const Index& o) {
    double sum = 0, best = p.padded_with_zero ? 0 : -std::numeric_limits<double>::infinity();
    std::int64_t at = -1;
    p.each(x, o, [&](const Index& in, std::int64_t place) {
      const double v = x.get(in);
      sum += v;
      if (at < 0 || v > best || (std::isnan(v) && !std::isnan(best))) {
        best = v;
        at = place;
      }
    });
    y.set(o, p.mode == CUDNN_RESAMPLE_MAXPOOL ? best : sum / p.divisor(x, o));
    if (index != nullptr) index->set(o, static_cast<double>(at));
  });
}

void pool_backward(const Pool& p, const View& dx, const View& dy, const View* index) {
  std::map<Index, double> sums;
  dy.each([&](const Index& o) {
    const double d = dy.get(o);
    const double divisor = p.mode == CUDNN_RESAMPLE_MAXPOOL ? 1 : p.divisor(dx, o);
    p.each(dx, o, [&](const Index& in, std::int64_t place) {
      if (index != nullptr && static_cast<std::int64_t>(index->get(o)) != place) return;
      sums[in] += d / divisor;
    });
  });
  dx.each([&](const Index& i) { dx.set(i, sums.count(i) > 0 ? sums[i] : 0); });
}

}  // namespace

void compute_resample(const Fake& op, const Memory& memory, bool backward) {
  const Fake& r = op.part(backward ? CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC
                                   : CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC);
  const Pool pool{
      r.get<cudnnResampleMode_t>(CUDNN_ATTR_RESAMPLE_MODE),
      r.get<cudnnPaddingMode_t>(CUDNN_ATTR_RESAMPLE_PADDING_MODE) == CUDNN_ZERO_PAD,
      r.list(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS),
      {r.list(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS), r.list(CUDNN_ATTR_RESAMPLE_STRIDES), {1, 1}}};
  const auto in = inputs_of(op), out = outputs_of(op);
  const auto& with_index = backward ? in : out;
  const View* index = with_index.size() > 1 ? &bound(*with_index[1], memory) : nullptr;
  if (backward) {
    pool_backward(pool, bound(*out[0], memory), bound(*in[0], memory), index);
  } else {
    pool_forward(pool, bound(*in[0], memory), bound(*out[0], memory), index);
  }
}

}  // namespace taxon::kernels::cuda::vendor::standin

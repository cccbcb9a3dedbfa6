// The stand-in for cuDNN: batch normalisation, in double, channel by channel.
#include <cmath>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {
namespace {

const View& bound(const Fake& tensor, const Memory& memory) {
  return memory.at(tensor.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID));
}

struct Channels {
  explicit Channels(const View& x)
      : count(static_cast<double>(x.dims[0] * x.dims[2] * x.dims[3])),
        size(static_cast<std::size_t>(x.dims[1])) {}
  std::vector<double> zeros() const { return std::vector<double>(size); }
  double count;
  std::size_t size;
};
std::size_t channel(const Index& i) {
  return static_cast<std::size_t>(i[1]);
}
Index one(std::size_t c) {
  return {0, static_cast<std::int64_t>(c), 0, 0};
}

}  // namespace

void compute_norm_forward(const Fake& op, const Memory& memory) {
  const auto in = inputs_of(op), out = outputs_of(op);
  const View &x = bound(*in[0], memory), &scale = bound(*in[1], memory),
             &bias = bound(*in[2], memory), &epsilon = bound(*in[3], memory),
             &y = bound(*out[0], memory), &mean = bound(*out[1], memory),
             &inverse = bound(*out[2], memory);
  const Channels channels(x);
  auto means = channels.zeros(), squares = channels.zeros(), inverses = channels.zeros();
  x.each([&](const Index& i) { means[channel(i)] += x.get(i) / channels.count; });
  x.each([&](const Index& i) {
    const double d = x.get(i) - means[channel(i)];
    squares[channel(i)] += d * d / channels.count;
  });
  for (std::size_t c = 0; c < channels.size; ++c) {
    inverses[c] = 1 / std::sqrt(squares[c] + epsilon.get({}));
    mean.set(one(c), means[c]);
    inverse.set(one(c), inverses[c]);
  }
  y.each([&](const Index& i) {
    const std::size_t c = channel(i);
    y.set(i, (x.get(i) - means[c]) * inverses[c] * scale.get(one(c)) + bias.get(one(c)));
  });
}

void compute_norm_backward(const Fake& op, const Memory& memory) {
  const auto in = inputs_of(op), out = outputs_of(op);
  const View &x = bound(*in[0], memory), &dy = bound(*in[1], memory),
             &scale = bound(*in[2], memory), &mean = bound(*in[3], memory),
             &inverse = bound(*in[4], memory), &dx = bound(*out[0], memory),
             &dscale = bound(*out[1], memory), &dbias = bound(*out[2], memory);
  const Channels channels(x);
  auto sums = channels.zeros(), dots = channels.zeros();
  const auto hat = [&](const Index& i) {
    return (x.get(i) - mean.get(one(channel(i)))) * inverse.get(one(channel(i)));
  };
  x.each([&](const Index& i) {
    sums[channel(i)] += dy.get(i);
    dots[channel(i)] += dy.get(i) * hat(i);
  });
  dx.each([&](const Index& i) {
    const std::size_t c = channel(i);
    const double through = (sums[c] + hat(i) * dots[c]) / channels.count;
    dx.set(i, scale.get(one(c)) * inverse.get(one(c)) * (dy.get(i) - through));
  });
  for (std::size_t c = 0; c < channels.size; ++c) {
    dscale.set(one(c), dots[c]);
    dbias.set(one(c), sums[c]);
  }
}

}  // namespace taxon::kernels::cuda::vendor::standin

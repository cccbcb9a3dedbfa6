// Linear and Conv2d.
#include <taxon/layers/linear.h>

namespace taxon {
namespace {

void check_positive(const char* layer, const char* what, std::int64_t value) {
  if (value < 1) {
    fail<OptionError>(layer, ": ", what, " is ", value, ", expected at least 1");
  }
}

// NHWC <-> NCHW for any rank-4 tensor.
Tensor channels_first(const Tensor& x) {
  return transpose(x, {0, 3, 1, 2});
}
Tensor channels_last(const Tensor& x) {
  return transpose(x, {0, 2, 3, 1});
}

Shape linear_shape(std::int64_t in, std::int64_t out, const LinearOptions& options) {
  check_positive("Linear", "in", in);
  check_positive("Linear", "out", out);
  const auto& [h, w, c] = options.flattened;
  if (h * w * c != 0 && h * w * c != in) {
    fail<OptionError>("Linear: flattened ", Shape{h, w, c}, " has ", h * w * c,
                      " elements, expected in = ", in);
  }
  return {out, in};
}

Shape conv_shape(std::int64_t in, std::int64_t out, std::int64_t kernel, const ConvOptions& o) {
  check_positive("Conv2d", "in", in);
  check_positive("Conv2d", "out", out);
  check_positive("Conv2d", "kernel", kernel);
  check_positive("Conv2d", "stride", o.stride);
  check_positive("Conv2d", "dilation", o.dilation);
  check_positive("Conv2d", "groups", o.groups);
  if (o.padding < 0) {
    fail<OptionError>("Conv2d: padding is ", o.padding, ", expected at least 0");
  }
  if (in % o.groups != 0 || out % o.groups != 0) {
    fail<OptionError>("Conv2d: groups is ", o.groups, ", expected a divisor of in = ", in,
                      " and out = ", out);
  }
  return {out, kernel, kernel, in / o.groups};
}

Tensor conv_weight(std::int64_t in, std::int64_t out, std::int64_t kernel, Init& init,
                   const ConvOptions& o) {
  const Shape shape = conv_shape(in, out, kernel, o);
  return o.init == ConvInit::rectifier
             ? init.kaiming_normal(shape, kernel * kernel * out)
             : init.fan_in_uniform(shape, kernel * kernel * in / o.groups);
}

}  // namespace

Linear::Linear(std::int64_t in, std::int64_t out, Init& init, LinearOptions opts)
    : options(opts),
      weight(register_parameter("weight", init.fan_in_uniform(linear_shape(in, out, opts), in))),
      bias(register_parameter("bias", opts.bias ? init.fan_in_uniform(Shape{out}, in) : Tensor())) {
}

Tensor Linear::forward(const Tensor& x, bool relu) {
  return linear(x, weight, bias, relu, keep_prepared_);
}

std::string Linear::str() const {
  return text("Linear(", in(), ", ", out(), options.bias ? ")" : ", bias=false)");
}

Tensor Linear::to_file(const std::string& name, const Tensor& value) const {
  const auto& [h, w, c] = options.flattened;
  if (name != "weight" || h * w * c == 0) {
    return value;
  }
  const Tensor image = reshape(value, Shape{value.dim(0), h, w, c});
  return reshape(channels_first(image), value.shape());
}

Tensor Linear::from_file(const std::string& name, const Tensor& value) const {
  const auto& [h, w, c] = options.flattened;
  if (name != "weight" || h * w * c == 0) {
    return value;
  }
  const Tensor image = reshape(value, Shape{value.dim(0), c, h, w});
  return reshape(channels_last(image), value.shape());
}

Conv2d::Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, Init& init, ConvOptions opts)
    : options(opts),
      weight(register_parameter("weight", conv_weight(in, out, kernel, init, opts))),
      bias(register_parameter(
          "bias", opts.bias ? init.fan_in_uniform(Shape{out}, kernel * kernel * in / opts.groups)
                            : Tensor())) {}

Tensor Conv2d::forward(const Tensor& x, const Epilogue& after) {
  Conv2dOptions o;
  o.stride_h = o.stride_w = options.stride;
  o.pad_h = o.pad_w = options.padding;
  o.dilation_h = o.dilation_w = options.dilation;
  o.groups = options.groups;
  o.keep_prepared = keep_prepared_;
  return conv2d(x, weight, bias, o, after);
}

std::string Conv2d::str() const {
  std::string out = text("Conv2d(", in(), ", ", this->out(), ", kernel=", kernel());
  if (options.stride != 1) {
    out += text(", stride=", options.stride);
  }
  if (options.padding != 0) {
    out += text(", padding=", options.padding);
  }
  if (options.dilation != 1) {
    out += text(", dilation=", options.dilation);
  }
  if (options.groups != 1) {
    out += text(", groups=", options.groups);
  }
  return out + (options.bias ? ")" : ", bias=false)");
}

Tensor Conv2d::to_file(const std::string& name, const Tensor& value) const {
  return name == "weight" ? channels_first(value) : value;
}

Tensor Conv2d::from_file(const std::string& name, const Tensor& value) const {
  return name == "weight" ? channels_last(value) : value;
}

}  // namespace taxon

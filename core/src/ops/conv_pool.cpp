// Convolution with few filters and the maximum over 2x2 as one op.
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/conv_pool.h>

#include "declared.h"

namespace taxon {
namespace ops {
namespace {

// Sizes of the convolution's output.
std::int64_t conv_height(const Shape& x, const Shape& w, const ConvPoolOptions& o) {
  return x[1] + 2 * o.pad_h - w[1] + 1;
}
std::int64_t conv_width(const Shape& x, const Shape& w, const ConvPoolOptions& o) {
  return x[2] + 2 * o.pad_w - w[2] + 1;
}

kernels::ConvPoolArgs conv_pool_args(const Shape& x, const Shape& w, const ConvPoolOptions& o) {
  kernels::ConvPoolArgs args;
  args.n = x[0];
  args.h = x[1];
  args.w = x[2];
  args.c = x[3];
  args.k = w[0];
  args.r = w[1];
  args.s = w[2];
  args.pad_h = o.pad_h;
  args.pad_w = o.pad_w;
  args.oh = conv_height(x, w, o) / 2;
  args.ow = conv_width(x, w, o) / 2;
  args.relu = o.relu;
  return args;
}

// One struct serves forward and backward, so what is only read is passed without const.
void* input_of(const Tensor& t) {
  return t.defined() ? const_cast<void*>(t.raw()) : nullptr;
}

// The gradient of the input: that of the convolution's output, then the convolution's.
Tensor input_gradient(const Tensor& x, const Tensor& w, const Tensor& dy, const Tensor& code,
                      const ConvPoolOptions& o) {
  kernels::ConvPoolSpreadArgs spread;
  spread.n = dy.dim(0);
  spread.oh = dy.dim(1);
  spread.ow = dy.dim(2);
  spread.k = dy.dim(3);
  spread.h = conv_height(x.shape(), w.shape(), o);
  spread.w = conv_width(x.shape(), w.shape(), o);
  Tensor between = Tensor::empty({spread.n, spread.h, spread.w, spread.k}, dy.dtype(), dy.device());
  spread.dy = dy.raw();
  spread.code = static_cast<const std::uint8_t*>(code.raw());
  spread.dx = between.mutable_raw();
  run_kernel<&kernels::Tables::conv_pool_spread>(dy, spread);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  kernels::Conv2dArgs conv;
  conv.n = x.dim(0);
  conv.h = x.dim(1);
  conv.w = x.dim(2);
  conv.c = x.dim(3);
  conv.k = w.dim(0);
  conv.r = w.dim(1);
  conv.s = w.dim(2);
  conv.oh = spread.h;
  conv.ow = spread.w;
  conv.pad_h = o.pad_h;
  conv.pad_w = o.pad_w;
  conv.exact = exact_conv();
  conv.x = dx.mutable_raw();
  conv.weight = input_of(w);
  conv.y = input_of(between);
  run_kernel<&kernels::Tables::conv2d_backward_data>(dy, conv);
  return dx;
}

}  // namespace

Specs ConvMaxPool::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  const Spec& w = required(info.name, in, 1, "weight");
  check_float(info.name, in);
  check_rank(info.name, "input", x, 4);
  check_rank(info.name, "weight", w, 4);
  if (x.shape[3] != w.shape[3] || o.pad_h < 0 || o.pad_w < 0) {
    fail<ShapeError>(info.name, ": input ", x, ", weight ", w, ", padding ", o.pad_h, "x", o.pad_w,
                     "; expected equal channels and padding >= 0");
  }
  if (in.size() > 2) check_vector(info.name, "bias", in[2], w.shape[0]);
  const std::int64_t h = conv_height(x.shape, w.shape, o), width = conv_width(x.shape, w.shape, o);
  if (h < 2 || width < 2) {
    fail<ShapeError>(info.name, ": input ", x, " padded by ", o.pad_h, "x", o.pad_w,
                     " is too small for the filter ", w, " and a window of 2x2");
  }
  return {{Shape{x.shape[0], h / 2, width / 2, w.shape[0]}, x.dtype}};
}

void ConvMaxPool::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  auto args = conv_pool_args(in[0].shape(), in[1].shape(), o);
  args.x = in[0].raw();
  args.weight = input_of(in[1]);
  args.bias = input_of(in[2]);
  args.y = out[0].mutable_raw();
  Tensor code;
  if (context.recording()) {
    code = Tensor::empty({args.n, args.k, args.oh, args.ow}, DType::u8, out[0].device());
    args.code = static_cast<std::uint8_t*>(code.mutable_raw());
  }
  run_kernel<&kernels::Tables::conv_pool>(in[0], args);
  for (const Tensor& t : {in[0], in[1], code}) context.save(t);
}

Tensors ConvMaxPool::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor x = context.saved(0), w = context.saved(1), code = context.saved(2);
  Tensors d(3);
  if (context.needs_grad(0)) d[0] = input_gradient(x, w, dout[0], code, o);
  if (context.needs_grad(1) || context.needs_grad(2)) {
    auto args = conv_pool_args(x.shape(), w.shape(), o);
    d[1] = Tensor::empty(w.shape(), w.dtype(), w.device());
    if (context.needs_grad(2)) d[2] = Tensor::empty({args.k}, w.dtype(), w.device());
    args.x = x.raw();
    args.y = input_of(dout[0]);
    args.code = const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(code.raw()));
    args.weight = d[1].mutable_raw();
    args.bias = mutable_or_null(d[2]);
    run_kernel<&kernels::Tables::conv_pool_backward_weight>(x, args);
  }
  return d;
}

}  // namespace ops

Tensor conv2d_max_pool(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const ConvPoolOptions& options) {
  const bool composed = !(x.device() == cpu) ||  // the others have no such kernel
                        (x.dtype() == DType::f32 && !conv2d_max_pool_pays(x, weight, options));
  if (!composed) return apply<ops::ConvMaxPool>({x, weight, bias}, options);
  Conv2dOptions conv;
  conv.pad_h = options.pad_h;
  conv.pad_w = options.pad_w;
  return max_pool2d(conv2d(x, weight, bias, conv), {}, options.relu);
}

bool conv2d_max_pool_pays(const Tensor& x, const Tensor& weight, const ConvPoolOptions& options) {
  if (x.dtype() != DType::f32 || x.rank() != 4 || weight.rank() != 4) return false;
  if (!(x.device() == cpu)) return false;
  if (x.dim(3) != weight.dim(3)) return false;
  const auto args = ops::conv_pool_args(x.shape(), weight.shape(), options);
  return args.oh > 0 && args.ow > 0 && kernels::conv_pool_fits(args);
}

}  // namespace taxon

// BatchNorm2d and LayerNorm.
#include <taxon/layers/norm.h>

namespace taxon {
namespace {

Shape channel_shape(const char* layer, std::int64_t channels) {
  if (channels < 1) {
    fail<OptionError>(layer, ": ", channels, " channels, expected at least 1");
  }
  return {channels};
}

}  // namespace

BatchNorm2d::BatchNorm2d(std::int64_t channels, BatchNormOptions opts)
    : options(opts),
      weight(register_parameter("weight", opts.affine && opts.scale
                                              ? Tensor::ones(channel_shape("BatchNorm2d", channels))
                                              : Tensor())),
      bias(register_parameter("bias", opts.affine ? Tensor::zeros(Shape{channels}) : Tensor())),
      running_mean(
          register_buffer("running_mean", Tensor::zeros(channel_shape("BatchNorm2d", channels)))),
      running_var(register_buffer("running_var", Tensor::ones(Shape{channels}))),
      num_batches_tracked(
          register_buffer("num_batches_tracked", Tensor::zeros(Shape{}, DType::i64))) {}

Tensor BatchNorm2d::forward(const Tensor& x, const Epilogue& after) {
  if (folded_) {
    const Tensor y = after.residual.defined() ? x + after.residual : x;
    return after.relu ? relu(y) : y;
  }
  if (!training()) {
    return batch_norm_infer(x, weight, bias, running_mean, running_var, options.eps, after);
  }
  const std::int64_t values = channels() > 0 ? x.numel() / channels() : 0;
  if (values < 2) {
    fail<ShapeError>("BatchNorm2d: input ", x.shape(),
                     " has fewer than two values a channel; training needs more");
  }
  BatchNormResult result = group_ == nullptr
                               ? batch_norm_train(x, weight, bias, options.eps, after)
                               : batch_norm_shared(x, weight, bias, *group_, options.eps, after);
  NoGrad guard;
  const double n = group_ == nullptr ? static_cast<double>(values) : result.count;
  const std::int64_t batches = ++num_batches_tracked.mutable_view<std::int64_t>()[0];
  const double part = averaging_ ? 1.0 / static_cast<double>(batches) : options.momentum;
  lerp_(running_mean, result.mean, part);
  lerp_(running_var, mul(result.var, n / (n - 1)), part);
  return result.y;
}

void BatchNorm2d::average_batches(bool on) {
  averaging_ = on;
  if (!on) return;
  running_mean.fill(0);
  running_var.fill(1);
  num_batches_tracked.fill(0);
}

std::string BatchNorm2d::str() const {
  return text("BatchNorm2d(", channels(), ", eps=", options.eps, ", momentum=", options.momentum,
              !options.affine ? ", affine=false)"
              : options.scale ? ")"
                              : ", scale=false)");
}

LayerNorm::LayerNorm(std::int64_t n, LayerNormOptions opts)
    : size(n),
      options(opts),
      weight(register_parameter(
          "weight", opts.affine ? Tensor::ones(channel_shape("LayerNorm", n)) : Tensor())),
      bias(register_parameter("bias", opts.affine ? Tensor::zeros(Shape{n}) : Tensor())) {}

Tensor LayerNorm::forward(const Tensor& x) {
  if (x.rank() < 1 || x.dim(-1) != size) {
    fail<ShapeError>("LayerNorm: input ", x.shape(), ", expected ", size, " in the last axis");
  }
  return layer_norm(x, weight, bias, options.eps);
}

std::string LayerNorm::str() const {
  return text("LayerNorm(", size, ", eps=", options.eps, options.affine ? ")" : ", affine=false)");
}

Tensor conv_norm(Conv2d& conv, BatchNorm2d& norm, const Tensor& x, const Epilogue& after) {
  if (norm.folded()) {
    return conv.forward(x, after);
  }
  return norm.forward(conv.forward(x), after);
}

void fold_batch_norm(Conv2d& conv, BatchNorm2d& norm) {
  const std::int64_t c = norm.channels();
  if (conv.out() != c) {
    fail<ShapeError>("fold_batch_norm: ", conv.str(), " has ", conv.out(), " outputs, ", norm.str(),
                     " expects ", c);
  }
  NoGrad guard;
  // y = (conv + bias - mean) * scale + shift with scale = weight / sqrt(var + eps), in double so
  // that the folded model differs by the rounding of its weights only.
  Tensor scale = rdiv(1, sqrt(add(norm.running_var.to(DType::f64), norm.options.eps)));
  if (norm.weight.defined()) {
    scale = scale * norm.weight.to(DType::f64);
  }
  Tensor shift = neg(norm.running_mean.to(DType::f64)) * scale;
  if (conv.bias.defined()) {
    shift = shift + conv.bias.to(DType::f64) * scale;
  }
  if (norm.bias.defined()) {
    shift = shift + norm.bias.to(DType::f64);
  }
  const DType dtype = conv.weight.dtype();
  conv.weight = (conv.weight.to(DType::f64) * reshape(scale, Shape{c, 1, 1, 1})).to(dtype).detach();
  conv.bias = shift.to(dtype).detach();
  norm.folded_ = true;
}

}  // namespace taxon

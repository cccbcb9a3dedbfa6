// Batch and layer normalisation.
#include "norm.h"

namespace taxon {
namespace ops {
namespace {

std::int64_t rows_of(const Tensor& x) {
  return x.dim(-1) == 0 ? 0 : x.numel() / x.dim(-1);
}

// A vector of an element a channel: a parameter or a statistic.
Tensor parameter_like(const Tensor& x) {
  return Tensor::empty({x.dim(-1)}, parameter_dtype(x.dtype()), x.device());
}

}  // namespace

void check_norm(std::string_view op, const Specs& in, std::size_t residual) {
  static constexpr std::size_t parameters[] = {1, 2, 3, 4};
  const Spec& x = required(op, in, 0, "input");
  check_float(op, in, std::span(parameters).first(residual - 1));
  if (x.shape.rank() < 2) fail<ShapeError>(op, ": input ", x, "; expected rank >= 2");
  static constexpr std::string_view names[] = {"input", "weight", "bias", "mean", "var"};
  for (std::size_t i = 1; i < residual; ++i) check_vector(op, names[i], in[i], x.shape[-1]);
  if (in[residual].defined && in[residual].shape != x.shape) {
    fail<ShapeError>(op, ": residual ", in[residual], "; expected the input's shape ", x.shape);
  }
}

Tensors batch_norm_grad(Context& context, const Tensor& dy, const BatchNormOptions& o,
                        bool training, std::size_t residual, bool all) {
  const Tensor x = context.saved(0), weight = context.saved(1), bias = context.saved(2);
  const Tensor mean = context.saved(3), var = context.saved(4), y = context.saved(5);
  Tensors d(residual + 1);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}, residual}) {
    if (!context.needs_grad(i) && !(all && i < residual)) continue;
    const bool image = i == 0 || i == residual;
    if (i == residual && !o.relu) {
      d[i] = dy;
    } else {
      d[i] = image ? Tensor::empty(x.shape(), x.dtype(), x.device()) : parameter_like(x);
    }
  }
  kernels::BatchNormGradArgs args;
  args.rows = rows_of(x);
  args.channels = x.dim(-1);
  args.eps = o.eps;
  args.training = training;
  args.relu = o.relu;
  args.x = x.raw();
  args.weight = raw_or_null(weight);
  args.bias = raw_or_null(bias);
  args.mean = mean.raw();
  args.var = var.raw();
  args.y = raw_or_null(y);
  args.dy = dy.raw();
  args.dx = mutable_or_null(d[0]);
  args.dweight = mutable_or_null(d[1]);
  args.dbias = mutable_or_null(d[2]);
  args.dresidual = o.relu ? mutable_or_null(d[residual]) : nullptr;
  run_kernel<&kernels::Tables::batch_norm_grad>(x, args);
  return d;
}

void save_for_backward(Context& context, const Tensors& in, const Tensor& mean, const Tensor& var,
                       const Tensor& y, const BatchNormOptions& o) {
  const bool hidden = o.relu && in.back().defined();
  for (const Tensor& t : {in[0], in[1], in[2], mean, var, hidden ? y : Tensor()}) context.save(t);
}

kernels::BatchNormArgs batch_norm_args(const Tensors& in, const BatchNormOptions& o,
                                       bool training) {
  kernels::BatchNormArgs args;
  args.rows = rows_of(in[0]);
  args.channels = in[0].dim(-1);
  args.eps = o.eps;
  args.training = training;
  args.relu = o.relu;
  args.x = in[0].raw();
  args.weight = raw_or_null(in[1]);
  args.bias = raw_or_null(in[2]);
  args.residual = raw_or_null(in.back());
  return args;
}

Specs infer_batch_norm(std::string_view op, const Specs& in) {
  check_norm(op, in, 3);
  const Shape channels{in[0].shape[-1]};
  if (in[0].shape.numel() == channels.numel() && channels.numel() > 0) {
    fail<ShapeError>(op, ": input ", in[0],
                     " has one value a channel; expected more than one to take statistics of");
  }
  const DType dtype = parameter_dtype(in[0].dtype);
  return {in[0], {channels, dtype}, {channels, dtype}};
}

Specs BatchNormTrain::infer(const Specs& in, const Options&) {
  return infer_batch_norm(info.name, in);
}
void BatchNormTrain::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  kernels::BatchNormArgs args = batch_norm_args(in, o, true);
  args.y = out[0].mutable_raw();
  args.mean = out[1].mutable_raw();
  args.var = out[2].mutable_raw();
  run_kernel<&kernels::Tables::batch_norm>(in[0], args);
  save_for_backward(context, in, out[1], out[2], out[0], o);
}
Tensors BatchNormTrain::backward(Context& context, const Tensors& dout, const Options& o) {
  return batch_norm_grad(context, dout[0], o, true, 3);
}

Specs BatchNormInfer::infer(const Specs& in, const Options&) {
  check_norm(info.name, in, 5);
  required(info.name, in, 3, "mean");
  required(info.name, in, 4, "var");
  return {in[0]};
}
void BatchNormInfer::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  kernels::BatchNormArgs args = batch_norm_args(in, o, false);
  args.mean = const_cast<void*>(in[3].raw());  // read only when not training
  args.var = const_cast<void*>(in[4].raw());
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::batch_norm>(in[0], args);
  save_for_backward(context, in, in[3], in[4], out[0], o);
}
Tensors BatchNormInfer::backward(Context& context, const Tensors& dout, const Options& o) {
  return batch_norm_grad(context, dout[0], o, false, 5);
}

Specs LayerNormOp::infer(const Specs& in, const Options&) {
  static constexpr std::size_t parameters[] = {1, 2};
  const Spec& x = required(info.name, in, 0, "input");
  check_float(info.name, in, parameters);
  if (x.shape.rank() < 1 || x.shape[-1] < 1) {
    fail<ShapeError>("layer_norm: input ", x, "; expected a last axis of extent >= 1");
  }
  if (in.size() > 1) check_vector(info.name, "weight", in[1], x.shape[-1]);
  if (in.size() > 2) check_vector(info.name, "bias", in[2], x.shape[-1]);
  return {x};
}
void LayerNormOp::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  const std::int64_t rows = rows_of(in[0]);
  const DType dtype = parameter_dtype(in[0].dtype());
  Tensor mean = Tensor::empty({rows}, dtype, in[0].device());
  Tensor rstd = Tensor::empty({rows}, dtype, in[0].device());
  kernels::LayerNormArgs args;
  args.rows = rows;
  args.cols = in[0].dim(-1);
  args.eps = o.eps;
  args.x = in[0].raw();
  args.weight = raw_or_null(in[1]);
  args.bias = raw_or_null(in[2]);
  args.mean = mean.mutable_raw();
  args.rstd = rstd.mutable_raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::layer_norm>(in[0], args);
  for (const Tensor& t : {in[0], in[1], mean, rstd}) context.save(t);
}
Tensors LayerNormOp::backward(Context& context, const Tensors& dout, const Options&) {
  const Tensor x = context.saved(0), weight = context.saved(1);
  Tensors d(3);
  for (std::size_t i = 0; i < 3; ++i) {
    if (context.needs_grad(i)) {
      d[i] = i == 0 ? Tensor::empty(x.shape(), x.dtype(), x.device()) : parameter_like(x);
    }
  }
  kernels::LayerNormGradArgs args;
  args.rows = rows_of(x);
  args.cols = x.dim(-1);
  args.x = x.raw();
  args.weight = raw_or_null(weight);
  args.mean = context.saved(2).raw();
  args.rstd = context.saved(3).raw();
  args.dy = dout[0].raw();
  args.dx = mutable_or_null(d[0]);
  args.dweight = mutable_or_null(d[1]);
  args.dbias = mutable_or_null(d[2]);
  run_kernel<&kernels::Tables::layer_norm_grad>(x, args);
  return d;
}

}  // namespace ops

BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                 double eps, const Epilogue& after) {
  Tensors out =
      apply_all<ops::BatchNormTrain>({x, weight, bias, after.residual}, {eps, after.relu});
  return {out[0], out[1], out[2], static_cast<double>(ops::rows_of(x))};
}
Tensor batch_norm_infer(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Tensor& mean, const Tensor& var, double eps, const Epilogue& after) {
  return apply<ops::BatchNormInfer>({x, weight, bias, mean, var, after.residual},
                                    {eps, after.relu});
}
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return apply<ops::LayerNormOp>({x, weight, bias}, {eps});
}

}  // namespace taxon

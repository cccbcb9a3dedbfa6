// Softmax and the classification losses.
#include <taxon/kernels/softmax.h>

#include "declared.h"

namespace taxon {
namespace ops {
namespace {

Specs infer_softmax(std::string_view op, const Specs& in, int axis) {
  const Spec& x = required(op, in, 0, "input");
  check_float(op, in);
  (void)x.shape.axis(axis);
  return {x};
}

template <class Args>
Args softmax_args(const Shape& shape, int axis, bool log) {
  const int at = shape.axis(axis);
  Args args;
  args.outer = product(shape, 0, at);
  args.axis = shape[at];
  args.inner = product(shape, at + 1, shape.rank());
  args.log = log;
  return args;
}

void softmax_forward(Context& context, const Tensors& in, Tensors& out, int axis, bool log) {
  auto args = softmax_args<kernels::SoftmaxArgs>(in[0].shape(), axis, log);
  args.x = in[0].raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::softmax>(in[0], args);
  context.save(out[0]);
}

Tensors softmax_backward(Context& context, const Tensor& dy, int axis, bool log) {
  const Tensor y = context.saved(0);
  Tensor dx = Tensor::empty(y.shape(), y.dtype(), y.device());
  auto args = softmax_args<kernels::SoftmaxGradArgs>(y.shape(), axis, log);
  args.y = y.raw();
  args.dy = dy.raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::softmax_grad>(y, args);
  return {dx};
}

}  // namespace

Specs Softmax::infer(const Specs& in, const Options& o) {
  return infer_softmax(info.name, in, o.axis);
}
void Softmax::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  softmax_forward(context, in, out, o.axis, false);
}
Tensors Softmax::backward(Context& context, const Tensors& dout, const Options& o) {
  return softmax_backward(context, dout[0], o.axis, false);
}

Specs LogSoftmax::infer(const Specs& in, const Options& o) {
  return infer_softmax(info.name, in, o.axis);
}
void LogSoftmax::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  softmax_forward(context, in, out, o.axis, true);
}
Tensors LogSoftmax::backward(Context& context, const Tensors& dout, const Options& o) {
  return softmax_backward(context, dout[0], o.axis, true);
}

namespace {

// Inputs of cross_entropy: logits, target, class_weight.
constexpr std::size_t kLogits = 0, kTarget = 1, kClassWeight = 2;

// On a GPU, where looking would wait for all work before, the loss of such a row is NaN instead.
void check_index_targets(const Tensor& target, std::int64_t classes, std::int64_t ignored) {
  if (!(target.device() == cpu)) return;
  for (const std::int64_t t : target.view<std::int64_t>()) {
    if ((t < 0 || t >= classes) && t != ignored) {
      fail<FormatError>("cross_entropy: target ", t, "; expected 0 to ", classes - 1);
    }
  }
}

kernels::CrossEntropyArgs cross_entropy_args(const Tensors& in, const CrossEntropyOptions& o) {
  const Tensor &logits = in[kLogits], &target = in[kTarget];
  kernels::CrossEntropyArgs args;
  args.rows = logits.dim(0);
  args.cols = logits.dim(1);
  args.smoothing = o.label_smoothing;
  args.ignore_index = o.ignore_index;
  args.mean = o.reduction == Reduction::mean;
  args.logits = logits.raw();
  if (target.dtype() == DType::i64) {
    args.index = static_cast<const std::int64_t*>(target.raw());
  } else {
    args.soft = target.raw();
  }
  args.class_weight = raw_or_null(in[kClassWeight]);
  return args;
}

}  // namespace

Specs CrossEntropyOp::infer(const Specs& in, const Options& o) {
  const Spec& logits = required(info.name, in, kLogits, "logits");
  const Spec& target = required(info.name, in, kTarget, "target");
  (void)float_type(info.name, logits.dtype);
  check_rank(info.name, "logits", logits, 2);
  const bool index = target.dtype == DType::i64;
  const Shape expected = index ? Shape{logits.shape[0]} : logits.shape;
  if (target.shape != expected || (!index && target.dtype != logits.dtype)) {
    fail<ShapeError>("cross_entropy: target ", target, " for logits ", logits, "; expected i64[",
                     logits.shape[0], "] or ", logits);
  }
  check_vector(info.name, "class weights", in[kClassWeight], logits.shape[1]);
  if (in[kClassWeight].defined && in[kClassWeight].dtype != logits.dtype) {
    fail<DTypeError>("cross_entropy: class weights ", in[kClassWeight], " for logits ", logits,
                     "; expected ", logits.dtype);
  }
  if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1)) {
    fail<OptionError>("cross_entropy: label smoothing is ", o.label_smoothing, "; expected 0 to 1");
  }
  if (o.hits && !index) {
    fail<DTypeError>("cross_entropy_hits: target ", target, "; expected class indices, i64[",
                     logits.shape[0], "]");
  }
  const Shape rows{logits.shape[0]};
  return {{o.reduction == Reduction::none ? rows : Shape{}, logits.dtype},
          {rows, DType::u8, o.hits}};
}

void CrossEntropyOp::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  const Tensor& logits = in[kLogits];
  if (in[kTarget].dtype() == DType::i64) {
    check_index_targets(in[kTarget], logits.dim(1), o.ignore_index);
  }
  auto args = cross_entropy_args(in, o);
  const bool rows_only = o.reduction == Reduction::none;
  Tensor loss = rows_only ? out[0] : Tensor::empty({args.rows}, logits.dtype(), logits.device());
  args.loss = loss.mutable_raw();
  if (!rows_only) args.result = out[0].mutable_raw();
  if (o.hits) args.hits = static_cast<std::uint8_t*>(out[1].mutable_raw());
  Tensor gradient;
  if (context.needs_grad(kLogits)) {
    gradient = Tensor::empty(logits.shape(), logits.dtype(), logits.device());
    args.dlogits = gradient.mutable_raw();
  }
  run_kernel<&kernels::Tables::cross_entropy>(logits, args);
  context.save(gradient);
}

// The gradient is there already; what is left is the factor, which is 1 where the loss is the end.
Tensors CrossEntropyOp::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor gradient = context.saved(0);
  if (o.reduction == Reduction::none) {
    return {mul(gradient, with_shape(dout[0], {gradient.dim(0), 1}))};
  }
  const bool known = dout[0].device() == cpu;  // looking at a GPU's would wait for it
  return {known && dout[0].item() == 1 ? gradient : mul(gradient, dout[0])};
}

Specs BceWithLogits::infer(const Specs& in, const Options&) {
  const Spec& x = required(info.name, in, 0, "logits");
  const Spec& target = required(info.name, in, 1, "target");
  check_float(info.name, in);
  check_rank(info.name, "logits", x, 2);
  if (target.shape != x.shape) {
    fail<ShapeError>(info.name, ": target ", target, " for logits ", x, "; expected equal shapes");
  }
  check_vector(info.name, "pos_weight", in[2], x.shape[1]);
  return {x};
}
void BceWithLogits::forward(Context& context, const Tensors& in, Tensors& out, const Options&) {
  kernels::BceArgs args;
  args.rows = in[0].dim(0);
  args.cols = in[0].dim(1);
  args.x = in[0].raw();
  args.target = in[1].raw();
  args.pos_weight = raw_or_null(in[2]);
  args.loss = out[0].mutable_raw();
  run_kernel<&kernels::Tables::bce>(in[0], args);
  for (const Tensor& t : in) context.save(t);
}
Tensors BceWithLogits::backward(Context& context, const Tensors& dout, const Options&) {
  const Tensor x = context.saved(0), target = context.saved(1), pos_weight = context.saved(2);
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  kernels::BceGradArgs args;
  args.rows = x.dim(0);
  args.cols = x.dim(1);
  args.x = x.raw();
  args.target = target.raw();
  args.pos_weight = raw_or_null(pos_weight);
  args.dloss = dout[0].raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::bce_grad>(x, args);
  return {dx};
}

}  // namespace ops

namespace {

// The losses treat targets and weights as constants; a caller who expects more is told.
void check_constant(std::string_view op, std::string_view what, const Tensor& t) {
  if (t.defined() && t.requires_grad() && grad_enabled()) {
    fail<Error>(op, ": ", what, " ", t, " requires a gradient; expected a constant");
  }
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  return apply<ops::Softmax>({x}, {axis});
}
Tensor log_softmax(const Tensor& x, int axis) {
  return apply<ops::LogSoftmax>({x}, {axis});
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& class_weight,
                     const CrossEntropyOptions& options) {
  check_constant("cross_entropy", "target", target);
  check_constant("cross_entropy", "class weights", class_weight);
  return apply<ops::CrossEntropyOp>({logits, target, class_weight}, {options, false});
}

CrossEntropyHits cross_entropy_hits(const Tensor& logits, const Tensor& target,
                                    const Tensor& class_weight,
                                    const CrossEntropyOptions& options) {
  check_constant("cross_entropy_hits", "class weights", class_weight);
  const Tensors out =
      apply_all<ops::CrossEntropyOp>({logits, target, class_weight}, {options, true});
  return {out[0], out[1]};
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const Tensor& pos_weight, Reduction reduction) {
  check_constant("bce_with_logits", "target", target);
  check_constant("bce_with_logits", "pos_weight", pos_weight);
  const Tensor loss = apply<ops::BceWithLogits>({logits, target, pos_weight});
  if (reduction == Reduction::none) return loss;
  return reduction == Reduction::mean ? mean(loss) : sum(loss);
}

}  // namespace taxon

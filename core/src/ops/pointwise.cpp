// Ops element by element.
#include <taxon/core/recording.h>
#include <taxon/kernels/optim.h>

#include <algorithm>
#include <utility>

#include "declared.h"
#include "impl.h"

namespace taxon {
namespace ops {
namespace {

using kernels::Unary;

// What the derivative is written in: the result, the input, or neither.
constexpr bool reads_result(Unary op) {
  return op == Unary::exp || op == Unary::sqrt || op == Unary::tanh || op == Unary::sigmoid ||
         op == Unary::relu;
}
constexpr bool is_linear(Unary op) {
  return op == Unary::add_scalar || op == Unary::mul_scalar || op == Unary::rsub_scalar;
}

// Broadcast operands as strides over the result, neighbouring axes merged where both allow it.
void set_broadcast(kernels::BinaryArgs& args, const Shape& a, const Shape& b, const Shape& y) {
  const auto a_steps = strides_of(a), b_steps = strides_of(b);
  const auto stride = [&](const Shape& s, const auto& steps, int i) -> std::int64_t {
    const int own = i - (y.rank() - s.rank());
    return own < 0 || s[own] == 1 ? 0 : steps[static_cast<std::size_t>(own)];
  };
  args.rank = 0;
  for (int i = 0; i < y.rank(); ++i) {
    if (y[i] == 1) continue;
    const std::int64_t sa = stride(a, a_steps, i), sb = stride(b, b_steps, i);
    const int last = args.rank - 1;
    if (last >= 0 && args.a_strides[last] == sa * y[i] && args.b_strides[last] == sb * y[i]) {
      args.dims[last] *= y[i];
      args.a_strides[last] = sa;
      args.b_strides[last] = sb;
      continue;
    }
    args.dims[args.rank] = y[i];
    args.a_strides[args.rank] = sa;
    args.b_strides[args.rank++] = sb;
  }
  if (args.rank == 0) {
    args.rank = 1;
    args.dims[0] = 1;
    args.a_strides[0] = args.b_strides[0] = 1;
  }
}

}  // namespace

template <class Self, Unary kernel>
Specs UnaryOp<Self, kernel>::infer(const Specs& in, const Options&) {
  required(Self::info.name, in, 0, "input");
  check_float(Self::info.name, in, {});
  return {in[0]};
}

template <class Self, Unary kernel>
void UnaryOp<Self, kernel>::forward(Context& context, const Tensors& in, Tensors& out,
                                    const Options& o) {
  const kernels::UnaryArgs args{kernel, in[0].numel(), o.a, o.b, in[0].raw(), out[0].mutable_raw()};
  run_kernel<&kernels::Tables::unary>(in[0], args);
  if constexpr (!is_linear(kernel)) context.save(reads_result(kernel) ? out[0] : in[0]);
}

template <class Self, Unary kernel>
Tensors UnaryOp<Self, kernel>::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor& dy = dout[0];
  if constexpr (kernel == Unary::add_scalar) return {dy};
  if constexpr (kernel == Unary::mul_scalar) return {mul(dy, o.a)};
  if constexpr (kernel == Unary::rsub_scalar) return {mul(dy, -1.0)};
  if constexpr (!is_linear(kernel)) {
    const Tensor kept = context.saved(0);
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
    kernels::UnaryGradArgs args;
    args.op = kernel;
    args.n = dy.numel();
    args.a = o.a;
    args.b = o.b;
    (reads_result(kernel) ? args.y : args.x) = kept.raw();
    args.dy = dy.raw();
    args.dx = dx.mutable_raw();
    run_kernel<&kernels::Tables::unary_grad>(dy, args);
    return {dx};
  }
}

template <class Self, kernels::Binary kernel>
Specs BinaryOp<Self, kernel>::infer(const Specs& in, const Options&) {
  required(Self::info.name, in, 0, "left operand");
  required(Self::info.name, in, 1, "right operand");
  check_float(Self::info.name, in, {});
  return {{broadcast(Self::info.name.data(), in[0].shape, in[1].shape), in[0].dtype}};
}

template <class Self, kernels::Binary kernel>
void BinaryOp<Self, kernel>::forward(Context& context, const Tensors& in, Tensors& out,
                                     const Options&) {
  kernels::BinaryArgs args;
  args.op = kernel;
  set_broadcast(args, in[0].shape(), in[1].shape(), out[0].shape());
  args.a = in[0].raw();
  args.b = in[1].raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::binary>(in[0], args);
  if constexpr (kernel == kernels::Binary::mul || kernel == kernels::Binary::div) {
    context.save(in[0]);
    context.save(in[1]);
  }
}

template <class Self, kernels::Binary kernel>
Tensors BinaryOp<Self, kernel>::backward(Context& context, const Tensors& dout, const Options&) {
  const Tensor& dy = dout[0];
  Tensors d(2);
  const auto give = [&](std::size_t i, const Tensor& g) {
    d[i] = reduce_to(g, context.input(i).shape);
  };
  if constexpr (kernel == kernels::Binary::add || kernel == kernels::Binary::sub) {
    if (context.needs_grad(0)) give(0, dy);
    if (context.needs_grad(1)) give(1, kernel == kernels::Binary::add ? dy : neg(dy));
  } else {
    const Tensor a = context.saved(0), b = context.saved(1);
    if constexpr (kernel == kernels::Binary::mul) {
      if (context.needs_grad(0)) give(0, mul(dy, b));
      if (context.needs_grad(1)) give(1, mul(dy, a));
    } else {
      const Tensor da = div(dy, b);
      if (context.needs_grad(0)) give(0, da);
      if (context.needs_grad(1)) give(1, neg(mul(da, div(a, b))));
    }
  }
  return d;
}

Specs Cast::infer(const Specs& in, const Options& options) {
  return {{required(info.name, in, 0, "input").shape, options.to}};
}
void Cast::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  const kernels::CastArgs args{kernel_type(in[0].dtype()), kernel_type(o.to), in[0].numel(),
                               in[0].raw(), out[0].mutable_raw()};
  run_kernel<&kernels::Tables::cast>(in[0], args);
}
Tensors Cast::backward(Context& context, const Tensors& dout, const Options&) {
  return {dout[0].to(context.input(0).dtype)};
}

Specs Dropout::infer(const Specs& in, const Options& options) {
  required(info.name, in, 0, "input");
  check_float(info.name, in, {});
  if (!(options.p >= 0 && options.p < 1)) {
    fail<OptionError>("dropout: p is ", options.p, "; expected 0 <= p < 1");
  }
  return {in[0]};
}
void Dropout::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  refuse_recording(in[0].device(), "dropout draws another mask each time");
  const kernels::DropoutArgs args{in[0].numel(), o.p,         o.seed,
                                  o.stream,      in[0].raw(), out[0].mutable_raw()};
  run_kernel<&kernels::Tables::dropout>(in[0], args);
}
Tensors Dropout::backward(Context&, const Tensors& dout, const Options& o) {
  return {dropout(dout[0], o)};  // the mask depends on seed and stream alone
}

}  // namespace ops

using namespace ops;

Tensor add(const Tensor& a, const Tensor& b) {
  return apply<Add>({a, b});
}
Tensor sub(const Tensor& a, const Tensor& b) {
  return apply<Sub>({a, b});
}
Tensor mul(const Tensor& a, const Tensor& b) {
  return apply<Mul>({a, b});
}
Tensor div(const Tensor& a, const Tensor& b) {
  return apply<Div>({a, b});
}
Tensor add(const Tensor& x, double s) {
  return apply<AddScalar>({x}, {s});
}
Tensor mul(const Tensor& x, double s) {
  return apply<MulScalar>({x}, {s});
}
Tensor rsub(double s, const Tensor& x) {
  return apply<RsubScalar>({x}, {s});
}
Tensor rdiv(double s, const Tensor& x) {
  return apply<RdivScalar>({x}, {s});
}
Tensor pow(const Tensor& x, double exponent) {
  return apply<PowScalar>({x}, {exponent});
}
Tensor neg(const Tensor& x) {
  return mul(x, -1.0);
}
Tensor exp(const Tensor& x) {
  return apply<Exp>({x});
}
Tensor log(const Tensor& x) {
  return apply<Log>({x});
}
Tensor sqrt(const Tensor& x) {
  return apply<Sqrt>({x});
}
Tensor tanh(const Tensor& x) {
  return apply<Tanh>({x});
}
Tensor sigmoid(const Tensor& x) {
  return apply<Sigmoid>({x});
}
Tensor relu(const Tensor& x) {
  return apply<Relu>({x});
}
Tensor gelu(const Tensor& x) {
  return apply<Gelu>({x});
}
Tensor silu(const Tensor& x) {
  return apply<Silu>({x});
}
Tensor clamp(const Tensor& x, double low, double high) {
  return apply<Clamp>({x}, {low, high});
}
Tensor cast(const Tensor& x, DType to) {
  return apply<Cast>({x}, {to});
}
Tensor dropout(const Tensor& x, const DropoutOptions& options) {
  return apply<Dropout>({x}, options);
}

void lerp_(Tensor& y, const Tensor& x, double weight) {
  Tensors ys{y};
  lerp_(ys, {x}, weight);
}

void lerp_(Tensors& y, const Tensors& x, double weight) {
  if (x.size() != y.size()) {
    fail<ShapeError>("lerp_: ", x.size(), " tensors into ", y.size(), "; expected as many");
  }
  using Key = std::pair<Device, kernels::Type>;
  std::vector<std::pair<Key, std::vector<kernels::LerpTensor>>> lists;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i].shape() != y[i].shape() || x[i].dtype() != y[i].dtype()) {
      fail<ShapeError>("lerp_: ", x[i], " into ", y[i], "; expected the same shape and dtype");
    }
    if (!(x[i].device() == y[i].device())) {
      fail<DeviceError>("lerp_: inputs are on ", x[i].device(), " and ", y[i].device(),
                        "; expected one device");
    }
    const Key key{y[i].device(), float_type("lerp_", y[i].dtype())};
    auto list = std::ranges::find(lists, key, [](const auto& entry) { return entry.first; });
    if (list == lists.end()) list = lists.insert(list, {key, {}});
    list->second.push_back({y[i].numel(), x[i].raw(), y[i].mutable_raw()});
  }
  for (const auto& [key, tensors] : lists) {
    const auto count = static_cast<std::int64_t>(tensors.size());
    run_kernel<&kernels::Tables::lerp>(key.first, key.second,
                                       kernels::LerpArgs{count, tensors.data(), weight});
  }
}

}  // namespace taxon

// Matrix products and convolution.
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/gemm.h>
#include <taxon/kernels/reduce.h>

#include <atomic>

#include "declared.h"
#include "impl.h"

namespace taxon {
namespace ops {
namespace {

// The extents of one product among those of a batch.
struct Product {
  std::int64_t m, n, k, batch;
  bool shared_a, shared_b;  // rank 2 against a batch
};

std::int64_t rows(const Shape& s, bool trans) {
  return s[trans ? -1 : -2];
}
std::int64_t cols(const Shape& s, bool trans) {
  return s[trans ? -2 : -1];
}

Product product_of(const Shape& a, const Shape& b, const MatmulOptions& o) {
  const Shape& batched = a.rank() > 2 ? a : b;
  return {rows(a, o.trans_a), cols(b, o.trans_b),
          cols(a, o.trans_a), ops::product(batched, 0, batched.rank() - 2),
          a.rank() == 2,      b.rank() == 2};
}

Tensor sum_rows(const Tensor& x) {  // [rows.., cols] -> [cols]
  const std::int64_t last = x.dim(-1);
  Tensor out = Tensor::empty({last}, x.dtype(), x.device());
  kernels::ReduceArgs args;
  args.n = last == 0 ? 0 : x.numel() / last;
  args.inner = last;
  args.x = x.raw();
  args.y = out.mutable_raw();
  run_kernel<&kernels::Tables::reduce>(x, args);
  return out;
}

constexpr std::size_t kWeightAndBias[] = {1, 2};

// Products with bf16 activations are formed in f32.
Tensor in_f32(const Tensor& t) {
  return t.dtype() == DType::bf16 ? t.detach().to(DType::f32) : t;
}

// The gradient of an operand that all products of a batch share.
Tensor sum_batch(const Tensor& g, const Shape& shape) {
  if (g.shape() == shape) return g;
  std::vector<int> axes;
  for (int i = 0; i < g.rank() - 2; ++i) axes.push_back(i);
  return sum(g, axes);
}

}  // namespace

Specs Matmul::infer(const Specs& in, const Options& o) {
  const Spec& a = required(info.name, in, 0, "left operand");
  const Spec& b = required(info.name, in, 1, "right operand");
  check_float(info.name, in);
  for (const Spec* operand : {&a, &b}) {
    if (operand->shape.rank() < 2)
      fail<ShapeError>("matmul: operand ", *operand, "; expected rank >= 2");
  }
  const Shape &as = a.shape, &bs = b.shape;
  if (cols(as, o.trans_a) != rows(bs, o.trans_b)) {
    fail<ShapeError>("matmul: ", a, o.trans_a ? " transposed" : "", " has ", cols(as, o.trans_a),
                     " columns, ", b, o.trans_b ? " transposed" : "", " has ", rows(bs, o.trans_b),
                     " rows; expected equal numbers");
  }
  const Shape& batched = as.rank() > 2 ? as : bs;
  Shape out;
  for (int i = 0; i < batched.rank() - 2; ++i) out.push_back(batched[i]);
  if (as.rank() > 2 && bs.rank() > 2) {
    bool equal = as.rank() == bs.rank();
    for (int i = 0; equal && i < as.rank() - 2; ++i) equal = as[i] == bs[i];
    if (!equal)
      fail<ShapeError>("matmul: ", a, " and ", b, "; expected equal leading axes or rank 2");
  }
  out.push_back(rows(as, o.trans_a));
  out.push_back(cols(bs, o.trans_b));
  return {{out, a.dtype}};
}

void Matmul::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  const Product p = product_of(in[0].shape(), in[1].shape(), o);
  kernels::GemmArgs args;
  args.m = p.m;
  args.n = p.n;
  args.k = p.k;
  args.trans_a = o.trans_a;
  args.trans_b = o.trans_b;
  args.lda = in[0].dim(-1);
  args.ldb = in[1].dim(-1);
  args.ldc = p.n;
  args.batch = p.batch;
  args.stride_a = p.shared_a ? 0 : p.m * p.k;
  args.stride_b = p.shared_b ? 0 : p.k * p.n;
  args.stride_c = p.m * p.n;
  args.a = in[0].raw();
  args.b = in[1].raw();
  args.c = out[0].mutable_raw();
  run_kernel<&kernels::Tables::gemm>(in[0], args);
  context.save(in[0]);
  context.save(in[1]);
}

Tensors Matmul::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor a = context.saved(0), b = context.saved(1);
  const Tensor& dy = dout[0];
  Tensors d(2);
  if (context.needs_grad(0)) {
    const Tensor g =
        o.trans_a ? matmul(b, dy, {o.trans_b, true}) : matmul(dy, b, {false, !o.trans_b});
    d[0] = sum_batch(g, a.shape());
  }
  if (context.needs_grad(1)) {
    const Tensor g =
        o.trans_b ? matmul(dy, a, {true, o.trans_a}) : matmul(a, dy, {!o.trans_a, false});
    d[1] = sum_batch(g, b.shape());
  }
  return d;
}

Specs LinearOp::infer(const Specs& in, const Options&) {
  const Spec& x = required(info.name, in, 0, "input");
  const Spec& w = required(info.name, in, 1, "weight");
  check_float(info.name, in, kWeightAndBias);
  check_rank(info.name, "weight", w, 2);
  if (x.shape.rank() < 1 || x.shape[-1] != w.shape[1]) {
    fail<ShapeError>("linear: input ", x, "; weight ", w, " expects a last axis of ", w.shape[1]);
  }
  if (in.size() > 2) check_vector(info.name, "bias", in[2], w.shape[0]);
  Shape out = x.shape;
  out.set(-1, w.shape[0]);
  return {{out, x.dtype}};
}

void LinearOp::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  const Tensor x = in_f32(in[0]), w = in[1];
  const bool rounded = out[0].dtype() == DType::bf16;
  Tensor y = rounded ? Tensor::empty(out[0].shape(), DType::f32, out[0].device()) : out[0];
  kernels::GemmArgs args;
  args.n = w.dim(0);
  args.k = w.dim(1);
  args.m = args.n == 0 ? 0 : y.numel() / args.n;
  args.trans_b = true;
  args.lda = args.ldb = args.k;
  args.ldc = args.n;
  args.a = x.raw();
  args.b = w.raw();
  args.bias = raw_or_null(in[2]);
  args.relu = o.relu;
  args.c = y.mutable_raw();
  const auto rows = rows_of<&kernels::Tables::gemm>(x.device(), kernel_type(x.dtype()));
  const auto& row = select_row(rows, args);
  if (o.keep_prepared && !context.recording() && row.prepare != nullptr &&
      row.prepared_bytes(args) > 0) {
    args.prepared = prepared_for(row, args, *in[1].impl()->storage, in[1].shape(), 1);
  }
  run_row(x.device(), rows, row, args);
  if (rounded) out[0] = y.to(DType::bf16);
  context.save(in[0]);
  context.save(w);
  if (o.relu) context.save(out[0]);
}

Tensors LinearOp::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor saved = context.saved(0), x = in_f32(saved), w = context.saved(1);
  const auto flat = [](const Tensor& t) {
    return with_shape(t, {t.dim(-1) == 0 ? 0 : t.numel() / t.dim(-1), t.dim(-1)});
  };
  const Tensor dy = flat(in_f32(o.relu ? relu_grad(dout[0], context.saved(2)) : dout[0]));
  Tensors d(3);
  if (context.needs_grad(0)) d[0] = with_shape(matmul(dy, w), x.shape()).to(saved.dtype());
  if (context.needs_grad(1)) d[1] = matmul(dy, flat(x), {true, false});
  if (context.needs_grad(2)) d[2] = sum_rows(dy);
  return d;
}

namespace {

std::int64_t out_extent(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                        std::int64_t dilation) {
  const std::int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1;
  return span < 0 ? 0 : span / stride + 1;
}

void check_conv_options(const Conv2dOptions& o) {
  if (o.stride_h < 1 || o.stride_w < 1 || o.dilation_h < 1 || o.dilation_w < 1 || o.pad_h < 0 ||
      o.pad_w < 0 || o.groups < 1) {
    fail<ShapeError>("conv2d: stride ", o.stride_h, "x", o.stride_w, ", padding ", o.pad_h, "x",
                     o.pad_w, ", dilation ", o.dilation_h, "x", o.dilation_w, ", groups ", o.groups,
                     "; expected stride, dilation and groups >= 1 and padding >= 0");
  }
}

kernels::Conv2dArgs conv_args(const Shape& x, const Shape& w, const Shape& y,
                              const Conv2dOptions& o) {
  kernels::Conv2dArgs args;
  args.n = x[0];
  args.h = x[1];
  args.w = x[2];
  args.c = x[3];
  args.k = w[0];
  args.r = w[1];
  args.s = w[2];
  args.oh = y[1];
  args.ow = y[2];
  args.stride_h = o.stride_h;
  args.stride_w = o.stride_w;
  args.pad_h = o.pad_h;
  args.pad_w = o.pad_w;
  args.dilation_h = o.dilation_h;
  args.dilation_w = o.dilation_w;
  args.groups = o.groups;
  args.exact = exact_conv();
  return args;
}

// One struct serves the three directions, so what a direction only reads is passed without const.
void* input_of(const Tensor& t) {
  return const_cast<void*>(t.raw());
}

}  // namespace

Specs Conv2dOp::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  const Spec& w = required(info.name, in, 1, "weight");
  check_float(info.name, in, kWeightAndBias);
  check_rank(info.name, "input", x, 4);
  check_rank(info.name, "weight", w, 4);
  check_conv_options(o);
  if (x.shape[3] != w.shape[3] * o.groups) {
    fail<ShapeError>("conv2d: input ", x, " has ", x.shape[3], " channels, weight ", w,
                     " with groups=", o.groups, " expects ", w.shape[3] * o.groups);
  }
  if (w.shape[0] % o.groups != 0) {
    fail<ShapeError>("conv2d: weight ", w, " has ", w.shape[0],
                     " filters; expected a multiple of groups=", o.groups);
  }
  if (in.size() > 2) check_vector(info.name, "bias", in[2], w.shape[0]);
  const std::int64_t oh = out_extent(x.shape[1], w.shape[1], o.stride_h, o.pad_h, o.dilation_h);
  const std::int64_t ow = out_extent(x.shape[2], w.shape[2], o.stride_w, o.pad_w, o.dilation_w);
  if (oh < 1 || ow < 1) {
    fail<ShapeError>("conv2d: input ", x, " padded by ", o.pad_h, "x", o.pad_w,
                     " is smaller than the filter ", w, " dilated by ", o.dilation_h, "x",
                     o.dilation_w);
  }
  const Shape out{x.shape[0], oh, ow, w.shape[0]};
  if (in.size() > 3 && in[3].defined && in[3].shape != out) {
    fail<ShapeError>("conv2d: residual ", in[3], "; expected the output's shape ", out);
  }
  return {{out, x.dtype}};
}

namespace {

void convolve(const Tensors& in, Tensor& out, const Conv2dOp::Options& o, bool recording) {
  kernels::Conv2dArgs args = conv_args(in[0].shape(), in[1].shape(), out.shape(), o);
  args.x = input_of(in[0]);
  args.weight = input_of(in[1]);
  args.bias = in[2].defined() ? input_of(in[2]) : nullptr;
  args.residual = raw_or_null(in[3]);
  args.relu = o.relu;
  args.y = out.mutable_raw();
  const Device device = in[0].device();
  const auto rows = rows_of<&kernels::Tables::conv2d_forward>(device, kernel_type(in[0].dtype()));
  const auto& row = select_row(rows, args);
  if (o.keep_prepared && !recording) {
    args.prepared = prepared_for(row, args, *in[1].impl()->storage, in[1].shape(), o.groups);
  }
  run_row(device, rows, row, args);
}

}  // namespace

void Conv2dOp::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  if (out[0].numel() > 0) convolve(in, out[0], o, context.recording());  // none without images
  context.save(in[0]);
  context.save(in[1]);
  if (o.relu) context.save(out[0]);
}

Tensors Conv2dOp::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor x = context.saved(0), w = context.saved(1);
  const Tensor dy = o.relu ? relu_grad(dout[0], context.saved(2)) : dout[0];
  kernels::Conv2dArgs args = conv_args(x.shape(), w.shape(), dy.shape(), o);
  args.y = input_of(dy);
  const bool empty = dy.numel() == 0;  // no images: nothing to sum
  const auto result = [&](const Shape& shape, const Tensor& like) {
    return empty ? Tensor::zeros(shape, like.dtype(), like.device())
                 : Tensor::empty(shape, like.dtype(), like.device());
  };
  Tensors d(4);
  if (context.needs_grad(3)) d[3] = dy;
  if (context.needs_grad(1)) {
    d[1] = result(w.shape(), w);
    if (context.needs_grad(2)) d[2] = result({args.k}, w);
    args.x = input_of(x);
    args.weight = d[1].mutable_raw();
    args.bias = mutable_or_null(d[2]);
    if (!empty) run_kernel<&kernels::Tables::conv2d_backward_weight>(x, args);
  } else if (context.needs_grad(2)) {
    d[2] = sum_rows(in_f32(dy));
  }
  if (context.needs_grad(0)) {
    d[0] = result(x.shape(), x);
    args.x = d[0].mutable_raw();
    args.weight = input_of(w);
    args.bias = nullptr;
    if (!empty) run_kernel<&kernels::Tables::conv2d_backward_data>(x, args);
  }
  return d;
}

}  // namespace ops

namespace {
std::atomic<bool> exact_convolutions{false};
}

void set_exact_conv(bool on) {
  exact_convolutions = on;
}
bool exact_conv() {
  return exact_convolutions;
}

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  return apply<ops::Matmul>({a, b}, options);
}
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, bool relu,
              bool keep_prepared) {
  return apply<ops::LinearOp>({x, weight, bias}, {relu, keep_prepared});
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options, const Epilogue& after) {
  return apply<ops::Conv2dOp>({x, weight, bias, after.residual}, {options, after.relu});
}

}  // namespace taxon

// Pooling over NHWC images.
#include <taxon/kernels/pool.h>

#include <type_traits>

#include "declared.h"

namespace taxon {
namespace ops {
namespace {

PoolOptions resolved(PoolOptions o) {
  if (o.stride_h == 0) o.stride_h = o.kernel_h;
  if (o.stride_w == 0) o.stride_w = o.kernel_w;
  return o;
}

Specs infer_pool(std::string_view op, const Specs& in, const PoolOptions& options) {
  const Spec& x = required(op, in, 0, "input");
  check_float(op, in, {});
  check_rank(op, "input", x, 4);
  const PoolOptions o = resolved(options);
  if (o.kernel_h < 1 || o.kernel_w < 1 || o.stride_h < 1 || o.stride_w < 1 || o.pad_h < 0 ||
      o.pad_w < 0 || o.pad_h > o.kernel_h / 2 || o.pad_w > o.kernel_w / 2) {
    fail<ShapeError>(op, ": kernel ", o.kernel_h, "x", o.kernel_w, ", stride ", o.stride_h, "x",
                     o.stride_w, ", padding ", o.pad_h, "x", o.pad_w,
                     "; expected kernel and stride >= 1, padding at most half the kernel");
  }
  const std::int64_t h = x.shape[1] + 2 * o.pad_h - o.kernel_h;
  const std::int64_t w = x.shape[2] + 2 * o.pad_w - o.kernel_w;
  if (h < 0 || w < 0) {
    fail<ShapeError>(op, ": input ", x, " padded by ", o.pad_h, "x", o.pad_w,
                     " is smaller than the window ", o.kernel_h, "x", o.kernel_w);
  }
  return {{Shape{x.shape[0], h / o.stride_h + 1, w / o.stride_w + 1, x.shape[3]}, x.dtype}};
}

// PoolArgs and PoolGradArgs name their extents alike.
template <class Args>
Args pool_args(const Shape& x, const Shape& y, const PoolOptions& options) {
  const PoolOptions o = resolved(options);
  Args args;
  args.n = x[0];
  args.h = x[1];
  args.w = x[2];
  args.c = x[3];
  args.oh = y[1];
  args.ow = y[2];
  args.r = o.kernel_h;
  args.s = o.kernel_w;
  args.stride_h = o.stride_h;
  args.stride_w = o.stride_w;
  args.pad_h = o.pad_h;
  args.pad_w = o.pad_w;
  args.count_include_pad = o.count_include_pad;
  return args;
}

}  // namespace

Specs MaxPool::infer(const Specs& in, const Options& o) {
  return infer_pool(info.name, in, o);
}

namespace {
// Places in a window fit a byte; in larger ones (and those of 255, whose last would be `nowhere`)
// they are counted in the image.
DType place_type(const PoolOptions& o) {
  return o.kernel_h * o.kernel_w < 255 ? DType::u8 : DType::i32;
}

// One of `index` and `code`, as in both argument structs.
template <class Args, class T>
void set_places(Args& args, DType type, T* places) {
  using Byte = std::conditional_t<std::is_const_v<T>, const std::uint8_t, std::uint8_t>;
  using Int = std::conditional_t<std::is_const_v<T>, const std::int32_t, std::int32_t>;
  if (type == DType::u8) {
    args.code = static_cast<Byte*>(places);
  } else {
    args.index = static_cast<Int*>(places);
  }
}
}  // namespace

void MaxPool::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  auto args = pool_args<kernels::PoolArgs>(in[0].shape(), out[0].shape(), o);
  args.relu = o.relu;
  args.x = in[0].raw();
  args.y = out[0].mutable_raw();
  Tensor places;
  if (context.recording()) {
    places = Tensor::empty(out[0].shape(), place_type(o), out[0].device());
    set_places(args, places.dtype(), places.mutable_raw());
  }
  run_kernel<&kernels::Tables::max_pool>(in[0], args);
  context.save(places);
}
Tensors MaxPool::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor places = context.saved(0);
  const Tensor& dy = dout[0];
  Tensor dx = Tensor::empty(context.input(0).shape, dy.dtype(), dy.device());
  auto args = pool_args<kernels::PoolGradArgs>(dx.shape(), dy.shape(), o);
  args.dy = dy.raw();
  set_places(args, places.dtype(), places.raw());
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::max_pool_grad>(dy, args);
  return {dx};
}

Specs AvgPool::infer(const Specs& in, const Options& o) {
  return infer_pool(info.name, in, o);
}
void AvgPool::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  auto args = pool_args<kernels::PoolArgs>(in[0].shape(), out[0].shape(), o);
  args.x = in[0].raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::avg_pool>(in[0], args);
}
Tensors AvgPool::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor& dy = dout[0];
  Tensor dx = Tensor::empty(context.input(0).shape, dy.dtype(), dy.device());
  auto args = pool_args<kernels::PoolGradArgs>(dx.shape(), dy.shape(), o);
  args.dy = dy.raw();
  args.dx = dx.mutable_raw();
  run_kernel<&kernels::Tables::avg_pool_grad>(dy, args);
  return {dx};
}

Specs AdaptiveAvgPool::infer(const Specs& in, const Options& o) {
  const Spec& x = required(info.name, in, 0, "input");
  check_float(info.name, in, {});
  check_rank(info.name, "input", x, 4);
  if (o.out_h < 1 || o.out_w < 1 || x.shape[1] < 1 || x.shape[2] < 1) {
    fail<ShapeError>(info.name, ": input ", x, " to ", o.out_h, "x", o.out_w,
                     "; expected extents >= 1");
  }
  return {{Shape{x.shape[0], o.out_h, o.out_w, x.shape[3]}, x.dtype}};
}

namespace {
kernels::AdaptiveAvgPoolArgs adaptive_args(const Shape& x, const AdaptiveAvgPool::Options& o) {
  kernels::AdaptiveAvgPoolArgs args;
  args.n = x[0];
  args.h = x[1];
  args.w = x[2];
  args.c = x[3];
  args.oh = o.out_h;
  args.ow = o.out_w;
  return args;
}
}  // namespace

void AdaptiveAvgPool::forward(Context&, const Tensors& in, Tensors& out, const Options& o) {
  auto args = adaptive_args(in[0].shape(), o);
  args.x = in[0].raw();
  args.y = out[0].mutable_raw();
  run_kernel<&kernels::Tables::adaptive_avg_pool>(in[0], args);
}
Tensors AdaptiveAvgPool::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor& dy = dout[0];
  Tensor dx = Tensor::empty(context.input(0).shape, dy.dtype(), dy.device());
  auto args = adaptive_args(dx.shape(), o);
  args.x = dy.raw();
  args.y = dx.mutable_raw();
  run_kernel<&kernels::Tables::adaptive_avg_pool_grad>(dy, args);
  return {dx};
}

}  // namespace ops

Tensor max_pool2d(const Tensor& x, const PoolOptions& options, bool relu) {
  return apply<ops::MaxPool>({x}, {options, relu});
}
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options) {
  return apply<ops::AvgPool>({x}, options);
}
Tensor adaptive_avg_pool2d(const Tensor& x, std::int64_t out_h, std::int64_t out_w) {
  return apply<ops::AdaptiveAvgPool>({x}, {out_h, out_w});
}
Tensor global_avg_pool(const Tensor& x) {
  const Tensor cells = adaptive_avg_pool2d(x, 1, 1);
  return reshape(cells, {x.dim(0), x.dim(3)});
}

}  // namespace taxon

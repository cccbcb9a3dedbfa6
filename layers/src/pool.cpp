// Pooling layers.
#include <taxon/layers/pool.h>

namespace taxon {
namespace {

PoolOptions pool_options(const char* layer, std::int64_t kernel, const PoolLayerOptions& o) {
  if (kernel < 1 || o.stride < 0 || o.padding < 0 || 2 * o.padding > kernel) {
    fail<OptionError>(layer, ": kernel ", kernel, ", stride ", o.stride, ", padding ", o.padding,
                      "; expected kernel >= 1, stride >= 0 and padding at most half the kernel");
  }
  PoolOptions pool;
  pool.kernel_h = pool.kernel_w = kernel;
  pool.stride_h = pool.stride_w = o.stride > 0 ? o.stride : kernel;
  pool.pad_h = pool.pad_w = o.padding;
  pool.count_include_pad = o.count_include_pad;
  return pool;
}

std::string described(const char* layer, const PoolOptions& o) {
  return text(layer, "(kernel=", o.kernel_h, ", stride=", o.stride_h, ", padding=", o.pad_h, ")");
}

}  // namespace

MaxPool2d::MaxPool2d(std::int64_t kernel, PoolLayerOptions options)
    : pool_(pool_options("MaxPool2d", kernel, options)) {}

Tensor MaxPool2d::forward(const Tensor& x, bool relu) {
  return max_pool2d(x, pool_, relu);
}

bool MaxPool2d::halves() const {
  return pool_.kernel_h == 2 && pool_.stride_h == 2 && pool_.pad_h == 0;
}

std::string MaxPool2d::str() const {
  return described("MaxPool2d", pool_);
}

AvgPool2d::AvgPool2d(std::int64_t kernel, PoolLayerOptions options)
    : pool_(pool_options("AvgPool2d", kernel, options)) {}

Tensor AvgPool2d::forward(const Tensor& x) {
  return avg_pool2d(x, pool_);
}

std::string AvgPool2d::str() const {
  return described("AvgPool2d", pool_);
}

std::string AdaptiveAvgPool2d::str() const {
  return text("AdaptiveAvgPool2d(", out_h_, ", ", out_w_, ")");
}

}  // namespace taxon

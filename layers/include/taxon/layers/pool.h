// Pooling layers of NHWC images.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/layers/module.h>

namespace taxon {

struct PoolLayerOptions {
  std::int64_t stride = 0;  ///< 0: the kernel's
  std::int64_t padding = 0;
  bool count_include_pad = true;  ///< AvgPool2d only
};

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(std::int64_t kernel, PoolLayerOptions options = {});
  Tensor forward(const Tensor& x) override { return forward(x, false); }
  /// With ReLU in the same pass over memory.
  Tensor forward(const Tensor& x, bool relu);
  /// Whether its windows are 2x2, side by side from the corner.
  bool halves() const;
  std::string str() const override;

 private:
  PoolOptions pool_;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(std::int64_t kernel, PoolLayerOptions options = {});
  Tensor forward(const Tensor& x) override;
  std::string str() const override;

 private:
  PoolOptions pool_;
};

/// [n, h, w, c] -> [n, out_h, out_w, c] for any h, w.
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(std::int64_t out_h, std::int64_t out_w) : out_h_(out_h), out_w_(out_w) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool2d(x, out_h_, out_w_); }
  std::string str() const override;

 private:
  std::int64_t out_h_, out_w_;
};

/// [n, h, w, c] -> [n, c]: the mean of each channel.
class GlobalAvgPool : public Module {
 public:
  Tensor forward(const Tensor& x) override { return global_avg_pool(x); }
  std::string str() const override { return "GlobalAvgPool()"; }
};

}  // namespace taxon

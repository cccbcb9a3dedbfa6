// Residual networks: He et al., "Deep residual learning for image recognition", CVPR 2016. Names
// and initialisation as torchvision's; the stride of a bottleneck sits in its 3x3 convolution
// (v1.5).
#include <taxon/layers/layers.h>

#include <algorithm>

#include "families.h"

namespace taxon {
namespace {

std::shared_ptr<Conv2d> convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                    std::int64_t stride, Init& init) {
  ConvOptions o;
  o.stride = stride;
  o.padding = kernel / 2;
  o.bias = false;
  o.init = ConvInit::rectifier;
  return std::make_shared<Conv2d>(in, out, kernel, init, o);
}

// Convolutions, each followed by its batch-norm (and all but the last by a ReLU): convK, bnK.
class Block : public Module {
 public:
  Block(std::int64_t in, std::int64_t out, std::int64_t stride, Shortcut shortcut)
      : in_(in), out_(out), stride_(stride), shortcut_(shortcut) {}

  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
      y = conv_norm(*convs_[i], *norms_[i], y, {{}, true});
    }
    return conv_norm(*convs_.back(), *norms_.back(), y, {around(x), true});
  }

  std::string str() const override {
    return text("Block(", in_, ", ", out_, ", convolutions=", convs_.size(), ", stride=", stride_,
                ", shortcut=", reshapes() ? name_of(shortcut_) : "identity", ")");
  }

  void add(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
           Init& init) {
    const std::string number = std::to_string(convs_.size() + 1);
    convs_.push_back(register_module("conv" + number, convolution(in, out, kernel, stride, init)));
    norms_.push_back(register_module("bn" + number, std::make_shared<BatchNorm2d>(out)));
  }
  // After the convolutions, so that entries come in torchvision's order.
  void add_projection(Init& init) {
    if (reshapes() && shortcut_ == Shortcut::b) {
      auto pair = std::make_shared<Sequential>();
      pair->add(convolution(in_, out_, 1, stride_, init)).add<BatchNorm2d>(out_);
      projection_ = register_module("downsample", pair);
    }
  }

  void fold() {
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      fold_batch_norm(*convs_[i], *norms_[i]);
    }
    if (projection_) {
      fold_batch_norm(static_cast<Conv2d&>((*projection_)[0]),
                      static_cast<BatchNorm2d&>((*projection_)[1]));
    }
  }

 private:
  bool reshapes() const { return in_ != out_ || stride_ != 1; }

  Tensor around(const Tensor& x) {
    if (projection_) {
      return projection_->forward(x);
    }
    Tensor y = x;
    if (stride_ != 1) {  // every stride-th pixel of both axes
      y = slice(slice(y, 1, 0, y.dim(1), stride_), 2, 0, y.dim(2), stride_);
    }
    if (in_ != out_) {  // zero channels on both sides
      PadOptions o;
      o.before = {0, 0, 0, (out_ - in_) / 2};
      o.after = {0, 0, 0, out_ - in_ - (out_ - in_) / 2};
      y = pad(y, o);
    }
    return y;
  }

  std::int64_t in_, out_, stride_;
  Shortcut shortcut_;
  std::vector<std::shared_ptr<Conv2d>> convs_;
  std::vector<std::shared_ptr<BatchNorm2d>> norms_;
  std::shared_ptr<Sequential> projection_;
};

std::shared_ptr<Block> make_block(std::int64_t in, std::int64_t width, std::int64_t stride,
                                  bool bottleneck, Shortcut shortcut, Init& init) {
  const std::int64_t out = bottleneck ? 4 * width : width;
  auto block = std::make_shared<Block>(in, out, stride, shortcut);
  if (bottleneck) {
    block->add(in, width, 1, 1, init);
    block->add(width, width, 3, stride, init);
    block->add(width, out, 1, 1, init);
  } else {
    block->add(in, width, 3, stride, init);
    block->add(width, out, 3, 1, init);
  }
  block->add_projection(init);
  return block;
}

constexpr std::int64_t kCachedWeights = 512 << 10;  // f32 elements that stay in the caches
constexpr std::int64_t kCachedImages = 256 << 10;   // and of an activation

class ResNet : public Model {
 public:
  ResNet(const ModelSpec& spec, const ResNetPlan& plan, Init& init) : Model(spec) {
    const bool small = spec.stem == Stem::small;
    std::int64_t channels = plan.width;
    conv1_ = register_module(
        "conv1", convolution(spec.channels, channels, small ? 3 : 7, small ? 1 : 2, init));
    bn1_ = register_module("bn1", std::make_shared<BatchNorm2d>(channels));
    for (std::size_t stage = 0; stage < plan.blocks.size(); ++stage) {
      auto blocks = std::make_shared<Sequential>();
      const std::int64_t width = plan.width << stage;
      for (std::int64_t b = 0; b < plan.blocks[stage]; ++b) {
        const std::int64_t stride = stage > 0 && b == 0 ? 2 : 1;
        blocks->add(make_block(channels, width, stride, plan.bottleneck, spec.shortcut, init));
        channels = plan.bottleneck ? 4 * width : width;
      }
      stages_.push_back(register_module("layer" + std::to_string(stage + 1), blocks));
    }
    fc_ = register_module("fc", std::make_shared<Linear>(channels, spec.classes, init));
    images_at_once_ = images_at_once(plan);
  }

  Tensor features(const Tensor& x) override {
    if (training() || grad_enabled() || images_at_once_ == 0 || x.dim(0) <= images_at_once_) {
      return features_of(x);
    }
    const std::int64_t count = (x.dim(0) + images_at_once_ - 1) / images_at_once_;
    Tensors parts;
    for (std::int64_t i = 0; i < count; ++i) {
      parts.push_back(features_of(slice(x, 0, x.dim(0) * i / count, x.dim(0) * (i + 1) / count)));
    }
    return concat(parts, 0);
  }
  Tensor head(const Tensor& features) override { return fc_->forward(features); }
  std::string head_name() const override { return "fc"; }
  void replace_head(std::int64_t classes, Init& init) override {
    fc_ = std::make_shared<Linear>(fc_->in(), classes, init);
    replace_child("fc", fc_);
    spec_.classes = classes;
  }
  void optimize_for_inference() override {
    fold_batch_norm(*conv1_, *bn1_);
    visit([](const std::string&, Module& module) {
      if (auto* block = dynamic_cast<Block*>(&module)) {
        block->fold();
      }
    });
    Model::optimize_for_inference();
  }

 private:
  /// Without gradients nothing joins the images of a batch. Where the weights stay in the caches
  /// anyway, so few images at once that their activations do too; 0: all.
  std::int64_t images_at_once(const ResNetPlan& plan) const {
    std::int64_t weights = 0;
    for (const NamedTensor& p : named_parameters()) weights += p.tensor.numel();
    if (weights > kCachedWeights) return 0;
    const std::int64_t shrink = spec_.stem == Stem::small ? 1 : 4;
    const std::int64_t pixels = (spec_.height / shrink) * (spec_.width / shrink);
    return std::max<std::int64_t>(1,
                                  kCachedImages / std::max<std::int64_t>(1, pixels * plan.width));
  }

  Tensor features_of(const Tensor& x) {
    Tensor y = conv_norm(*conv1_, *bn1_, x, {{}, true});
    if (spec_.stem == Stem::imagenet) {
      PoolOptions o;
      o.kernel_h = o.kernel_w = 3;
      o.stride_h = o.stride_w = 2;
      o.pad_h = o.pad_w = 1;
      y = max_pool2d(y, o);
    }
    for (const auto& stage : stages_) {
      y = stage->forward(y);
    }
    return global_avg_pool(y.dtype() == DType::bf16 ? y.to(DType::f32) : y);
  }

  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::vector<std::shared_ptr<Sequential>> stages_;
  std::shared_ptr<Linear> fc_;
  std::int64_t images_at_once_ = 0;
};

}  // namespace

std::shared_ptr<Model> build_resnet(const ModelSpec& spec, const ResNetPlan& plan, Init& init) {
  return std::make_shared<ResNet>(spec, plan, init);
}

}  // namespace taxon

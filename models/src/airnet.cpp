// airnet: the network of Keller Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024),
// section 2 and listing 4. A 2x2 convolution that whitens the data's patches, three groups of two
// 3x3 convolutions that start as identities, batch norm without scale, GELU.
#include <taxon/layers/layers.h>

#include <algorithm>
#include <cmath>

#include "families.h"
#include "whitening.h"

namespace taxon {
namespace {

constexpr std::int64_t kPatch = 2;                // side of the whitened patches
constexpr std::int64_t kWhiteningBiasEpochs = 3;  // then the first layer's bias rests
constexpr double kLogitScale = 1.0 / 9;

// The first in filters pass their channel on; the rest as torch's default.
std::shared_ptr<Conv2d> identity_convolution(std::int64_t in, std::int64_t out, Init& init) {
  ConvOptions o;
  o.padding = 1;
  o.bias = false;
  auto conv = std::make_shared<Conv2d>(in, out, 3, init, o);
  if (!init.draw) return conv;
  const auto w = conv->weight.mutable_view<float>();
  const auto filter = static_cast<std::size_t>(9 * in);
  for (std::int64_t k = 0; k < std::min(in, out); ++k) {
    const auto begin =
        w.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(k) * filter);
    std::fill_n(begin, filter, 0.0f);
    begin[static_cast<std::ptrdiff_t>(4 * in + k)] = 1;  // the centre
  }
  return conv;
}

// The published network has no scale; its momentum of 0.6 is torch's 1 - 0.6.
std::shared_ptr<BatchNorm2d> norm_of(std::int64_t channels) {
  BatchNormOptions o;
  o.eps = 1e-12;
  o.momentum = 0.4;
  o.scale = false;
  return std::make_shared<BatchNorm2d>(channels, o);
}

class Group : public Module {
 public:
  Group(std::int64_t in, std::int64_t out, Init& init)
      : conv1_(register_module("conv1", identity_convolution(in, out, init))),
        norm1_(register_module("norm1", norm_of(out))),
        conv2_(register_module("conv2", identity_convolution(out, out, init))),
        norm2_(register_module("norm2", norm_of(out))) {}

  Tensor forward(const Tensor& x) override {
    const Tensor y = gelu(norm1_->forward(max_pool2d(conv1_->forward(x))));
    return gelu(conv_norm(*conv2_, *norm2_, y));
  }
  std::string str() const override {
    return text("Group(", conv1_->in(), ", ", conv1_->out(), ")");
  }
  // A maximum moves through a positive scale and a shift.
  void fold() {
    fold_batch_norm(*conv1_, *norm1_);
    fold_batch_norm(*conv2_, *norm2_);
  }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> norm1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> norm2_;
};

class AirNet : public Model {
 public:
  AirNet(const ModelSpec& spec, const AirNetPlan& plan, Init& init) : Model(spec) {
    const std::int64_t white = 2 * kPatch * kPatch * spec.channels;
    whiten_ =
        register_module("whiten", std::make_shared<Conv2d>(spec.channels, white, kPatch, init));
    whiten_->weight.set_requires_grad(false);
    std::fill_n(whiten_->bias.mutable_view<float>().begin(), white, 0.0f);
    std::int64_t channels = white;
    for (std::size_t i = 0; i < plan.widths.size(); ++i) {
      groups_.push_back(register_module("group" + std::to_string(i + 1),
                                        std::make_shared<Group>(channels, plan.widths[i], init)));
      channels = plan.widths[i];
    }
    fc_ = register_module("fc", make_head(channels, spec.classes, init));
  }

  Tensor features(const Tensor& x) override {
    Tensor y = gelu(whiten_->forward(x));
    for (const auto& group : groups_) y = group->forward(y);
    PoolOptions all;
    all.kernel_h = y.dim(1);
    all.kernel_w = y.dim(2);
    y = flatten(max_pool2d(y, all));
    return y.dtype() == DType::bf16 ? y.to(DType::f32) : y;
  }
  Tensor head(const Tensor& features) override { return fc_->forward(features) * kLogitScale; }
  std::string head_name() const override { return "fc"; }
  void replace_head(std::int64_t classes, Init& init) override {
    fc_ = make_head(fc_->in(), classes, init);
    replace_child("fc", fc_);
    spec_.classes = classes;
  }
  std::int64_t images_wanted() const override { return 5000; }
  void fit_to_data(const Tensor& images) override {
    whiten_->weight.copy_from(whitening_filters(images, kPatch));
  }
  void epoch_starts(std::int64_t epoch) override {
    if (epoch >= kWhiteningBiasEpochs) whiten_->bias.set_requires_grad(false);
  }
  void optimize_for_inference() override {
    for (const auto& group : groups_) group->fold();
    Model::optimize_for_inference();
  }

 private:
  static std::shared_ptr<Linear> make_head(std::int64_t in, std::int64_t classes, Init& init) {
    LinearOptions o;
    o.bias = false;
    return std::make_shared<Linear>(in, classes, init, o);
  }

  std::shared_ptr<Conv2d> whiten_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::shared_ptr<Linear> fc_;
};

}  // namespace

void check_airnet(const ModelSpec& s) {
  // 2x2 patches, then three halvings.
  if (s.height < kPatch + 7 || s.width < kPatch + 7) {
    fail<OptionError>("model '", s.name, "': an image of ", s.height, "x", s.width,
                      " is too small, expected at least 9x9");
  }
}

std::shared_ptr<Model> build_airnet(const ModelSpec& spec, const AirNetPlan& plan, Init& init) {
  return std::make_shared<AirNet>(spec, plan, init);
}

}  // namespace taxon

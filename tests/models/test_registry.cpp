// The models: names and shapes as torchvision's state dicts, parameter counts, outputs, specs.
#include <taxon/core/ops.h>
#include <taxon/models/model.h>

#include <algorithm>

#include "catch.h"

using namespace taxon;

namespace {

ModelSpec spec(const std::string& name, std::int64_t classes = 10) {
  ModelSpec s;
  s.name = name;
  s.classes = classes;
  return s;
}

ModelSpec imagenet(const std::string& name) {
  ModelSpec s = spec(name, 1000);
  s.stem = Stem::imagenet;
  return s;
}

std::string message(const ModelSpec& s) {
  try {
    resolve(s);
  } catch (const OptionError& e) {
    return e.what();
  }
  return "";
}

// FNV-1a of the lines "name [shape]\n".
std::uint64_t fingerprint(const std::vector<NamedTensor>& state) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const NamedTensor& t : state) {
    for (const char ch : t.name + " " + t.tensor.shape().str() + "\n") {
      h = (h ^ static_cast<unsigned char>(ch)) * 0x100000001b3u;
    }
  }
  return h;
}

std::vector<std::string> lines(const std::vector<NamedTensor>& state, const std::string& prefix) {
  std::vector<std::string> out;
  for (const NamedTensor& t : state) {
    if (t.name.rfind(prefix, 0) == 0 && t.name.find("running") == std::string::npos &&
        t.name.find("tracked") == std::string::npos) {
      out.push_back(t.name + " " + t.tensor.shape().str());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("ResNets have torchvision's state dict", "[models]") {
  // Number of entries and fingerprint of torchvision's state_dict(), in its order.
  struct Expected {
    const char* name;
    std::size_t entries;
    std::uint64_t hash;
    std::int64_t parameters;
  };
  const Expected expected[] = {{"resnet18", 122, 0x5b63edfa52a44602u, 11'689'512},
                               {"resnet34", 218, 0x9694acdcb89c5faau, 21'797'672},
                               {"resnet50", 320, 0x7423ad1ca2684dc6u, 25'557'032},
                               {"resnet101", 626, 0x646983ae90bb6281u, 44'549'160},
                               {"resnet152", 932, 0xc40d8cc5d5ad5e68u, 60'192'808}};
  for (const Expected& e : expected) {
    INFO(e.name);
    const auto model = build_model(imagenet(e.name));
    const auto state = model->file_state();
    CHECK(model->parameter_count() == e.parameters);
    CHECK(state.size() == e.entries);
    CHECK(fingerprint(state) == e.hash);
  }
}

TEST_CASE("names a person can check", "[models]") {
  const auto r18 = build_model(imagenet("resnet18"))->file_state();
  CHECK(lines(r18, "conv1") == std::vector<std::string>{"conv1.weight [64, 3, 7, 7]"});
  CHECK(lines(r18, "layer2.0.") ==
        std::vector<std::string>{
            "layer2.0.conv1.weight [128, 64, 3, 3]", "layer2.0.bn1.weight [128]",
            "layer2.0.bn1.bias [128]", "layer2.0.conv2.weight [128, 128, 3, 3]",
            "layer2.0.bn2.weight [128]", "layer2.0.bn2.bias [128]",
            "layer2.0.downsample.0.weight [128, 64, 1, 1]", "layer2.0.downsample.1.weight [128]",
            "layer2.0.downsample.1.bias [128]"});
  CHECK(lines(r18, "fc") == std::vector<std::string>{"fc.weight [1000, 512]", "fc.bias [1000]"});
  const auto r20 = build_model(spec("resnet20"))->file_state();
  CHECK(lines(r20, "conv1") == std::vector<std::string>{"conv1.weight [16, 3, 3, 3]"});
  CHECK(lines(r20, "layer2.0.") ==
        std::vector<std::string>{"layer2.0.conv1.weight [32, 16, 3, 3]", "layer2.0.bn1.weight [32]",
                                 "layer2.0.bn1.bias [32]", "layer2.0.conv2.weight [32, 32, 3, 3]",
                                 "layer2.0.bn2.weight [32]", "layer2.0.bn2.bias [32]"});
  const auto lenet = build_model(spec("lenet"))->file_state();
  CHECK(lines(lenet, "") == std::vector<std::string>{"0.weight [6, 1, 5, 5]", "0.bias [6]",
                                                     "3.weight [16, 6, 5, 5]", "3.bias [16]",
                                                     "7.weight [120, 400]", "7.bias [120]",
                                                     "9.weight [84, 120]", "9.bias [84]",
                                                     "11.weight [10, 84]", "11.bias [10]"});
}

TEST_CASE("parameter counts of the small models", "[models]") {
  const auto count = [](ModelSpec s) { return build_model(s)->parameter_count(); };
  // He et al. 2016, table 6 says 0.27 M, 0.46 M, 0.66 M, 0.85 M, 1.7 M.
  CHECK(count(spec("resnet20")) == 269'722);
  CHECK(count(spec("resnet32")) == 464'154);
  CHECK(count(spec("resnet44")) == 658'586);
  CHECK(count(spec("resnet56")) == 853'018);
  CHECK(count(spec("resnet110")) == 1'727'962);
  ModelSpec b = spec("resnet20");
  b.shortcut = Shortcut::b;
  CHECK(count(b) == 269'722 + (16 * 32 + 64) + (32 * 64 + 128));
  CHECK(count(spec("mlp")) == 784 * 512 + 512 + 512 * 256 + 256 + 2570);
  CHECK(count(spec("lenet")) == 61'706);
  CHECK(count(spec("cnn")) == 320 + 18'496 + 73'856 + 6272 * 128 + 128 + 1290);
  CHECK(count(spec("resnet18")) == 11'173'962);  // small stem, 10 classes
}

TEST_CASE("every model answers with logits", "[models]") {
  for (const std::string name : {"mlp", "lenet", "cnn", "resnet8", "resnet20", "resnet18"}) {
    INFO(name);
    ModelSpec s = spec(name, 7);
    const auto model = build_model(s, 3);
    const ModelSpec& r = model->spec();
    model->eval();
    NoGrad guard;
    const Tensor x = Tensor::uniform(Shape{2, r.height, r.width, r.channels}, -1, 1, 5);
    const Tensor y = model->forward(x);
    CHECK(y.shape() == Shape{2, 7});
    const Tensor f = model->features(x);
    CHECK(f.rank() == 2);
    CHECK(model->head(f).to_vector<float>() == y.to_vector<float>());
    const auto twin = build_model(s, 3);
    twin->eval();
    CHECK(twin->forward(x).to_vector<float>() == y.to_vector<float>());
  }
}

TEST_CASE("odd sizes and one channel", "[models]") {
  NoGrad guard;
  for (const std::string name : {"mlp", "lenet", "cnn", "resnet8", "resnet18"}) {
    ModelSpec s = spec(name, 3);
    s.height = 21;
    s.width = 17;
    s.channels = 1;
    INFO(name);
    const auto model = build_model(s);
    model->eval();
    CHECK(model->forward(Tensor::zeros(Shape{1, 21, 17, 1})).shape() == Shape{1, 3});
  }
}

TEST_CASE("shortcut A is subsampling and zero channels", "[models]") {
  // With all convolutions zero a block passes its shortcut through (and batch-norm adds nothing).
  const auto model = build_model(spec("resnet8"));
  for (NamedTensor& p : model->named_parameters()) {
    if (p.name.rfind("layer", 0) == 0 && p.name.find("conv") != std::string::npos) {
      p.tensor.fill(0);
    }
  }
  model->eval();
  NoGrad guard;
  const Tensor x = Tensor::uniform(Shape{1, 6, 6, 16}, 0, 1, 3);
  const Tensor y = model->find("layer2.0").forward(x);
  REQUIRE(y.shape() == Shape{1, 3, 3, 32});
  for (std::size_t h = 0; h < 3; ++h) {
    for (std::size_t w = 0; w < 3; ++w) {
      for (std::size_t ch = 0; ch < 32; ++ch) {
        const float expected =
            ch >= 8 && ch < 24 ? x.view<float>()[(2 * h * 6 + 2 * w) * 16 + ch - 8] : 0.0f;
        REQUIRE(y.view<float>()[(h * 3 + w) * 32 + ch] == expected);
      }
    }
  }
}

TEST_CASE("specs are resolved", "[models]") {
  CHECK(resolve(spec("resnet20")).shortcut == Shortcut::a);
  CHECK(resolve(spec("resnet18")).shortcut == Shortcut::b);
  CHECK(resolve(spec("resnet18")).stem == Stem::small);
  CHECK(resolve(spec("resnet18")).height == 32);
  CHECK(resolve(spec("resnet50")).stem == Stem::imagenet);
  CHECK(resolve(spec("resnet50")).height == 224);
  CHECK(resolve(imagenet("resnet18")).height == 224);
  CHECK(resolve(spec("lenet")).channels == 1);
  ModelSpec s = spec("resnet18");
  s.height = s.width = 64;
  CHECK(resolve(s).stem == Stem::small);
  s.width = 65;
  CHECK(resolve(s).stem == Stem::imagenet);
  CHECK(parse_shortcut("a") == Shortcut::a);
  CHECK(parse_stem("small") == Stem::small);
  ModelSpec plain = spec("cnn");
  plain.stem = Stem::small;
  CHECK(message(plain) ==
        "model 'cnn': a stem of 'small' is asked for, but only ResNets have a choice");
  REQUIRE_THROWS_AS(parse_stem("big"), OptionError);
}

TEST_CASE("specs that make no sense are refused", "[models]") {
  CHECK(message(spec("resnet19")).find("did you mean 'resnet18'") != std::string::npos);
  CHECK(message(spec("vgg")).find("there are mlp, lenet") != std::string::npos);
  CHECK(message(spec("resnet18", 0)).find("classes is 0") != std::string::npos);
  ModelSpec s = spec("lenet");
  s.height = 8;
  CHECK(message(s).find("too small") != std::string::npos);
  s = spec("resnet20");
  s.stem = Stem::imagenet;
  CHECK_FALSE(message(s).empty());
}

TEST_CASE("the head can be replaced and the backbone frozen", "[models]") {
  for (const std::string name : {"mlp", "resnet8"}) {
    INFO(name);
    const auto model = build_model(spec(name));
    Init init;
    init.seed = 9;
    model->replace_head(3, init);
    CHECK(model->spec().classes == 3);
    model->freeze_backbone();
    for (const NamedTensor& p : model->named_parameters()) {
      const bool head = p.name.rfind(model->head_name() + ".", 0) == 0;
      CHECK(p.tensor.requires_grad() == head);
    }
    const ModelSpec& r = model->spec();
    const Tensor x = Tensor::uniform(Shape{2, r.height, r.width, r.channels}, -1, 1, 1);
    const Tensor y = model->forward(x);
    REQUIRE(y.shape() == Shape{2, 3});
    sum(y).backward();
    CHECK(model->find(model->head_name()).parameters()[0].grad().defined());
    CHECK_FALSE(model->parameters()[0].grad().defined());
  }
}

TEST_CASE("folded models answer the same", "[models]") {
  for (const Shortcut shortcut : {Shortcut::a, Shortcut::b}) {
    ModelSpec s = spec("resnet8");
    s.shortcut = shortcut;
    const auto model = build_model(s, 4);
    for (std::uint64_t i = 0; i < 3; ++i) {
      model->forward(Tensor::uniform(Shape{4, 32, 32, 3}, -1, 1, i));
    }
    model->eval();
    NoGrad guard;
    const Tensor x = Tensor::uniform(Shape{2, 32, 32, 3}, -1, 1, 10);
    const auto before = model->forward(x).to_vector<float>();
    model->optimize_for_inference();
    const auto after = model->forward(x).to_vector<float>();
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(after[i] == Approx(before[i]).margin(1e-4));
    }
  }
}

TEST_CASE("bf16 precision: f32 logits close to f32's, gradients of the parameters' type",
          "[models]") {
  for (const char* name : {"resnet8", "cnn", "mlp"}) {
    INFO(name);
    const auto half = build_model(spec(name), 4), full = build_model(spec(name), 4);
    half->set_precision(DType::bf16);
    const ModelSpec& r = full->spec();
    const Tensor x = Tensor::uniform(Shape{8, r.height, r.width, r.channels}, -1, 1, 1);
    const Tensor y = half->forward(x), expected = full->forward(x);
    REQUIRE(y.dtype() == DType::f32);
    const auto a = y.to_vector<float>(), b = expected.to_vector<float>();
    float largest = 0, worst = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      largest = std::max(largest, std::abs(b[i]));
      worst = std::max(worst, std::abs(a[i] - b[i]));
    }
    CHECK(worst > 0);  // it did compute in bf16
    CHECK(worst < 0.05F * largest);
    sum(mul(y, y)).backward();
    for (const Tensor& p : half->parameters()) {
      REQUIRE(p.grad().defined());
      CHECK(p.grad().dtype() == DType::f32);
    }
  }
  CHECK_THROWS_AS(build_model(spec("mlp"))->set_precision(DType::f64), OptionError);
}

TEST_CASE("a batch that goes through in parts gives what its images give alone") {
  ModelSpec spec;
  spec.name = "resnet8";
  const auto model = build_model(resolve(spec), 3);
  model->eval();
  const NoGrad off;
  const Tensor x = Tensor::normal({35, 32, 32, 3}, 0, 1, 4);
  for (const bool optimized : {false, true}) {
    if (optimized) model->optimize_for_inference();
    const auto all = model->forward(x).to_vector<float>();
    REQUIRE(all.size() == 350);
    for (const std::int64_t i : {0, 11, 12, 17, 34}) {
      const auto one = model->forward(slice(x, 0, i, i + 1)).to_vector<float>();
      for (std::size_t j = 0; j < 10; ++j) {
        CHECK(all[static_cast<std::size_t>(i) * 10 + j] == Approx(one[j]).margin(1e-4));
      }
    }
  }
}

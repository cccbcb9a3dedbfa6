// Models, optimizers and training on a GPU against the CPU.
#include <taxon/core/ops.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model.h>
#include <taxon/train/run.h>
#include <taxon/train/trainer.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "catch.h"
#include "device_test.h"
#include "train/train_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// On a real GPU the models that people train; on the CPU's stand-in, what it can do in seconds.
bool real() {
  return std::getenv("TAXON_REAL_GPU") != nullptr;
}

ModelSpec spec_of(const std::string& name, std::int64_t size) {
  ModelSpec spec;
  spec.name = name;
  spec.height = spec.width = size;
  spec.classes = 10;
  if (name == "lenet" || name == "cnn") spec.channels = 1;
  return resolve(spec);
}

Tensor labels(std::int64_t n) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(i * 7 % 10);
  return Tensor::from(out, {n});
}

Tensor images(const ModelSpec& s, std::int64_t n) {
  return Tensor::normal({n, s.height, s.width, s.channels}, 0, 1, 17);
}

void fit(Model& model, const Tensor& x) {
  if (model.images_wanted() > 0) model.fit_to_data(x);
}

struct Named {
  std::string name;
  std::int64_t size;
};

std::vector<Named> small_models() {
  std::vector<Named> out{{"mlp", 8}, {"lenet", 28}, {"cnn", 12}, {"resnet8", 8}};
  if (real()) {
    out.insert(out.end(), {{"resnet20", 32}, {"resnet18", 64}, {"resnet50", 64}, {"airnet", 32}});
  }
  return out;
}

std::vector<double> losses(const ModelSpec& spec, Device device, DType precision, int steps,
                           const std::function<std::unique_ptr<Optimizer>(Module&)>& make) {
  const auto model = build_model(spec, 5);
  const Tensor x = images(spec, 16), y = labels(16);
  fit(*model, x);
  model->set_precision(precision);
  model->to(device);
  const auto optimizer = make(*model);
  const Tensor there = x.to(device), wanted = y.to(device);
  std::vector<double> out;
  for (int i = 0; i < steps; ++i) {
    const Tensor loss = CrossEntropy()(model->forward(there), wanted);
    out.push_back(loss.item());
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
  }
  return out;
}

std::unique_ptr<Optimizer> nesterov(Module& m) {
  SgdOptions o;
  o.momentum = 0.9;
  o.nesterov = true;
  return std::make_unique<Sgd>(param_groups(m, 5e-4), 0.01, o);
}
std::unique_ptr<Optimizer> adamw(Module& m) {
  return std::make_unique<AdamW>(param_groups(m, 1e-2), 1e-3);
}
std::unique_ptr<Optimizer> muon(Module& m) {
  return std::make_unique<Muon>(param_groups(m, 1e-2), 1e-3);
}

}  // namespace

TEST_CASE("models on a GPU give the CPU's logits and gradients") {
  for (const auto& [name, size] : small_models()) {
    INFO(name);
    const ModelSpec spec = spec_of(name, size);
    const auto here = build_model(spec, 3), there = build_model(spec, 3);
    const Tensor x = images(spec, 4), y = labels(4);
    fit(*here, x);
    fit(*there, x);
    there->to(gpu());
    CHECK(there->device() == gpu());
    const auto check = [&](double tolerance) {
      const Tensor a = here->forward(x), b = there->forward(x.to(gpu()));
      CHECK(difference(b, a) < tolerance);
      CrossEntropy()(a, y).backward();
      CrossEntropy()(b, y.to(gpu())).backward();
      const auto p = here->named_parameters(), q = there->named_parameters();
      for (std::size_t i = 0; i < p.size(); ++i) {
        INFO(p[i].name);
        CHECK(difference(q[i].tensor.grad(), p[i].tensor.grad()) < tolerance);
      }
    };
    check(2e-3);  // batch norm over few values multiplies the rounding of the layers before it
    here->eval();
    there->eval();
    const NoGrad no_grad;
    CHECK(difference(there->forward(x.to(gpu())), here->forward(x)) < 1e-3);
  }
}

TEST_CASE("training on a GPU follows the CPU's loss") {
  const int steps = 50;
  const ModelSpec spec = spec_of(real() ? "resnet20" : "resnet8", real() ? 32 : 8);
  const auto expected = losses(spec, cpu, DType::f32, steps, nesterov);
  const auto got = losses(spec, gpu(), DType::f32, steps, nesterov);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("step " << i);
    // Rounding differs and grows by a factor with each step: a chaotic system.
    CHECK(std::abs(got[i] - expected[i]) < (i < 10 ? 1e-3 : 0.05) * std::max(1.0, expected[i]));
  }
  CHECK(got.back() < 0.5 * got.front());
  CHECK(losses(spec, gpu(), DType::f32, 5, nesterov) ==
        losses(spec, gpu(), DType::f32, 5, nesterov));
}

TEST_CASE("training on a GPU in bf16 follows the CPU's loss") {
  const ModelSpec spec = spec_of("resnet8", 8);
  const auto expected = losses(spec, cpu, DType::bf16, 20, nesterov);
  const auto got = losses(spec, gpu(), DType::bf16, 20, nesterov);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("step " << i);
    CHECK(std::abs(got[i] - expected[i]) < 0.15 * std::max(1.0, expected[i]));
  }
  CHECK(got.back() < 0.7 * got.front());
}

TEST_CASE("every optimizer steps on a GPU as on the CPU") {
  const ModelSpec spec = spec_of("lenet", 28);
  for (const auto& make : {nesterov, adamw, muon}) {
    const auto expected = losses(spec, cpu, DType::f32, 6, make);
    const auto got = losses(spec, gpu(), DType::f32, 6, make);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(std::abs(got[i] - expected[i]) < 2e-3);
    }
  }
}

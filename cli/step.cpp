#include "step.h"

#include <vector>

namespace taxon::cli {
namespace {

Tensor random_images(const ModelSpec& spec, std::int64_t batch) {
  return Tensor::normal(Shape{batch, spec.height, spec.width, spec.channels}, 0, 1, 1);
}

Tensor some_labels(std::int64_t classes, std::int64_t batch) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < batch; ++i) labels.push_back(i % classes);
  return Tensor::from(labels, Shape{batch});
}

std::shared_ptr<Model> model_on(const ModelSpec& spec, Device device) {
  auto model = build_model(spec);
  model->to(device);
  return model;
}

SgdOptions nesterov() {
  SgdOptions options;
  options.momentum = 0.9;
  options.nesterov = true;
  return options;
}

}  // namespace

ModelSpec bench_spec(const std::string& name, std::int64_t size, const std::string& shortcut) {
  ModelSpec spec;
  spec.name = name;
  spec.height = spec.width = size;
  spec.shortcut = parse_shortcut(shortcut);
  if (size == 0 && (name == "resnet18" || name == "resnet34")) spec.height = spec.width = 32;
  return resolve(spec);
}

TrainingStep::TrainingStep(const ModelSpec& spec, std::int64_t batch, Device device)
    : model_(model_on(spec, device)),
      images_(random_images(spec, batch).to(device)),
      labels_(some_labels(spec.classes, batch).to(device)),
      optimizer_(*model_, 0.01, nesterov(), 5e-4) {}

void TrainingStep::run() {
  optimizer_.zero_grad();
  recorded_.run(*model_, images_, labels_, [this](const Tensor& x, const Tensor& y) -> Pass {
    const Tensor logits = model_->forward(x);
    const Tensor value = loss_(logits, y);
    value.backward();
    return {{value, nullptr}, logits};
  });
  optimizer_.step();
}

}  // namespace taxon::cli

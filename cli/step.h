// A training step on data in memory, as `bench` times it and `info --kernels MODEL` takes it apart.
#pragma once

#include <taxon/layers/losses.h>
#include <taxon/models/model.h>
#include <taxon/train/optimizer.h>
#include <taxon/train/recorded_step.h>

#include <cstdint>
#include <memory>
#include <string>

namespace taxon::cli {

/// A model of the table at `size` pixels, 0: its own input; resnet18 and resnet34 as on CIFAR.
ModelSpec bench_spec(const std::string& name, std::int64_t size, const std::string& shortcut);

/// Forward, loss, backward and an update by SGD with Nesterov momentum; on a GPU recorded, as
/// training does.
class TrainingStep {
 public:
  TrainingStep(const ModelSpec& spec, std::int64_t batch, Device device = cpu);
  void run();
  Model& model() { return *model_; }
  Optimizer& optimizer() { return optimizer_; }
  const Tensor& images() const { return images_; }
  Device device() const { return images_.device(); }

 private:
  std::shared_ptr<Model> model_;
  Tensor images_, labels_;
  CrossEntropy loss_;
  Sgd optimizer_;
  RecordedStep recorded_;
};

}  // namespace taxon::cli

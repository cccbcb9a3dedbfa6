// The families behind the registry. Each builds models from a resolved spec.
#pragma once

#include <taxon/models/model.h>

namespace taxon {

// mlp, lenet, cnn
std::shared_ptr<Model> build_plain(const ModelSpec& spec, Init& init);
/// Values a plain model flattens before its first Linear; 0 for other models.
std::int64_t flattened_features(const ModelSpec& spec);
void check_plain(const ModelSpec& spec);

// Residual networks.
struct ResNetPlan {
  std::int64_t width = 64;           // channels of the first stage; each stage doubles them
  std::vector<std::int64_t> blocks;  // one number a stage
  bool bottleneck = false;
};
std::shared_ptr<Model> build_resnet(const ModelSpec& spec, const ResNetPlan& plan, Init& init);

// airnet.
struct AirNetPlan {
  std::vector<std::int64_t> widths;  // channels of each group
};
std::shared_ptr<Model> build_airnet(const ModelSpec& spec, const AirNetPlan& plan, Init& init);
void check_airnet(const ModelSpec& spec);

/// build_model with weights from `init`.
std::shared_ptr<Model> build_from(const ModelSpec& spec, Init init);

}  // namespace taxon

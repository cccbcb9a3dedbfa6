// Layer-wise learning rates (see optimizer.h).
#include <taxon/base/error.h>
#include <taxon/layers/container.h>
#include <taxon/layers/norm.h>
#include <taxon/train/optimizer.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

struct Layer {
  std::vector<std::string> prefixes;  // of its parameters' names, each with the dot
};

// In the model's order: top-level children, of a stage (a Sequential) each block; a batch norm
// belongs to what it follows.
std::vector<Layer> layers_of(const Module& model) {
  std::vector<Layer> out;
  const auto add = [&](const std::string& name, const Module& module) {
    if (module.parameters().empty()) return;
    const bool norm = dynamic_cast<const BatchNorm2d*>(&module) != nullptr;
    if (!norm || out.empty()) out.emplace_back();
    out.back().prefixes.push_back(name + ".");
  };
  for (const auto& [name, child] : model.children()) {
    if (dynamic_cast<const Sequential*>(child.get()) == nullptr) {
      add(name, *child);
      continue;
    }
    for (const auto& [number, block] : child->children()) add(name + "." + number, *block);
  }
  return out;
}

bool holds(const Layer& layer, const std::string& parameter) {
  return std::any_of(layer.prefixes.begin(), layer.prefixes.end(), [&](const std::string& prefix) {
    return parameter.compare(0, prefix.size(), prefix) == 0;
  });
}

}  // namespace

void decay_layers(std::vector<ParamGroup>& groups, const Module& model, double decay) {
  if (!(decay > 0 && decay <= 1)) {
    fail<OptionError>("layer decay is ", decay, ", expected above 0, at most 1");
  }
  const std::vector<Layer> layers = layers_of(model);
  std::vector<ParamGroup> out;
  for (const ParamGroup& group : groups) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      ParamGroup part;
      part.weight_decay = group.weight_decay;
      part.lr_scale = group.lr_scale * std::pow(decay, static_cast<double>(layers.size() - 1 - i));
      for (const NamedTensor& p : group.params) {
        if (holds(layers[i], p.name)) part.params.push_back(p);
      }
      if (!part.params.empty()) out.push_back(std::move(part));
    }
    ParamGroup rest = group;  // of no child
    const auto of_layer = [&](const NamedTensor& p) {
      return std::any_of(layers.begin(), layers.end(),
                         [&](const Layer& layer) { return holds(layer, p.name); });
    };
    std::erase_if(rest.params, of_layer);
    if (!rest.params.empty()) out.push_back(std::move(rest));
  }
  groups = std::move(out);
}

}  // namespace taxon

// Sequential.
#include <taxon/layers/container.h>

namespace taxon {

Sequential::Sequential(std::vector<std::shared_ptr<Module>> modules) {
  for (auto& module : modules) {
    add(std::move(module));
  }
}

Sequential& Sequential::add(std::shared_ptr<Module> module) {
  register_module(std::to_string(size()), std::move(module));
  return *this;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& [_, module] : children()) {
    y = module->forward(y);
  }
  return y;
}

std::string Sequential::str() const {
  std::string out = "Sequential(";
  for (const auto& [name, module] : children()) {
    out += (name == "0" ? "" : ", ") + module->str();
  }
  return out + ")";
}

}  // namespace taxon

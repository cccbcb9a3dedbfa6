// Sequential.
#include <taxon/layers/activation.h>
#include <taxon/layers/container.h>
#include <taxon/layers/norm.h>
#include <taxon/layers/pool.h>

#include <typeinfo>

namespace taxon {
namespace {

using Chain = std::span<const std::pair<std::string, std::shared_ptr<Module>>>;

// The i-th module if it is of just this class: one derived from it may do something else.
template <class M>
M* at(Chain modules, std::size_t i) {
  if (i >= modules.size()) {
    return nullptr;
  }
  Module& module = *modules[i].second;
  return typeid(module) == typeid(M) ? static_cast<M*>(&module) : nullptr;
}

// A convolution, ReLU and maximum that run as one op.
Tensor conv_pool(const Conv2d& conv, const MaxPool2d& pool, const Tensor& x, bool relu) {
  const ConvOptions& o = conv.options;
  const ConvPoolOptions both{o.padding, o.padding, relu};
  if (!pool.halves() || o.stride != 1 || o.dilation != 1 || o.groups != 1 ||
      !conv2d_max_pool_pays(x, conv.weight, both)) {
    return {};
  }
  return conv2d_max_pool(x, conv.weight, conv.bias, both);
}

// Applies the convolution at i - 1 with what follows it, and moves i behind that.
Tensor forward_conv(Chain modules, std::size_t& i, Conv2d& conv, const Tensor& x) {
  auto* norm = at<BatchNorm2d>(modules, i);
  i += norm != nullptr ? 1 : 0;
  const bool relu = at<ReLU>(modules, i) != nullptr;
  i += relu ? 1 : 0;
  if (norm != nullptr) {
    return conv_norm(conv, *norm, x, {{}, relu});
  }
  auto* pool = at<MaxPool2d>(modules, i);
  if (pool == nullptr) {
    return conv.forward(x, {{}, relu});
  }
  ++i;
  const Tensor y = conv_pool(conv, *pool, x, relu);
  return y.defined() ? y : pool->forward(conv.forward(x, {}), relu);
}

// Applies the modules from i on that run as one op, and moves i behind them.
Tensor forward_next(Chain modules, std::size_t& i, const Tensor& x) {
  const std::size_t first = i++;
  if (auto* conv = at<Conv2d>(modules, first)) {
    return forward_conv(modules, i, *conv, x);
  }
  const bool relu = at<ReLU>(modules, i) != nullptr;
  if (auto* linear = at<Linear>(modules, first)) {
    i += relu ? 1 : 0;
    return linear->forward(x, relu);
  }
  if (auto* norm = at<BatchNorm2d>(modules, first)) {
    i += relu ? 1 : 0;
    return norm->forward(x, {{}, relu});
  }
  return modules[first].second->forward(x);
}

}  // namespace

Tensor forward_chain(Chain modules, const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < modules.size();) {
    y = forward_next(modules, i, y);
  }
  return y;
}

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
  return forward_chain(children(), x);
}

std::string Sequential::str() const {
  std::string out = "Sequential(";
  for (const auto& [name, module] : children()) {
    out += (name == "0" ? "" : ", ") + module->str();
  }
  return out + ")";
}

}  // namespace taxon

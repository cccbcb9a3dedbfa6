// See lookahead.h.
#include "lookahead.h"

#include <taxon/base/error.h>
#include <taxon/core/ops.h>

#include <cmath>

namespace taxon {
namespace {

constexpr double kDecay = 0.95;  // a step
constexpr double kPower = 3;

std::vector<NamedTensor> floating_state(const Module& module) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& t : module.state()) {
    if (is_floating(t.tensor.dtype())) out.push_back(t);
  }
  return out;
}

}  // namespace

void Lookahead::step_done(std::int64_t step, Module& module) {
  if (options_.every == 0 || step < options_.first || step % options_.every != 0) return;
  if (slow_.empty()) {
    for (const NamedTensor& t : floating_state(module)) slow_.push_back({t.name, t.tensor.clone()});
    return;
  }
  const double part = static_cast<double>(step) / static_cast<double>(options_.total);
  pull(module, std::pow(kDecay, static_cast<double>(options_.every)) * std::pow(part, kPower));
}

void Lookahead::epoch_done(Module& module) {
  if (!slow_.empty()) pull(module, 1);
}

void Lookahead::pull(Module& module, double decay) {
  NoGrad no_grad;
  Tensors slow, weights;
  for (const NamedTensor& t : floating_state(module)) weights.push_back(t.tensor);
  for (std::size_t i = 0; i < slow_.size(); ++i) {  // a restored state comes from the CPU
    slow_[i].tensor = slow_[i].tensor.to(weights[i].device());
    slow.push_back(slow_[i].tensor);
  }
  if (decay < 1) lerp_(slow, weights, 1 - decay);
  for (std::size_t i = 0; i < slow.size(); ++i) weights[i].copy_from(slow[i]);
}

void Lookahead::load_state(const std::vector<NamedTensor>& state) {
  slow_.clear();
  for (const NamedTensor& t : state) slow_.push_back({t.name, t.tensor.clone()});
}

}  // namespace taxon

// What all optimizers share: groups, steps, named state.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/train/optimizer.h>

#include <algorithm>

namespace taxon {

std::vector<ParamGroup> param_groups(const Module& module, double weight_decay,
                                     bool skip_bias_and_norm) {
  std::vector<ParamGroup> groups(1);
  groups[0].weight_decay = weight_decay;
  if (skip_bias_and_norm) groups.emplace_back();
  for (NamedTensor& p : module.named_parameters()) {
    const bool skip = skip_bias_and_norm && p.tensor.rank() <= 1;
    groups[skip ? 1 : 0].params.push_back(std::move(p));
  }
  return groups;
}

Optimizer::Optimizer(std::vector<ParamGroup> groups, double lr)
    : groups_(std::move(groups)), lr_(lr) {
  for (const ParamGroup& group : groups_) {
    for (const NamedTensor& p : group.params) {
      Slot slot;
      slot.name = p.name;
      slot.param = p.tensor;
      slot.weight_decay = group.weight_decay;
      slot.lr_scale = group.lr_scale;
      slots_.push_back(std::move(slot));
    }
  }
}

void Optimizer::step() {
  NoGrad no_grad;
  std::vector<Due> f32, f64;
  for (Slot& slot : slots_) {
    const Tensor grad = slot.param.grad();
    if (!grad.defined()) continue;
    const bool wide = float_type("optimizer", slot.param.dtype()) == kernels::Type::f64;
    (wide ? f64 : f32).push_back({&slot, grad, lr_ * slot.lr_scale});
  }
  for (const auto* due : {&f32, &f64}) {  // only now: all dtypes are accepted
    for (const Due& d : *due) ++d.slot->updates;
  }
  if (!f32.empty()) update(DType::f32, f32);
  if (!f64.empty()) update(DType::f64, f64);
}

void Optimizer::zero_grad() {
  for (Slot& slot : slots_) slot.param.set_grad({});
}

std::vector<NamedTensor> Optimizer::state() const {
  std::vector<NamedTensor> out;
  const auto& names = state_names();
  for (const Slot& slot : slots_) {
    if (slot.updates == 0) continue;
    out.push_back(
        {"step." + slot.name, Tensor::from(std::vector<std::int64_t>{slot.updates}, Shape{1})});
    for (std::size_t i = 0; i < slot.state.size(); ++i) {
      if (slot.state[i].defined()) out.push_back({names[i] + "." + slot.name, slot.state[i]});
    }
  }
  return out;
}

void Optimizer::load_state(const std::vector<NamedTensor>& state) {
  const auto& names = state_names();
  for (Slot& slot : slots_) {
    slot.updates = 0;
    slot.state.clear();
  }
  for (const NamedTensor& entry : state) {
    const std::size_t dot = entry.name.find('.');
    const std::string kind = entry.name.substr(0, dot);
    const std::string param = dot == std::string::npos ? "" : entry.name.substr(dot + 1);
    const auto slot =
        std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.name == param; });
    const auto at = std::find(names.begin(), names.end(), kind);
    if (slot == slots_.end() || (kind != "step" && at == names.end())) {
      fail<FormatError>("optimizer state: '", entry.name,
                        "' belongs to no parameter of this optimizer");
    }
    if (kind == "step") {
      slot->updates = entry.tensor.view<std::int64_t>()[0];
      continue;
    }
    if (entry.tensor.shape() != slot->param.shape()) {
      fail<FormatError>("optimizer state: '", entry.name, "' has shape ", entry.tensor.shape(),
                        ", its parameter ", slot->param.shape());
    }
    slot->state.resize(names.size());
    slot->state[static_cast<std::size_t>(at - names.begin())] =
        entry.tensor.clone().to(slot->param.device());
  }
}

}  // namespace taxon

// The two update rules; the arithmetic is in the kernels.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/kernels/optim.h>
#include <taxon/train/optimizer.h>

#include <cmath>

#include "adamw_update.h"

namespace taxon {

Sgd::Sgd(std::vector<ParamGroup> groups, double lr, SgdOptions options)
    : Optimizer(std::move(groups), lr), options_(options) {
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0)) {
    fail<OptionError>("sgd: nesterov needs momentum > 0 and dampening 0, got momentum ",
                      options.momentum, " and dampening ", options.dampening);
  }
}

Sgd::Sgd(const Module& module, double lr, SgdOptions options, double weight_decay)
    : Sgd(param_groups(module, weight_decay), lr, options) {}

const std::vector<std::string>& Sgd::state_names() const {
  static const std::vector<std::string> names{"momentum_buffer"};
  return names;
}

void Sgd::update(DType dtype, const std::vector<Due>& due) {
  std::vector<kernels::SgdTensor> tensors;
  tensors.reserve(due.size());
  for (const auto& [slot, grad, lr] : due) {
    kernels::SgdTensor& t = tensors.emplace_back();
    t.n = slot->param.numel();
    t.lr = lr;
    t.weight_decay = slot->weight_decay;
    if (options_.momentum != 0) {
      t.first = slot->state.empty();
      if (t.first)
        slot->state.push_back(Tensor::zeros(slot->param.shape(), dtype, slot->param.device()));
      t.v = slot->state[0].mutable_raw();
    }
    t.p = slot->param.mutable_raw();
    t.g = grad.raw();
  }
  kernels::SgdArgs args;
  args.count = static_cast<std::int64_t>(tensors.size());
  args.tensors = tensors.data();
  args.momentum = options_.momentum;
  args.dampening = options_.dampening;
  args.nesterov = options_.nesterov;
  run_kernel<&kernels::Tables::sgd>(due.front().slot->param.device(), kernel_type(dtype), args);
}

AdamW::AdamW(std::vector<ParamGroup> groups, double lr, AdamWOptions options)
    : Optimizer(std::move(groups), lr), options_(options) {}

AdamW::AdamW(const Module& module, double lr, AdamWOptions options, double weight_decay)
    : AdamW(param_groups(module, weight_decay), lr, options) {}

const std::vector<std::string>& AdamW::state_names() const {
  static const std::vector<std::string> names{"exp_avg", "exp_avg_sq"};
  return names;
}

void AdamW::update(DType dtype, const std::vector<Due>& due) {
  std::vector<AdamWSlot> slots;
  slots.reserve(due.size());
  for (const auto& [slot, grad, lr] : due) {
    slot->state.resize(2);
    slots.push_back({slot->param, grad, slot->state[0], slot->state[1],
                     static_cast<double>(slot->updates), lr, slot->weight_decay});
  }
  adamw_update(dtype, slots, options_);
}

void adamw_update(DType dtype, const std::vector<AdamWSlot>& slots, const AdamWOptions& options) {
  std::vector<kernels::AdamWTensor> tensors;
  tensors.reserve(slots.size());
  for (const AdamWSlot& s : slots) {
    for (Tensor* mean : {&s.mean, &s.square}) {
      if (!mean->defined()) *mean = Tensor::zeros(s.param.shape(), dtype, s.param.device());
    }
    kernels::AdamWTensor& t = tensors.emplace_back();
    t.n = s.param.numel();
    t.keep = 1 - s.lr * s.weight_decay;
    t.rate = s.lr / (1 - std::pow(options.beta1, s.step));
    t.root = std::sqrt(1 - std::pow(options.beta2, s.step));
    t.p = s.param.mutable_raw();
    t.g = s.grad.raw();
    t.m = s.mean.mutable_raw();
    t.v = s.square.mutable_raw();
  }
  kernels::AdamWArgs args;
  args.count = static_cast<std::int64_t>(tensors.size());
  args.tensors = tensors.data();
  args.beta1 = options.beta1;
  args.beta2 = options.beta2;
  args.eps = options.eps;
  run_kernel<&kernels::Tables::adamw>(slots.front().param.device(), kernel_type(dtype), args);
}

}  // namespace taxon

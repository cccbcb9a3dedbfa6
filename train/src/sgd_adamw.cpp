// The two update rules; the arithmetic is in the kernels.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/kernels/optim.h>
#include <taxon/train/optimizer.h>

#include <cmath>

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
      if (t.first) slot->state.push_back(Tensor::zeros(slot->param.shape(), dtype));
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
  run_kernel(kernels::sgd_rows(kernel_type(dtype)), args);
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
  std::vector<kernels::AdamWTensor> tensors;
  tensors.reserve(due.size());
  for (const auto& [slot, grad, lr] : due) {
    while (slot->state.size() < 2) {
      slot->state.push_back(Tensor::zeros(slot->param.shape(), dtype));
    }
    const auto step = static_cast<double>(slot->updates);
    kernels::AdamWTensor& t = tensors.emplace_back();
    t.n = slot->param.numel();
    t.keep = 1 - lr * slot->weight_decay;
    t.rate = lr / (1 - std::pow(options_.beta1, step));
    t.root = std::sqrt(1 - std::pow(options_.beta2, step));
    t.p = slot->param.mutable_raw();
    t.g = grad.raw();
    t.m = slot->state[0].mutable_raw();
    t.v = slot->state[1].mutable_raw();
  }
  kernels::AdamWArgs args;
  args.count = static_cast<std::int64_t>(tensors.size());
  args.tensors = tensors.data();
  args.beta1 = options_.beta1;
  args.beta2 = options_.beta2;
  args.eps = options_.eps;
  run_kernel(kernels::adamw_rows(kernel_type(dtype)), args);
}

}  // namespace taxon

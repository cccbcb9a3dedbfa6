// The two update rules; the arithmetic is in the kernels.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/kernels/optim.h>
#include <taxon/train/optimizer.h>

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

void Sgd::update(Slot& slot, const Tensor& grad, double lr) {
  kernels::SgdArgs args;
  args.n = slot.param.numel();
  args.lr = lr;
  args.momentum = options_.momentum;
  args.dampening = options_.dampening;
  args.nesterov = options_.nesterov;
  args.weight_decay = slot.weight_decay;
  if (options_.momentum != 0) {
    args.first = slot.state.empty();
    if (args.first) slot.state.push_back(Tensor::zeros(slot.param.shape(), slot.param.dtype()));
    args.v = slot.state[0].mutable_raw();
  }
  args.p = slot.param.mutable_raw();
  args.g = grad.raw();
  run_kernel(kernels::sgd_rows(float_type("sgd", slot.param.dtype())), args);
}

AdamW::AdamW(std::vector<ParamGroup> groups, double lr, AdamWOptions options)
    : Optimizer(std::move(groups), lr), options_(options) {}

AdamW::AdamW(const Module& module, double lr, AdamWOptions options, double weight_decay)
    : AdamW(param_groups(module, weight_decay), lr, options) {}

const std::vector<std::string>& AdamW::state_names() const {
  static const std::vector<std::string> names{"exp_avg", "exp_avg_sq"};
  return names;
}

void AdamW::update(Slot& slot, const Tensor& grad, double lr) {
  if (slot.state.empty()) {
    for (int i = 0; i < 2; ++i) {
      slot.state.push_back(Tensor::zeros(slot.param.shape(), slot.param.dtype()));
    }
  }
  kernels::AdamWArgs args;
  args.n = slot.param.numel();
  args.lr = lr;
  args.beta1 = options_.beta1;
  args.beta2 = options_.beta2;
  args.eps = options_.eps;
  args.weight_decay = slot.weight_decay;
  args.step = slot.updates;
  args.p = slot.param.mutable_raw();
  args.g = grad.raw();
  args.m = slot.state[0].mutable_raw();
  args.v = slot.state[1].mutable_raw();
  run_kernel(kernels::adamw_rows(float_type("adamw", slot.param.dtype())), args);
}

}  // namespace taxon

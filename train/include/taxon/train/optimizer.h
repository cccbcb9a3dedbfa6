// Optimizers: SGD and AdamW with PyTorch's definitions and defaults, and Muon, over groups of
// parameters.
#pragma once

#include <taxon/layers/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace taxon {

/// Parameters that share settings. lr_scale multiplies the optimizer's learning rate; weight_decay
/// is this group's own.
struct ParamGroup {
  std::vector<NamedTensor> params;
  double weight_decay = 0;
  double lr_scale = 1;
};

/// The parameters of a module as groups: one, or with `skip_bias_and_norm` two, of which the second
/// (biases, and every parameter of rank 1, which the norm layers' are) has no weight decay.
std::vector<ParamGroup> param_groups(const Module& module, double weight_decay,
                                     bool skip_bias_and_norm = false);

/// Layer-wise rates for fine-tuning: of n layers, layer i (from 0) gets lr_scale times
/// decay^(n - 1 - i), so that the head keeps its rate and each layer below learns more slowly
/// (Howard and Ruder 2018, section 3.2; Clark et al., "ELECTRA", 2020). Layers are the model's
/// children in order, of a Sequential each of its children; a BatchNorm2d goes with what it
/// follows; children without parameters do not count. Parameters of no child keep their rate.
/// Throws OptionError.
void decay_layers(std::vector<ParamGroup>& groups, const Module& model, double decay);

/// torch.nn.utils.clip_grad_norm_: where the norm of all gradients together is above max_norm, each
/// is multiplied by max_norm / (norm + 1e-6). Returns the norm before. Summed in double, the same
/// for any number of threads.
double clip_grad_norm(const std::vector<ParamGroup>& groups, double max_norm);

class Optimizer {
 public:
  Optimizer(std::vector<ParamGroup> groups, double lr);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of every parameter that has a gradient; the others are left alone, as in torch.
  void step();
  void zero_grad();
  double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  const std::vector<ParamGroup>& groups() const { return groups_; }

  /// What a checkpoint needs, by name: "momentum_buffer.fc.weight". Shares memory with the
  /// optimizer.
  std::vector<NamedTensor> state() const;
  /// The inverse. Throws FormatError for an entry that belongs to no parameter or does not fit it.
  void load_state(const std::vector<NamedTensor>& state);

 protected:
  /// A parameter and what the optimizer keeps for it; slots are undefined before the first update.
  struct Slot {
    std::string name;
    Tensor param;
    std::vector<Tensor> state;  // as state_names(), from the front; undefined: not used here
    std::int64_t updates = 0;
    double weight_decay = 0, lr_scale = 1;
  };
  /// A slot that has a gradient in this step.
  struct Due {
    Slot* slot;
    Tensor grad;
    double lr;
  };
  /// Updates all of them, whose parameters have this dtype (f32 or f64).
  virtual void update(DType dtype, const std::vector<Due>& due) = 0;
  virtual const std::vector<std::string>& state_names() const = 0;

 private:
  std::vector<ParamGroup> groups_;
  std::vector<Slot> slots_;
  double lr_;
};

/// torch.optim.SGD: Nesterov's form follows Sutskever et al. 2013 as torch writes it.
struct SgdOptions {
  double momentum = 0, dampening = 0;
  bool nesterov = false;
};
class Sgd : public Optimizer {
 public:
  /// Throws OptionError for Nesterov without momentum or with dampening.
  Sgd(std::vector<ParamGroup> groups, double lr, SgdOptions options = {});
  Sgd(const Module& module, double lr, SgdOptions options = {}, double weight_decay = 0);

 protected:
  void update(DType dtype, const std::vector<Due>& due) override;
  const std::vector<std::string>& state_names() const override;

 private:
  SgdOptions options_;
};

/// torch.optim.AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
};
class AdamW : public Optimizer {
 public:
  AdamW(std::vector<ParamGroup> groups, double lr = 1e-3, AdamWOptions options = {});
  AdamW(const Module& module, double lr = 1e-3, AdamWOptions options = {},
        double weight_decay = 1e-2);

 protected:
  void update(DType dtype, const std::vector<Due>& due) override;
  const std::vector<std::string>& state_names() const override;

 private:
  AdamWOptions options_;
};

/// Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) for
/// convolution filters, as matrices [out, kh kw in]: the Nesterov momentum's singular values become
/// about 1 by Newton-Schulz steps; decoupled weight decay. The update is scaled by
/// 0.2 sqrt(max(rows, columns)), which gives it the size of AdamW's (Liu et al., "Muon is scalable
/// for LLM training", 2025, eq. 4): all other parameters take AdamW with the same learning rate.
struct MuonOptions {
  double momentum = 0.95;
  int steps = 5;  ///< of Newton-Schulz
  AdamWOptions others = {};
};
class Muon : public Optimizer {
 public:
  Muon(std::vector<ParamGroup> groups, double lr = 1e-3, MuonOptions options = {});

 protected:
  void update(DType dtype, const std::vector<Due>& due) override;
  const std::vector<std::string>& state_names() const override;

 private:
  MuonOptions options_;
};

/// A matrix with the singular vectors of x [rows, columns] and singular values between about 0.7
/// and 1.2: `steps` of the quintic Newton-Schulz iteration X <- a X + b (X X') X + c (X X')^2 X
/// with the coefficients of Jordan et al. 2024.
Tensor orthogonalized(const Tensor& x, int steps = 5);

}  // namespace taxon

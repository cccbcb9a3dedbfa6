// Layers without weights: activations, dropout, flatten, identity.
#pragma once

#include <taxon/core/ops.h>
#include <taxon/layers/init.h>
#include <taxon/layers/module.h>

namespace taxon {

class ReLU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return relu(x); }
  std::string str() const override { return "ReLU()"; }
};

/// Exact: x * Phi(x), as torch's default.
class GELU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return gelu(x); }
  std::string str() const override { return "GELU()"; }
};

class SiLU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return silu(x); }
  std::string str() const override { return "SiLU()"; }
};

/// In training: zero with probability p, else x / (1 - p). The mask of the i-th training step
/// depends on (seed, this layer's place in the model, i) only; i is a buffer that checkpoints keep.
class Dropout : public Module {
 public:
  Dropout(double p, Init& init);  ///< throws OptionError unless 0 <= p < 1
  Tensor forward(const Tensor& x) override;
  std::string str() const override;

  const double p;

 private:
  std::uint64_t seed_, stream_;
  Tensor& step_;  // i64 scalar
};

/// [n, ...] -> [n, product]. Memory is NHWC, so the order is HWC; see LinearOptions::flattened.
class Flatten : public Module {
 public:
  Tensor forward(const Tensor& x) override { return flatten(x, 1); }
  std::string str() const override { return "Flatten()"; }
};

class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
  std::string str() const override { return "Identity()"; }
};

}  // namespace taxon

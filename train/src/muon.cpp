// Muon: orthogonalised momentum for filters, AdamW for the rest.
#include <taxon/base/error.h>
#include <taxon/core/ops.h>
#include <taxon/train/optimizer.h>

#include <algorithm>
#include <cmath>

#include "adamw_update.h"

namespace taxon {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;

Tensor product(const Tensor& a, const Tensor& b, bool transpose_b = false) {
  MatmulOptions o;
  o.trans_b = transpose_b;
  return matmul(a, b, o);
}

}  // namespace

Tensor orthogonalized(const Tensor& x, int steps) {
  if (x.rank() != 2) fail<ShapeError>("orthogonalized: ", x.shape(), ", expected a matrix");
  const bool tall = x.dim(0) > x.dim(1);  // the smaller side makes the smaller products
  Tensor y = tall ? transpose(x, {1, 0}) : x;
  // torch adds 1e-7 to the norm: a gradient of zeros stays zeros.
  y = div(y, add(sqrt(sum(mul(y, y))), 1e-7));
  for (int i = 0; i < steps; ++i) {
    const Tensor square = product(y, y, true);
    y = y * kA + product(square * kB + product(square, square) * kC, y);
  }
  return tall ? transpose(y, {1, 0}) : y;
}

Muon::Muon(std::vector<ParamGroup> groups, double lr, MuonOptions options)
    : Optimizer(std::move(groups), lr), options_(options) {
  if (!(options.momentum >= 0 && options.momentum < 1) || options.steps < 1) {
    fail<OptionError>("muon: momentum ", options.momentum, " and ", options.steps,
                      " steps, expected momentum in [0, 1) and at least 1 step");
  }
}

const std::vector<std::string>& Muon::state_names() const {
  static const std::vector<std::string> names{"momentum_buffer", "exp_avg", "exp_avg_sq"};
  return names;
}

void Muon::update(DType dtype, const std::vector<Due>& due) {
  std::vector<AdamWSlot> others;
  others.reserve(due.size());
  for (const auto& [slot, grad, lr] : due) {
    slot->state.resize(3);
    if (slot->param.rank() != 4) {
      others.push_back({slot->param, grad, slot->state[1], slot->state[2],
                        static_cast<double>(slot->updates), lr, slot->weight_decay});
      continue;
    }
    Tensor& momentum = slot->state[0];
    if (!momentum.defined()) momentum = Tensor::zeros(grad.shape(), dtype, grad.device());
    lerp_(momentum, grad, 1 - options_.momentum);
    const Tensor ahead = grad * (1 - options_.momentum) + momentum * options_.momentum;
    const std::int64_t rows = grad.dim(0), columns = grad.numel() / rows;
    const Tensor step = orthogonalized(reshape(ahead, Shape{rows, columns}), options_.steps);
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns)));
    const Tensor kept = slot->param * (1 - lr * slot->weight_decay);
    slot->param.copy_from(kept - reshape(step, grad.shape()) * (lr * size));
  }
  if (!others.empty()) adamw_update(dtype, others, options_.others);
}

}  // namespace taxon

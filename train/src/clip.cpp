// Clipping of gradients by their global norm.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>
#include <taxon/train/optimizer.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

constexpr std::int64_t kPiece = 1 << 14;  // elements summed at once

template <class T>
double squares(const T* g, std::int64_t n) {
  double lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; ++k) {
      const auto v = static_cast<double>(g[i + k]);
      lanes[k] += v * v;
    }
  }
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  for (const double lane : lanes) sum += lane;
  return sum;
}

// Pieces by size, summed in their order: the same for any number of threads.
double squares(const Tensor& g) {
  const std::int64_t n = g.numel();
  std::vector<double> pieces(static_cast<std::size_t>((n + kPiece - 1) / kPiece));
  parallel_chunks(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t piece) {
    const std::int64_t begin = piece * kPiece, count = std::min(kPiece, n - begin);
    pieces[static_cast<std::size_t>(piece)] = g.dtype() == DType::f64
                                                  ? squares(g.view<double>().data() + begin, count)
                                                  : squares(g.view<float>().data() + begin, count);
  });
  double sum = 0;
  for (const double piece : pieces) sum += piece;
  return sum;
}

// On a GPU: a sum for each gradient, read together, so that the host waits once.
double squares_there(const Tensors& gradients) {
  const Device device = gradients.front().device();
  const auto n = static_cast<std::int64_t>(gradients.size());
  Tensor sums = Tensor::empty({n}, DType::f32, device);
  auto* to = static_cast<float*>(sums.mutable_raw());
  for (const Tensor& g : gradients)
    copy_bytes(to++, device, sum(mul(g, g)).raw(), device, sizeof(float));
  double total = 0;
  for (const float each : sums.to_vector<float>()) total += static_cast<double>(each);
  return total;
}

}  // namespace

double clip_grad_norm(const std::vector<ParamGroup>& groups, double max_norm) {
  NoGrad no_grad;
  Tensors params, gradients;
  for (const ParamGroup& group : groups) {
    for (const NamedTensor& p : group.params) {
      const Tensor grad = p.tensor.grad();
      if (!grad.defined()) continue;
      gradients.push_back(grad);
      params.push_back(p.tensor);
    }
  }
  if (params.empty()) return 0;
  double sum = 0;
  if (gradients.front().device() == cpu) {
    for (const Tensor& g : gradients) sum += squares(g);
  } else {
    sum = squares_there(gradients);
  }
  const double norm = std::sqrt(sum);
  const double factor = max_norm / (norm + 1e-6);
  if (factor < 1) {
    for (Tensor& p : params) p.set_grad(p.grad() * factor);
  }
  return norm;
}

}  // namespace taxon

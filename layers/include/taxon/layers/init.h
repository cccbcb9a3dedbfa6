// Initial weights: where they come from, and the schemes of the layers and models.
#pragma once

#include <taxon/core/tensor.h>

#include <cstdint>

namespace taxon {

/// Every drawing takes the next stream of the seed, so a model built twice from one seed has the
/// same weights, and a tensor's numbers do not depend on the sizes of those before it.
struct Init {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  bool draw = true;  ///< false: zeros, for weights that are about to be loaded

  /// U(-bound, bound), f32.
  Tensor uniform(const Shape& shape, double bound);
  /// N(0, std), f32.
  Tensor normal(const Shape& shape, double std);
  /// torch's default for Linear and Conv2d weights, kaiming_uniform(a = sqrt 5), and their biases:
  /// U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
  Tensor fan_in_uniform(const Shape& shape, std::int64_t fan_in);
  /// He et al. 2015, eq. 10 with fan_out, for a rectifier: N(0, sqrt(2 / fan_out)).
  Tensor kaiming_normal(const Shape& shape, std::int64_t fan_out);
};

}  // namespace taxon

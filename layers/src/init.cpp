// Initial weights.
#include <taxon/layers/init.h>

#include <cmath>

namespace taxon {

Tensor Init::uniform(const Shape& shape, double bound) {
  return draw ? Tensor::uniform(shape, -bound, bound, seed, stream++) : Tensor::zeros(shape);
}

Tensor Init::normal(const Shape& shape, double std) {
  return draw ? Tensor::normal(shape, 0, std, seed, stream++) : Tensor::zeros(shape);
}

Tensor Init::fan_in_uniform(const Shape& shape, std::int64_t fan_in) {
  return uniform(shape, fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0);
}

Tensor Init::kaiming_normal(const Shape& shape, std::int64_t fan_out) {
  return normal(shape, std::sqrt(2 / static_cast<double>(fan_out)));
}

}  // namespace taxon

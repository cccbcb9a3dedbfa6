#include "device_test.h"

#include <taxon/core/ops.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace taxon::test {

Device gpu() {
  return {DeviceType::cuda, 0};
}

double difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) {
    return std::numeric_limits<double>::infinity();
  }
  const bool floating = is_floating(a.dtype());
  const auto x = a.to(cpu).to(floating ? DType::f32 : DType::f64);
  const auto y = b.to(cpu).to(floating ? DType::f32 : DType::f64);
  const auto value = [floating](const Tensor& t, std::size_t i) {
    return floating ? static_cast<double>(t.view<float>()[i]) : t.view<double>()[i];
  };
  double worst = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.numel()); ++i) {
    const double p = value(x, i), q = value(y, i);
    if (std::isnan(p) && std::isnan(q)) continue;
    const double apart = std::abs(p - q) / std::max(1.0, std::abs(q));
    worst = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(worst, apart);
  }
  return worst;
}

}  // namespace taxon::test

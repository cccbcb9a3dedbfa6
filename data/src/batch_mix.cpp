// Mixup (Zhang et al., "mixup: beyond empirical risk minimization", 2018) and CutMix (Yun et al.,
// "CutMix: regularization strategy to train strong classifiers with localizable features", 2019).
#include "batch_mix.h"

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

// The logarithm of a number from Gamma(shape, 1), shape >= 1: Marsaglia and Tsang, "A simple method
// for generating gamma variables", 2000.
double log_gamma_variate(Rng& rng, double shape) {
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = rng.normal(), root = 1.0 + c * x;
    if (root <= 0) {
      continue;
    }
    const double v = root * root * root;
    if (std::log(1.0 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d * v);
    }
  }
}

// Section 3.1 of Yun et al.: a box of the image's aspect ratio and a share 1 - own of its area, its
// centre anywhere; cut at the edges.
image_ops::Box draw_box(Rng& rng, double own, std::int64_t height, std::int64_t width) {
  const double side = std::sqrt(1.0 - own);
  const auto span = [&](std::int64_t n, std::int64_t& begin) {
    const auto half = static_cast<std::int64_t>(side * static_cast<double>(n)) / 2;
    const auto centre = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(n)));
    begin = std::max<std::int64_t>(0, centre - half);
    return std::min(n, centre + half) - begin;
  };
  image_ops::Box box;
  box.height = span(height, box.top);
  box.width = span(width, box.left);
  return box;
}

// Both rows at once, so that no copy is needed.
void blend(float* a, float* b, std::int64_t n, double own) {
  const auto keep = static_cast<float>(own);
  for (std::int64_t i = 0; i < n; ++i) {
    const float x = a[i], y = b[i];
    a[i] = y + keep * (x - y);
    b[i] = x + keep * (y - x);
  }
}

}  // namespace

// Gamma(a) = Gamma(a + 1) U^(1/a); in logarithms, since for a small alpha both may underflow.
double draw_beta(Rng& rng, double alpha) {
  const auto log_gamma = [&] {
    const double log_variate = log_gamma_variate(rng, alpha + 1.0);
    return log_variate + std::log(1.0 - rng.uniform()) / alpha;
  };
  const double first = log_gamma(), second = log_gamma();
  return 1.0 / (1.0 + std::exp(second - first));
}

BatchMix draw_mix(const LoaderOptions& options, std::int64_t epoch, std::int64_t number) {
  Rng rng(mix(options.seed, 0x3b17),
          mix(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(number)));
  const bool either = options.mixup > 0 && options.cutmix > 0;
  BatchMix m;
  m.cut = either ? (rng.next_u32() & 1u) != 0 : options.cutmix > 0;
  m.own = draw_beta(rng, m.cut ? options.cutmix : options.mixup);
  if (m.cut) {
    const Preprocess& p = options.preprocess;
    m.box = draw_box(rng, m.own, p.height, p.width);
    const auto area = static_cast<double>(m.box.height * m.box.width);
    m.own = 1.0 - area / static_cast<double>(p.height * p.width);
  }
  return m;
}

void mix_images(Tensor& x, const BatchMix& mix) {
  const std::int64_t n = x.dim(0), height = x.dim(1), row = x.dim(2) * x.dim(3);
  float* data = x.mutable_view<float>().data();
  for (std::int64_t i = 0; i < n / 2; ++i) {
    float* a = data + i * height * row;
    float* b = data + (n - 1 - i) * height * row;
    if (!mix.cut) {
      blend(a, b, height * row, mix.own);
      continue;
    }
    const std::int64_t left = mix.box.left * x.dim(3), length = mix.box.width * x.dim(3);
    for (std::int64_t y = mix.box.top; y < mix.box.top + mix.box.height; ++y) {
      std::swap_ranges(a + y * row + left, a + y * row + left + length, b + y * row + left);
    }
  }
}

Tensor mix_targets(const Tensor& y, std::int64_t classes, const BatchMix& mix) {
  const std::int64_t n = y.dim(0);
  Tensor out = y.dtype() == DType::i64 ? Tensor::zeros({n, classes}) : y.clone();
  float* data = out.mutable_view<float>().data();
  if (y.dtype() == DType::i64) {
    const auto index = y.view<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i) {
      data[i * classes + index[static_cast<std::size_t>(i)]] = 1;
    }
  }
  for (std::int64_t i = 0; i < n / 2; ++i) {
    blend(data + i * classes, data + (n - 1 - i) * classes, classes, mix.own);
  }
  return out;
}

}  // namespace taxon

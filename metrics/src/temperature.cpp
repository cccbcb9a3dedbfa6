// Temperature scaling.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/metrics/temperature.h>

#include "checks.h"
#include "parts.h"

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

/// Of the mean loss, by the inverse temperature s.
struct Slope {
  double first = 0, second = 0;

  Slope& operator+=(const Slope& o) {
    first += o.first;
    second += o.second;
    return *this;
  }
};

// The sum of the losses, convex in s, and of the prior (log s)^2 / 2. Newton's steps, kept within
// the interval that holds the minimum.
template <class LossSlope>
double fit(std::size_t samples, const LossSlope& loss_slope) {
  const auto slope_at = [&](double s) {
    const double prior = 1 / static_cast<double>(samples);
    Slope slope = loss_slope(s);
    slope += {prior * std::log(s) / s, prior * (1 - std::log(s)) / (s * s)};
    return slope;
  };
  double low = 1 / kMostTemperature, high = 1 / kLeastTemperature, s = 1;
  if (slope_at(high).first <= 0) return kLeastTemperature;
  if (slope_at(low).first >= 0) return kMostTemperature;
  constexpr int steps_at_most = 60;
  for (int step = 0; step < steps_at_most && high - low > 1e-9 * s; ++step) {
    const Slope slope = slope_at(s);
    (slope.first > 0 ? high : low) = s;
    const double newton = slope.second > 0 ? s - slope.first / slope.second : low;
    const double next = newton > low && newton < high ? newton : (low + high) / 2;
    if (std::abs(next - s) <= 1e-10 * s) break;
    s = next;
  }
  return 1 / s;
}

template <class Of>
Slope mean(std::size_t n, const Of& of) {
  const Slope sum = scoring::sum_of<Slope>(n, of);
  return {sum.first / static_cast<double>(n), sum.second / static_cast<double>(n)};
}

void check_logits(std::span<const float> logits) {
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (!std::isfinite(logits[i]))
      fail<OptionError>("fit_temperature: logit ", i, " is ", logits[i],
                        ", expected a finite number");
}

// d/ds of log sum exp(s z) - s z_true: E z - z_true, and the variance of z.
Slope softmax_slope(std::span<const float> z, std::size_t truth, double s) {
  const double most = *std::max_element(z.begin(), z.end());
  double sum = 0, first = 0, second = 0;
  for (const float v : z) {
    const double d = v - most, e = std::exp(s * d);
    sum += e;
    first += e * d;
    second += e * d * d;
  }
  first /= sum;
  return {first - (z[truth] - most), second / sum - first * first};
}

}  // namespace

double fit_temperature(std::span<const float> logits, std::int64_t classes,
                       std::span<const std::int64_t> truth) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || truth.empty() || logits.size() != truth.size() * c)
    fail<ShapeError>("fit_temperature: ", logits.size(), " logits for ", truth.size(),
                     " samples of ", classes, " classes");
  scoring::check_classes("fit_temperature", truth, classes);
  check_logits(logits);
  if (classes == 1) return 1;
  return fit(truth.size(), [&](double s) {
    return mean(truth.size(), [&](std::size_t i) {
      return softmax_slope(logits.subspan(i * c, c), static_cast<std::size_t>(truth[i]), s);
    });
  });
}

double fit_temperature(std::span<const float> logits, std::span<const std::uint8_t> truth) {
  if (truth.empty() || logits.size() != truth.size())
    fail<ShapeError>("fit_temperature: ", logits.size(), " logits for ", truth.size(), " labels");
  check_logits(logits);
  return fit(truth.size(), [&](double s) {
    return mean(truth.size(), [&](std::size_t i) {
      const double z = logits[i], p = 1 / (1 + std::exp(-s * z));
      return Slope{(p - (truth[i] != 0 ? 1 : 0)) * z, p * (1 - p) * z * z};
    });
  });
}

std::vector<double> without_temperature(std::span<const double> probability, std::int64_t classes,
                                        double temperature, bool several) {
  if (classes < 1 || probability.size() % static_cast<std::size_t>(classes) != 0)
    fail<ShapeError>("without_temperature: ", probability.size(), " probabilities of ", classes,
                     " classes");
  if (!(temperature > 0 && std::isfinite(temperature)))
    fail<OptionError>("without_temperature: temperature is ", temperature, ", expected above 0");
  const auto c = static_cast<std::size_t>(classes);
  std::vector<double> out(probability.size());
  const auto row = [&](std::size_t begin) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + c; ++i) {
      out[i] = std::pow(probability[i], temperature);
      if (several) out[i] /= out[i] + std::pow(1 - probability[i], temperature);
      sum += out[i];
    }
    for (std::size_t i = begin; !several && i < begin + c; ++i) out[i] /= sum;
  };
  constexpr std::size_t rows_a_chunk = 512;
  const std::size_t rows = probability.size() / c;
  parallel_chunks(static_cast<std::int64_t>((rows + rows_a_chunk - 1) / rows_a_chunk),
                  [&](std::int64_t chunk) {
                    const std::size_t from = static_cast<std::size_t>(chunk) * rows_a_chunk;
                    for (std::size_t r = from; r < std::min(rows, from + rows_a_chunk); ++r)
                      row(r * c);
                  });
  return out;
}

}  // namespace taxon

// Thresholds of a multi-label classifier.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>

#include <algorithm>
#include <numeric>

namespace taxon {
namespace {

// Of one label: order holds the samples, most probable first.
double best_f1(const std::vector<std::size_t>& order, const std::vector<double>& p,
               const std::vector<bool>& truth) {
  const auto positives = static_cast<double>(std::count(truth.begin(), truth.end(), true));
  if (positives == 0) return 0.5;
  double hits = 0, best = 0, threshold = 0.5;
  for (std::size_t i = 0; i < order.size(); ++i) {
    hits += truth[order[i]] ? 1 : 0;
    const double here = p[order[i]];
    const double next = i + 1 < order.size() ? p[order[i + 1]] : 0;
    if (here == next) continue;  // samples alike are judged alike
    const double f1 = 2 * hits / (static_cast<double>(i + 1) + positives);
    if (f1 > best) {
      best = f1;
      threshold = (here + next) / 2;
    }
  }
  return threshold;
}

}  // namespace

std::vector<double> best_f1_thresholds(std::span<const double> probability,
                                       std::span<const std::uint8_t> truth, std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || probability.empty() || probability.size() != truth.size() ||
      probability.size() % c != 0) {
    fail<ShapeError>("best_f1_thresholds: ", probability.size(), " probabilities, ", truth.size(),
                     " labels, ", classes, " classes; expected [n, classes] of both, n > 0");
  }
  const std::size_t n = probability.size() / c;
  std::vector<double> out, p(n);
  std::vector<bool> has(n);
  std::vector<std::size_t> order(n);
  for (std::size_t k = 0; k < c; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = probability[i * c + k];
      has[i] = truth[i * c + k] != 0;
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    out.push_back(best_f1(order, p, has));
  }
  return out;
}

}  // namespace taxon

// Ranking, calibration, log loss and top-k.
#include <taxon/base/error.h>
#include <taxon/metrics/curves.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace taxon {

Ranking ranking(std::span<const double> score, std::span<const std::uint8_t> positive) {
  if (score.size() != positive.size())
    fail<ShapeError>("ranking: ", score.size(), " scores, ", positive.size(), " labels");
  const std::size_t n = score.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
  const auto positives = static_cast<double>(
      std::count_if(positive.begin(), positive.end(), [](std::uint8_t p) { return p != 0; }));
  const double negatives = static_cast<double>(n) - positives;

  // Counts are whole numbers, exact in a double; one step of the curve per distinct score.
  double tp = 0, fp = 0, twice_area = 0, precision_sum = 0;
  for (std::size_t i = 0; i < n;) {
    double hits = 0, misses = 0;
    const double s = score[order[i]];
    for (; i < n && score[order[i]] == s; ++i) (positive[order[i]] != 0 ? hits : misses) += 1;
    twice_area += misses * (2 * tp + hits);
    tp += hits;
    fp += misses;
    precision_sum += hits * (tp / (tp + fp));
  }
  Ranking r;
  if (positives > 0) r.average_precision = precision_sum / positives;
  if (positives > 0 && negatives > 0) r.roc_auc = twice_area / (2 * positives * negatives);
  return r;
}

double expected_calibration_error(std::span<const double> confidence,
                                  std::span<const std::uint8_t> correct, int bins) {
  if (confidence.size() != correct.size())
    fail<ShapeError>("expected_calibration_error: ", confidence.size(), " confidences, ",
                     correct.size(), " outcomes");
  if (bins < 1) fail<OptionError>("expected_calibration_error: ", bins, " bins, expected >= 1");
  if (confidence.empty()) fail<ShapeError>("expected_calibration_error: no samples");
  const auto count = static_cast<std::size_t>(bins);
  std::vector<double> upper(count), difference(count, 0.0);
  for (std::size_t b = 0; b < count; ++b)
    upper[b] = static_cast<double>(b + 1) / static_cast<double>(bins);
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const auto it = std::lower_bound(upper.begin(), upper.end(), confidence[i]);
    const auto bin = std::min(static_cast<std::size_t>(it - upper.begin()), count - 1);
    difference[bin] += (correct[i] != 0 ? 1.0 : 0.0) - confidence[i];
  }
  double total = 0;
  for (const double d : difference) total += std::abs(d);
  return total / static_cast<double>(confidence.size());
}

double sample_log_loss(double p) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  return -std::log(std::clamp(p, eps, 1 - eps));
}

namespace {
void check_table(const char* what, std::span<const double> probability, std::int64_t classes,
                 std::span<const std::int64_t> truth) {
  if (classes < 1 || truth.empty() ||
      probability.size() != truth.size() * static_cast<std::size_t>(classes))
    fail<ShapeError>(what, ": ", probability.size(), " probabilities for ", truth.size(),
                     " samples of ", classes, " classes");
  for (const std::int64_t t : truth)
    if (t < 0 || t >= classes)
      fail<OptionError>(what, ": class ", t, ", expected one in [0, ", classes, ")");
}
}  // namespace

double log_loss(std::span<const double> probability, std::int64_t classes,
                std::span<const std::int64_t> truth) {
  check_table("log_loss", probability, classes, truth);
  double total = 0;
  for (std::size_t i = 0; i < truth.size(); ++i)
    total += sample_log_loss(
        probability[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(truth[i])]);
  return total / static_cast<double>(truth.size());
}

double top_k_accuracy(std::span<const double> probability, std::int64_t classes,
                      std::span<const std::int64_t> truth, std::int64_t k) {
  check_table("top_k_accuracy", probability, classes, truth);
  if (k < 1) fail<OptionError>("top_k_accuracy: k is ", k, ", expected >= 1");
  const auto c = static_cast<std::size_t>(classes);
  std::size_t hits = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = probability.subspan(i * c, c);
    const auto t = static_cast<std::size_t>(truth[i]);
    std::int64_t before = 0;
    for (std::size_t j = 0; j < c; ++j)
      before += row[j] > row[t] || (row[j] == row[t] && j < t) ? 1 : 0;
    hits += before < k ? 1U : 0U;
  }
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

}  // namespace taxon

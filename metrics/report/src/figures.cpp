// See figures.h.
#include "figures.h"

#include <taxon/metrics/calibration.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace taxon::report {
namespace {

using Pair = std::pair<std::int64_t, std::int64_t>;

bool has(const Predictions& p, std::size_t sample, std::size_t c) {
  return p.multi_label ? p.truth_labels[sample * p.classes.size() + c] != 0
                       : p.truth[sample] == static_cast<std::int64_t>(c);
}

Json label_counts(const Predictions& p) {
  const std::size_t c = p.classes.size();
  std::vector<std::array<std::int64_t, 4>> counts(c);
  for (std::size_t i = 0; i < p.truth_labels.size(); ++i) {
    const bool truth = p.truth_labels[i] != 0, said = p.predicted_labels[i] != 0;
    ++counts[i % c][truth ? (said ? 0 : 2) : (said ? 1 : 3)];
  }
  Json out = Json::array();
  for (std::size_t k = 0; k < c; ++k)
    out.push_back({k, counts[k][0], counts[k][1], counts[k][2], counts[k][3]});
  return out;
}

// Of each sample, every missed label with every added one.
void count_label_pairs(const Predictions& p, std::map<Pair, std::int64_t>& counts) {
  const std::size_t c = p.classes.size();
  std::vector<std::int64_t> missed, added;
  for (std::size_t i = 0; i < p.truth_labels.size(); i += c) {
    missed.clear();
    added.clear();
    for (std::size_t k = 0; k < c; ++k) {
      const bool truth = p.truth_labels[i + k] != 0;
      if (truth == (p.predicted_labels[i + k] != 0)) continue;
      (truth ? missed : added).push_back(static_cast<std::int64_t>(k));
    }
    for (const std::int64_t m : missed)
      for (const std::int64_t a : added) ++counts[{m, a}];
  }
}

// The largest k with k / steps <= probability, by the same division as the page's.
std::size_t step_below(double probability, int steps) {
  auto k = static_cast<int>(std::floor(probability * steps));
  while (k < steps && static_cast<double>(k + 1) / steps <= probability) ++k;
  while (k > 0 && static_cast<double>(k) / steps > probability) --k;
  return static_cast<std::size_t>(std::clamp(k, 0, steps));
}

}  // namespace

Json confusion_of(const Predictions& p) {
  if (p.multi_label) return label_counts(p);
  std::map<Pair, std::int64_t> counts;
  for (std::size_t i = 0; i < p.truth.size(); ++i) ++counts[{p.truth[i], p.predicted[i]}];
  Json out = Json::array();
  for (const auto& [pair, count] : counts) out.push_back({pair.first, pair.second, count});
  return out;
}

Json confused_pairs(const Predictions& p, std::size_t most) {
  std::map<Pair, std::int64_t> counts;
  if (p.multi_label) {
    count_label_pairs(p, counts);
  } else {
    for (std::size_t i = 0; i < p.truth.size(); ++i)
      if (p.truth[i] != p.predicted[i]) ++counts[{p.truth[i], p.predicted[i]}];
  }
  std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>> sorted;
  for (const auto& [pair, count] : counts) sorted.emplace_back(-count, pair.first, pair.second);
  std::sort(sorted.begin(), sorted.end());
  sorted.resize(std::min(sorted.size(), most));
  Json out = Json::array();
  for (const auto& [count, truth, predicted] : sorted) out.push_back({truth, predicted, -count});
  return out;
}

Json reliability_of(const Predictions& p, int bins) {
  const bool multi = p.multi_label;
  const std::vector<double>& confidence = multi ? p.probability : p.confidence;
  if (confidence.empty()) return nullptr;
  std::vector<std::uint8_t> correct(confidence.size());
  for (std::size_t i = 0; i < confidence.size(); ++i)
    correct[i] = (multi ? p.truth_labels[i] != 0 : p.truth[i] == p.predicted[i]) ? 1 : 0;
  const std::vector<CalibrationBin> all = reliability(confidence, correct, bins);
  Json out;
  out["ece"] = expected_error(all);
  out["bins"] = Json::array();
  for (const CalibrationBin& b : all) {
    const auto mean = [&](double v) { return b.count > 0 ? Json(v) : Json(nullptr); };
    out["bins"].push_back(
        {static_cast<std::int64_t>(b.count), mean(b.confidence), mean(b.accuracy)});
  }
  return out;
}

std::vector<std::uint32_t> threshold_counts(const Predictions& p, int steps) {
  const std::size_t c = p.classes.size(), width = static_cast<std::size_t>(steps) + 1;
  std::vector<std::uint32_t> out(2 * c * width);
  for (std::size_t i = 0; i < p.probability.size(); ++i) {
    const std::size_t row = 2 * (i % c) + (has(p, i / c, i % c) ? 1 : 0);
    ++out[row * width + step_below(p.probability[i], steps)];
  }
  for (std::size_t row = 0; row < 2 * c; ++row)
    for (std::size_t k = width - 1; k-- > 0;) out[row * width + k] += out[row * width + k + 1];
  return out;
}

std::vector<std::int64_t> positives_of(const Predictions& p) {
  const std::size_t c = p.classes.size();
  std::vector<std::int64_t> out(c);
  if (!p.multi_label)
    for (const std::int64_t k : p.truth) ++out[static_cast<std::size_t>(k)];
  for (std::size_t i = 0; i < p.truth_labels.size(); ++i) out[i % c] += p.truth_labels[i] != 0;
  return out;
}

}  // namespace taxon::report

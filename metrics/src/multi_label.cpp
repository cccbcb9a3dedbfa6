// The figures of a multi-label classifier.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>

#include "scores.h"

#include <algorithm>

namespace taxon {

using namespace scoring;

std::vector<std::uint8_t> apply_thresholds(std::span<const double> probability,
                                           std::span<const double> threshold) {
  if (threshold.empty() || probability.size() % threshold.size() != 0)
    fail<ShapeError>("apply_thresholds: ", probability.size(), " probabilities, ", threshold.size(),
                     " thresholds");
  std::vector<std::uint8_t> out(probability.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = probability[i] >= threshold[i % threshold.size()] ? 1 : 0;
  return out;
}

namespace {

void check(const MultiLabelInput& in) {
  const std::size_t c = in.classes.size(), size = in.truth.size();
  const auto fits = [](std::size_t given, std::size_t expected) {
    return given == 0 || given == expected;
  };
  if (c == 0 || size == 0 || size % c != 0 || !fits(in.predicted.size(), size) ||
      !fits(in.probability.size(), size) || !fits(in.threshold.size(), c) ||
      (in.predicted.empty() && in.probability.empty()))
    fail<ShapeError>("multi_label_metrics: ", size, " true labels of ", c, " classes with ",
                     in.predicted.size(), " predicted labels, ", in.probability.size(),
                     " probabilities and ", in.threshold.size(),
                     " thresholds; expected at least one sample, and predictions or probabilities"
                     " for every label");
  check_finite("multi_label_metrics", in.probability);
}

struct Sums {
  std::vector<Counts> classes;
  Counts all;
  Scores samples;  ///< summed over the samples
  double wrong = 0, exact = 0;
};

Sums count(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> predicted,
           std::size_t c) {
  Sums s;
  s.classes.resize(c);
  for (std::size_t row = 0; row < truth.size(); row += c) {
    Counts sample;
    double wrong = 0;
    for (std::size_t k = 0; k < c; ++k) {
      const bool t = truth[row + k] != 0, p = predicted[row + k] != 0;
      const Counts one{t && p ? 1.0 : 0.0, p ? 1.0 : 0.0, t ? 1.0 : 0.0};
      for (Counts* sum : {&sample, &s.classes[k], &s.all}) {
        sum->hits += one.hits;
        sum->predicted += one.predicted;
        sum->actual += one.actual;
      }
      wrong += t != p ? 1 : 0;
    }
    const Scores scores = scores_of(sample);
    s.samples.precision += scores.precision;
    s.samples.recall += scores.recall;
    s.samples.f1 += scores.f1;
    s.wrong += wrong;
    s.exact += wrong == 0 ? 1 : 0;
  }
  return s;
}

}  // namespace

MultiLabelMetrics multi_label_metrics(const MultiLabelInput& in) {
  check(in);
  const std::size_t c = in.classes.size();
  std::vector<double> threshold(in.threshold.begin(), in.threshold.end());
  std::vector<std::uint8_t> decided;
  if (in.predicted.empty()) {
    if (threshold.empty()) threshold.assign(c, 0.5);
    decided = apply_thresholds(in.probability, threshold);
  }
  const Sums sums = count(in.truth, in.predicted.empty() ? decided : in.predicted, c);
  const auto n = static_cast<double>(in.truth.size() / c);

  MultiLabelMetrics m;
  m.samples = static_cast<std::int64_t>(in.truth.size() / c);
  m.subset_accuracy = sums.exact / n;
  m.hamming_loss = sums.wrong / static_cast<double>(in.truth.size());
  m.per_class.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    m.per_class[k].name = in.classes[k];
    fill_scores(m.per_class[k], sums.classes[k]);
    if (!threshold.empty()) m.per_class[k].threshold = threshold[k];
  }
  m.micro = scores_of(sums.all);
  m.macro = macro_average(m.per_class);
  m.weighted = weighted_average(m.per_class);
  m.samples_avg = {sums.samples.precision / n, sums.samples.recall / n, sums.samples.f1 / n};
  if (!in.probability.empty()) {
    fill_rankings(m.per_class, in.probability,
                  [&](std::size_t i, std::size_t k) { return in.truth[i * c + k] != 0; });
    double sum = 0;
    for (const ClassScores& k : m.per_class) sum += k.average_precision.value_or(0);
    m.mean_average_precision = sum / static_cast<double>(c);
  }
  return m;
}

}  // namespace taxon

// The figures of a multi-label classifier.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/ranking.h>

#include "checks.h"
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

struct Sums {
  std::vector<Counts> classes;
  Counts all;
  Scores samples;  ///< summed over the samples
  double wrong = 0, exact = 0;
};

void add(Scores& sum, const Scores& s, double weight) {
  sum.precision += weight * s.precision;
  sum.recall += weight * s.recall;
  sum.f1 += weight * s.f1;
  sum.fbeta += weight * s.fbeta;
  sum.jaccard += weight * s.jaccard;
}

Sums count(const MultiLabelInput& in, std::span<const std::uint8_t> predicted, double beta) {
  const std::size_t c = in.classes.size();
  Sums s;
  s.classes.resize(c);
  for (std::size_t row = 0; row < in.truth.size(); row += c) {
    const double w = weight_of(in.weight, row / c);
    Counts sample;
    double wrong = 0;
    for (std::size_t k = 0; k < c; ++k) {
      const bool t = in.truth[row + k] != 0, p = predicted[row + k] != 0;
      const Counts one{t && p ? 1.0 : 0.0, p ? 1.0 : 0.0, t ? 1.0 : 0.0};
      sample += one;
      s.classes[k] += {w * one.hits, w * one.predicted, w * one.actual};
      wrong += t != p ? 1 : 0;
    }
    add(s.samples, scores_of(sample, beta), w);
    s.wrong += w * wrong;
    s.exact += wrong == 0 ? w : 0;
  }
  for (const Counts& k : s.classes) s.all += k;
  return s;
}

double binary_log_loss(const MultiLabelInput& in) {
  const std::size_t c = in.classes.size();
  double sum = 0;
  for (std::size_t i = 0; i < in.truth.size(); ++i) {
    const double yes = in.probability[i];
    sum += weight_of(in.weight, i / c) * sample_log_loss(in.truth[i] != 0 ? yes : 1 - yes);
  }
  return sum / (total_weight(in.weight, in.truth.size() / c) * static_cast<double>(c));
}

void fill_calibration(MultiLabelMetrics& m, const MultiLabelInput& in, int bins) {
  std::vector<double> weight;  // of each label
  const std::size_t c = in.classes.size();
  for (std::size_t i = 0; !in.weight.empty() && i < in.truth.size(); ++i)
    weight.push_back(in.weight[i / c]);
  m.reliability = reliability(in.probability, in.truth, bins, weight);
  m.ece = expected_error(m.reliability);
}

void fill_probabilistic(MultiLabelMetrics& m, const MultiLabelInput& in,
                        const MetricsOptions& options) {
  const std::size_t c = in.classes.size();
  m.log_loss = binary_log_loss(in);
  fill_calibration(m, in, options.bins);
  if (!options.rankings) return;
  fill_rankings(m.per_class, class_rankings(in.probability, {{}, in.truth, c}, in.weight),
                m.roc_auc, m.average_precision);
  m.mean_average_precision = m.average_precision.macro;
  const LabelRanking order =
      label_ranking(in.probability, in.truth, static_cast<std::int64_t>(c), in.weight);
  m.coverage_error = order.coverage_error;
  m.label_ranking_average_precision = order.average_precision;
  m.label_ranking_loss = order.loss;
}

}  // namespace

void scoring::check_input(const MultiLabelInput& in) {
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
  check_weights("multi_label_metrics", in.weight, size / c);
}

MultiLabelMetrics multi_label_metrics(const MultiLabelInput& in, const MetricsOptions& options) {
  check_input(in);
  check_options("multi_label_metrics", options);
  const std::size_t c = in.classes.size();
  std::vector<double> threshold(in.threshold.begin(), in.threshold.end());
  std::vector<std::uint8_t> decided;
  if (in.predicted.empty()) {
    if (threshold.empty()) threshold.assign(c, 0.5);
    decided = apply_thresholds(in.probability, threshold);
  }
  const Sums sums = count(in, in.predicted.empty() ? decided : in.predicted, options.beta);

  MultiLabelMetrics m;
  m.beta = options.beta;
  m.samples = total_weight(in.weight, in.truth.size() / c);
  m.subset_accuracy = sums.exact / m.samples;
  m.hamming_loss = sums.wrong / (m.samples * static_cast<double>(c));
  m.per_class.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    m.per_class[k].name = in.classes[k];
    fill_scores(m.per_class[k], sums.classes[k], options.beta);
    if (!threshold.empty()) m.per_class[k].threshold = threshold[k];
  }
  m.micro = scores_of(sums.all, options.beta);
  m.macro = macro_average(m.per_class);
  m.weighted = weighted_average(m.per_class);
  add(m.samples_avg, sums.samples, 1 / m.samples);
  if (!in.probability.empty()) fill_probabilistic(m, in, options);
  return m;
}

}  // namespace taxon

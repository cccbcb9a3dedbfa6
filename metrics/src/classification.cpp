// The figures of a single-label classifier.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>

#include "checks.h"
#include "parts.h"
#include "scores.h"

#include <algorithm>
#include <cmath>

namespace taxon {

using namespace scoring;

std::vector<std::int64_t> most_probable(std::span<const double> probability, std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || probability.size() % c != 0)
    fail<ShapeError>("most_probable: ", probability.size(), " probabilities of ", classes,
                     " classes");
  std::vector<std::int64_t> best(probability.size() / c);
  for_parts(best.size(), [&](std::size_t, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const auto row = probability.subspan(i * c, c);
      best[i] = std::max_element(row.begin(), row.end()) - row.begin();
    }
  });
  return best;
}

namespace {

std::vector<Counts> class_counts(const std::vector<double>& confusion, std::size_t c) {
  std::vector<Counts> counts(c);
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p) {
      const double n = confusion[t * c + p];
      counts[t].actual += n;
      counts[p].predicted += n;
      if (t == p) counts[t].hits = n;
    }
  return counts;
}

void fill_from_confusion(SingleLabelMetrics& m, std::span<const std::string> names, double beta) {
  const std::size_t c = names.size();
  const auto classes = static_cast<std::int64_t>(c);
  const std::vector<Counts> counts = class_counts(m.confusion, c);
  Counts all;
  double recalls = 0, occurring = 0;
  m.per_class.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    m.per_class[k].name = names[k];
    fill_scores(m.per_class[k], counts[k], beta);
    all += counts[k];
    recalls += m.per_class[k].recall.value_or(0);
    occurring += m.per_class[k].recall.has_value() ? 1 : 0;
  }
  m.samples = all.actual;
  m.accuracy = all.hits / all.actual;
  m.hamming_loss = (all.actual - all.hits) / all.actual;
  m.balanced_accuracy = recalls / occurring;
  m.macro = macro_average(m.per_class);
  m.weighted = weighted_average(m.per_class);
  m.micro = scores_of(all, beta);
  m.mcc = matthews(counts);
  m.cohen_kappa = cohen_kappa(m.confusion, classes);
  const std::vector<double> ordered = ordered_by_number(m.confusion, names);
  m.kappa_linear = cohen_kappa(ordered, classes, KappaWeights::linear);
  m.kappa_quadratic = cohen_kappa(ordered, classes, KappaWeights::quadratic);
}

void fill_one_vs_one(SingleLabelMetrics& m, const SingleLabelInput& in) {
  const std::size_t c = in.classes.size();
  if (c < 2) return;
  const std::vector<double> area =
      one_vs_one_areas(in.probability, static_cast<std::int64_t>(c), in.truth, in.weight);
  double sum = 0, weighted = 0, pairs = 0, weights = 0;
  for (std::size_t a = 0; a < c; ++a)
    for (std::size_t b = a + 1; b < c; ++b) {
      const double both = (area[a * c + b] + area[b * c + a]) / 2;
      const double samples = m.per_class[a].support + m.per_class[b].support;
      if (std::isnan(both)) continue;  // one of them does not occur
      sum += both;
      weighted += samples * both;
      weights += samples;
      pairs += 1;
    }
  m.roc_auc_ovo_macro = ratio(sum, pairs);
  m.roc_auc_ovo_weighted = ratio(weighted, weights);
}

void fill_probabilistic(SingleLabelMetrics& m, const SingleLabelInput& in,
                        const MetricsOptions& options) {
  const auto classes = static_cast<std::int64_t>(in.classes.size());
  m.top5 = top_k_accuracy(in.probability, classes, in.truth, 5, in.weight);
  if (m.k > 0) m.top_k = top_k_accuracy(in.probability, classes, in.truth, m.k, in.weight);
  m.log_loss = log_loss(in.probability, classes, in.truth, in.weight);
  m.brier = brier_score(in.probability, classes, in.truth, in.weight);
  if (options.rankings) {
    const ClassRankings rankings =
        class_rankings(in.probability, {in.truth, {}, in.classes.size()}, in.weight);
    fill_rankings(m.per_class, rankings, m.roc_auc, m.average_precision);
  }
  if (options.rankings && options.one_vs_one) fill_one_vs_one(m, in);
}

void fill_calibration(SingleLabelMetrics& m, const SingleLabelInput& in,
                      std::span<const std::int64_t> predicted, int bins) {
  const std::size_t n = in.truth.size(), c = in.classes.size();
  std::vector<double> confidence(in.confidence.begin(), in.confidence.end());
  if (!in.probability.empty()) {
    confidence.resize(n);
    for (std::size_t i = 0; i < n; ++i)
      confidence[i] = in.probability[i * c + static_cast<std::size_t>(predicted[i])];
  }
  if (confidence.empty()) return;
  std::vector<std::uint8_t> correct(n);
  for (std::size_t i = 0; i < n; ++i) correct[i] = in.truth[i] == predicted[i] ? 1 : 0;
  m.reliability = reliability(confidence, correct, bins, in.weight);
  m.ece = expected_error(m.reliability);
  m.mce = maximum_error(m.reliability);
  m.ece_equal_mass = expected_error(reliability_equal_mass(confidence, correct, bins, in.weight));
}

}  // namespace

void scoring::check_input(const SingleLabelInput& in) {
  const std::size_t n = in.truth.size(), c = in.classes.size();
  const auto fits = [](std::size_t size, std::size_t expected) {
    return size == 0 || size == expected;
  };
  if (n == 0 || c == 0 || !fits(in.predicted.size(), n) || !fits(in.probability.size(), n * c) ||
      !fits(in.confidence.size(), n) || (in.predicted.empty() && in.probability.empty()))
    fail<ShapeError>("single_label_metrics: ", n, " samples of ", c, " classes with ",
                     in.predicted.size(), " predictions, ", in.probability.size(),
                     " probabilities and ", in.confidence.size(),
                     " confidences; expected at least one sample, and predictions or probabilities"
                     " for every sample");
  check_finite("single_label_metrics", in.probability);
  check_finite("single_label_metrics", in.confidence);
  check_weights("single_label_metrics", in.weight, n);
  for (const std::span<const std::int64_t> indices : {in.truth, in.predicted})
    check_classes("single_label_metrics", indices, static_cast<std::int64_t>(c));
}

SingleLabelMetrics single_label_metrics(const SingleLabelInput& in, const MetricsOptions& options) {
  check_input(in);
  check_options("single_label_metrics", options);
  const auto classes = static_cast<std::int64_t>(in.classes.size());
  std::vector<std::int64_t> argmax;
  if (in.predicted.empty()) argmax = most_probable(in.probability, classes);
  const std::span<const std::int64_t> predicted =
      in.predicted.empty() ? std::span<const std::int64_t>(argmax) : in.predicted;

  SingleLabelMetrics m;
  m.beta = options.beta;
  m.k = options.top_k;
  m.confusion = confusion_matrix(in.truth, predicted, classes, in.weight);
  fill_from_confusion(m, in.classes, options.beta);
  if (!in.probability.empty()) fill_probabilistic(m, in, options);
  fill_calibration(m, in, predicted, options.bins);
  return m;
}

}  // namespace taxon

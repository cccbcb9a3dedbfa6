// The figures of a single-label classifier.
#include <taxon/base/error.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>

#include "scores.h"

#include <algorithm>
#include <cmath>

namespace taxon::scoring {

Scores scores_of(const Counts& c) {
  return {ratio(c.hits, c.predicted).value_or(0), ratio(c.hits, c.actual).value_or(0),
          f1_of(c).value_or(0)};
}

void fill_scores(ClassScores& out, const Counts& c) {
  out.precision = ratio(c.hits, c.predicted);
  out.recall = ratio(c.hits, c.actual);
  out.f1 = f1_of(c);
  out.support = static_cast<std::int64_t>(c.actual);
}

namespace {
Scores average(const std::vector<ClassScores>& classes, bool by_support) {
  Scores sum;
  double weights = 0;
  for (const ClassScores& k : classes) {
    const double w = by_support ? static_cast<double>(k.support) : 1.0;
    sum.precision += w * k.precision.value_or(0);
    sum.recall += w * k.recall.value_or(0);
    sum.f1 += w * k.f1.value_or(0);
    weights += w;
  }
  if (weights == 0) return {};
  return {sum.precision / weights, sum.recall / weights, sum.f1 / weights};
}
}  // namespace

Scores macro_average(const std::vector<ClassScores>& classes) {
  return average(classes, false);
}

Scores weighted_average(const std::vector<ClassScores>& classes) {
  return average(classes, true);
}

void check_finite(const char* what, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail<OptionError>(what, ": probability ", i, " is ", values[i], ", expected a finite number");
}

}  // namespace taxon::scoring

namespace taxon {

using namespace scoring;

std::vector<std::int64_t> most_probable(std::span<const double> probability, std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || probability.size() % c != 0)
    fail<ShapeError>("most_probable: ", probability.size(), " probabilities of ", classes,
                     " classes");
  std::vector<std::int64_t> best(probability.size() / c);
  for (std::size_t i = 0; i < best.size(); ++i) {
    const auto row = probability.subspan(i * c, c);
    best[i] = std::max_element(row.begin(), row.end()) - row.begin();
  }
  return best;
}

std::vector<std::int64_t> confusion_matrix(std::span<const std::int64_t> truth,
                                           std::span<const std::int64_t> predicted,
                                           std::int64_t classes) {
  if (truth.size() != predicted.size())
    fail<ShapeError>("confusion_matrix: ", truth.size(), " true classes, ", predicted.size(),
                     " predicted");
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes * classes), 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    for (const std::int64_t k : {truth[i], predicted[i]})
      if (k < 0 || k >= classes)
        fail<OptionError>("confusion_matrix: class ", k, " of sample ", i, ", expected one in [0, ",
                          classes, ")");
    ++counts[static_cast<std::size_t>(truth[i] * classes + predicted[i])];
  }
  return counts;
}

namespace {

std::vector<Counts> class_counts(const std::vector<std::int64_t>& confusion, std::size_t c) {
  std::vector<Counts> counts(c);
  for (std::size_t t = 0; t < c; ++t)
    for (std::size_t p = 0; p < c; ++p) {
      const auto n = static_cast<double>(confusion[t * c + p]);
      counts[t].actual += n;
      counts[p].predicted += n;
      if (t == p) counts[t].hits = n;
    }
  return counts;
}

/// Matthews' coefficient of several classes and Cohen's kappa, from the marginals.
void fill_agreement(SingleLabelMetrics& m, const std::vector<Counts>& counts) {
  const auto n = static_cast<double>(m.samples);
  double hits = 0, chance = 0, predicted_squares = 0, actual_squares = 0;
  for (const Counts& k : counts) {
    hits += k.hits;
    chance += k.predicted * k.actual;
    predicted_squares += k.predicted * k.predicted;
    actual_squares += k.actual * k.actual;
  }
  const double spread = (n * n - predicted_squares) * (n * n - actual_squares);
  m.mcc = spread == 0 ? 0 : (hits * n - chance) / std::sqrt(spread);
  // 1 - observed disagreement / expected disagreement.
  if (const auto disagreement = ratio((n - hits) * n, n * n - chance))
    m.cohen_kappa = 1 - *disagreement;
}

void fill_probabilistic(SingleLabelMetrics& m, const SingleLabelInput& in,
                        std::span<const std::int64_t> predicted) {
  const std::size_t n = in.truth.size(), c = in.classes.size();
  std::vector<double> confidence(in.confidence.begin(), in.confidence.end());
  if (!in.probability.empty()) {
    const auto classes = static_cast<std::int64_t>(c);
    m.top5 = top_k_accuracy(in.probability, classes, in.truth, 5);
    m.log_loss = log_loss(in.probability, classes, in.truth);
    fill_rankings(m.per_class, in.probability, [&](std::size_t i, std::size_t k) {
      return in.truth[i] == static_cast<std::int64_t>(k);
    });
    double sum = 0;
    for (const ClassScores& k : m.per_class) sum += k.roc_auc.value_or(0);
    m.roc_auc_ovr_macro = sum / static_cast<double>(c);
    confidence.resize(n);
    for (std::size_t i = 0; i < n; ++i)
      confidence[i] = in.probability[i * c + static_cast<std::size_t>(predicted[i])];
  }
  if (confidence.empty()) return;
  std::vector<std::uint8_t> correct(n);
  for (std::size_t i = 0; i < n; ++i) correct[i] = in.truth[i] == predicted[i] ? 1 : 0;
  m.ece = expected_calibration_error(confidence, correct);
}

void check(const SingleLabelInput& in) {
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
}

}  // namespace

SingleLabelMetrics single_label_metrics(const SingleLabelInput& in) {
  check(in);
  const std::size_t c = in.classes.size();
  const auto classes = static_cast<std::int64_t>(c);
  std::vector<std::int64_t> argmax;
  if (in.predicted.empty()) argmax = most_probable(in.probability, classes);
  const std::span<const std::int64_t> predicted =
      in.predicted.empty() ? std::span<const std::int64_t>(argmax) : in.predicted;

  SingleLabelMetrics m;
  m.samples = static_cast<std::int64_t>(in.truth.size());
  m.confusion = confusion_matrix(in.truth, predicted, classes);
  const std::vector<Counts> counts = class_counts(m.confusion, c);
  Counts all;
  double recalls = 0, occurring = 0;
  m.per_class.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    m.per_class[k].name = in.classes[k];
    fill_scores(m.per_class[k], counts[k]);
    all.hits += counts[k].hits;
    all.predicted += counts[k].predicted;
    all.actual += counts[k].actual;
    recalls += m.per_class[k].recall.value_or(0);
    occurring += m.per_class[k].recall.has_value() ? 1 : 0;
  }
  m.accuracy = all.hits / all.actual;
  m.balanced_accuracy = recalls / occurring;
  m.macro = macro_average(m.per_class);
  m.weighted = weighted_average(m.per_class);
  m.micro = scores_of(all);
  fill_agreement(m, counts);
  fill_probabilistic(m, in, predicted);
  return m;
}

}  // namespace taxon

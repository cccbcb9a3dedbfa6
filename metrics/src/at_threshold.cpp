// What one probability threshold for all classes comes to.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/metrics/at_threshold.h>

#include <nlohmann/json.hpp>

#include "checks.h"
#include "scores.h"

#include <algorithm>

namespace taxon {

using namespace scoring;

namespace {

using Json = nlohmann::ordered_json;

void finish(BinaryFigures& f) {
  const Counts counts{f.true_positives, f.true_positives + f.false_positives,
                      f.true_positives + f.false_negatives};
  f.precision = ratio(counts.hits, counts.predicted);
  f.recall = ratio(counts.hits, counts.actual);
  f.f1 = ratio(2 * counts.hits, counts.predicted + counts.actual);
  f.false_positive_rate = ratio(f.false_positives, f.false_positives + f.true_negatives);
}

void add(BinaryFigures& f, bool truth, bool predicted, double weight) {
  double& cell = truth ? (predicted ? f.true_positives : f.false_negatives)
                       : (predicted ? f.false_positives : f.true_negatives);
  cell += weight;
}

void fill_answered(ThresholdFigures& out, const Predictions& p) {
  const std::size_t c = p.classes.size();
  double all = 0, answered = 0, right = 0;
  for (std::size_t i = 0; i < p.truth.size(); ++i) {
    const double w = weight_of(p.weight, i);
    const auto row = p.probability.begin() + static_cast<std::ptrdiff_t>(i * c);
    const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(c));
    all += w;
    if (*best < out.threshold) continue;
    answered += w;
    right += best - row == p.truth[i] ? w : 0;
  }
  out.answered = ratio(answered, all);
  out.answered_accuracy = ratio(right, answered);
}

Json number(const std::optional<double>& v) {
  return v ? Json(*v) : Json(nullptr);
}

Json binary_json(const BinaryFigures& f) {
  Json out;
  if (!f.name.empty()) out["name"] = f.name;
  out["tp"] = f.true_positives;
  out["fp"] = f.false_positives;
  out["fn"] = f.false_negatives;
  out["tn"] = f.true_negatives;
  out["precision"] = number(f.precision);
  out["recall"] = number(f.recall);
  out["f1"] = number(f.f1);
  out["fpr"] = number(f.false_positive_rate);
  return out;
}

std::string cell(const std::optional<double>& v) {
  std::string s = v ? fixed(*v, 4) : "-";
  return std::string(s.size() < 11 ? 11 - s.size() : 1, ' ') + s;
}

}  // namespace

ThresholdFigures threshold_figures(const Predictions& p, double threshold) {
  if (!(threshold >= 0 && threshold <= 1))
    fail<OptionError>("threshold is ", threshold, ", expected 0 to 1");
  if (p.probability.empty())
    fail<OptionError>("a threshold needs probabilities, and the predictions have none");
  const std::size_t c = p.classes.size();
  const Truth truth{p.truth, p.truth_labels, c};
  ThresholdFigures out;
  out.threshold = threshold;
  out.per_class.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    BinaryFigures& f = out.per_class[k];
    f.name = p.classes[k];
    for (std::size_t i = 0; i < truth.samples(); ++i)
      add(f, truth.has(i, k), p.probability[i * c + k] >= threshold, weight_of(p.weight, i));
    finish(f);
    out.micro.true_positives += f.true_positives;
    out.micro.false_positives += f.false_positives;
    out.micro.false_negatives += f.false_negatives;
    out.micro.true_negatives += f.true_negatives;
    out.macro_precision += f.precision.value_or(0) / static_cast<double>(c);
    out.macro_recall += f.recall.value_or(0) / static_cast<double>(c);
    out.macro_f1 += f.f1.value_or(0) / static_cast<double>(c);
  }
  finish(out.micro);
  if (!p.multi_label) fill_answered(out, p);
  return out;
}

std::string threshold_json(const ThresholdFigures& f, int indent) {
  Json out = {{"threshold", f.threshold}};
  if (f.answered) out["answered"] = *f.answered;
  if (f.answered) out["answered_accuracy"] = number(f.answered_accuracy);
  out["micro"] = binary_json(f.micro);
  out["macro"] = {{"precision", f.macro_precision}, {"recall", f.macro_recall}, {"f1", f.macro_f1}};
  out["per_class"] = Json::array();
  for (const BinaryFigures& k : f.per_class) out["per_class"].push_back(binary_json(k));
  return out.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string threshold_text(const ThresholdFigures& f) {
  std::string out =
      text("each class against the rest, counted from a probability of ", shortest(f.threshold),
           "\n\n  precision     recall         f1        fpr  class\n");
  for (const BinaryFigures& k : f.per_class)
    out += text(cell(k.precision), cell(k.recall), cell(k.f1), cell(k.false_positive_rate), "  ",
                k.name, "\n");
  out += text(cell(f.micro.precision), cell(f.micro.recall), cell(f.micro.f1),
              cell(f.micro.false_positive_rate), "  (micro)\n");
  out += text(cell(f.macro_precision), cell(f.macro_recall), cell(f.macro_f1), cell({}),
              "  (macro)\n");
  if (f.answered)
    out += text("\n", fixed(100 * *f.answered, 2), " % of the samples reach it with some class; ",
                f.answered_accuracy ? fixed(100 * *f.answered_accuracy, 2) : "-",
                " % of those are right\n");
  return out;
}

}  // namespace taxon

// What is decided on the validation split once a model is trained.
#include <taxon/base/text.h>
#include <taxon/metrics/temperature.h>
#include <taxon/train/calibrate.h>

namespace taxon {
namespace {

double temperature(const std::vector<float>& logits, const Predictions& val) {
  if (val.multi_label) return fit_temperature(logits, val.truth_labels);
  return fit_temperature(logits, static_cast<std::int64_t>(val.classes.size()), val.truth);
}

// [n, classes]: 1 where it is true.
std::vector<std::uint8_t> one_hot(const Predictions& p) {
  if (p.multi_label) return p.truth_labels;
  std::vector<std::uint8_t> out(p.truth.size() * p.classes.size(), 0);
  for (std::size_t i = 0; i < p.truth.size(); ++i)
    out[i * p.classes.size() + static_cast<std::size_t>(p.truth[i])] = 1;
  return out;
}

void tune_thresholds(ModelMeta& meta, const Predictions& p, const ThresholdAim& aim,
                     std::vector<std::string>& notes) {
  std::vector<std::size_t> missed;
  const auto classes = static_cast<std::int64_t>(p.classes.size());
  const auto tuned = tuned_thresholds(p.probability, one_hot(p), classes, aim, &missed);
  meta.thresholds.assign(tuned.begin(), tuned.end());
  if (missed.empty()) return;
  std::vector<std::string> names;
  for (const std::size_t k : missed) names.push_back(text("'", p.classes[k], "'"));
  const bool precision = aim.figure == ThresholdAim::Figure::precision;
  notes.push_back(text("thresholds: val shows too few samples of ", join(names, ", "),
                       precision ? text(" for a precision of ", aim.wanted) : std::string()));
}

// Of the answers of a model of one label whose classes have thresholds.
std::optional<AnswerFigures> threshold_answers(const ModelMeta& meta, const Predictions& p,
                                               const std::vector<std::uint8_t>& right) {
  if (meta.spec.task == Task::multi || meta.thresholds.empty()) return std::nullopt;
  AnswerFigures out;
  const double n = static_cast<double>(right.size());
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (p.confidence[i] < meta.thresholds[static_cast<std::size_t>(p.predicted[i])]) continue;
    out.answered += 1;
    out.accuracy += right[i];
  }
  if (out.answered > 0) out.accuracy /= out.answered;
  out.answered /= n;
  return out;
}

}  // namespace

std::vector<std::string> calibrate(LoadedModel& model, const DatasetPtr& val,
                                   const CalibrateOptions& options) {
  ModelMeta& meta = model.meta;
  std::vector<std::string> notes;
  const std::vector<float> logits = evaluate_logits(*model.model, meta, val, options.evaluate);
  if (options.confidences)
    meta.temperature = temperature(logits, predictions_of(logits, meta, val));
  if (options.aim || meta.spec.task == Task::multi)
    tune_thresholds(meta, predictions_of(logits, meta, val), options.aim.value_or(ThresholdAim()),
                    notes);
  if (!options.confidences) return notes;
  const Predictions p = predictions_of(logits, meta, val);
  meta.conformal = Conformal::fit(probability_of_truth(p));
  meta.selective = selective_curve(p.confidence, correct(p));
  if (meta.golden) meta.golden = make_golden(*model.model, meta, meta.golden->image);
  return notes;
}

Figures model_figures(const ModelMeta& meta, const Predictions& predictions) {
  Figures out = figures(predictions);
  Predictions whole = predictions;
  complete(whole);
  const std::vector<std::uint8_t> right = correct(whole);
  out.by_thresholds = threshold_answers(meta, whole, right);
  if (meta.conformal.empty()) return out;
  out.temperature = meta.temperature;
  const std::vector<double> truth = probability_of_truth(predictions);
  for (const double wanted : {0.9, 0.95, 0.99}) {
    out.sets.push_back(set_figures(meta.conformal, wanted, predictions.probability, truth));
    const auto answers = answer_figures(meta.selective, wanted, whole.confidence, right);
    if (answers) out.answers.push_back(*answers);
  }
  return out;
}

}  // namespace taxon

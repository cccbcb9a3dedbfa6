// What is decided on the validation split once a model is trained.
#include <taxon/base/text.h>
#include <taxon/metrics/calibration.h>
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

// [n, classes]: how probable each answer is that can be given: of one label only the most probable.
std::vector<double> answerable(const Predictions& p) {
  if (p.multi_label) return p.probability;
  std::vector<double> out(p.probability.size(), 0.0);
  for (std::size_t i = 0; i < p.truth.size(); ++i) {
    const std::size_t at = i * p.classes.size() + static_cast<std::size_t>(p.predicted[i]);
    out[at] = p.probability[at];
  }
  return out;
}

void tune_thresholds(ModelMeta& meta, const Predictions& p, const ThresholdAim& aim,
                     std::vector<std::string>& notes) {
  std::vector<std::size_t> missed;
  const auto classes = static_cast<std::int64_t>(p.classes.size());
  const auto tuned = tuned_thresholds(answerable(p), one_hot(p), classes, aim, &missed);
  meta.thresholds.assign(tuned.begin(), tuned.end());
  if (missed.empty()) return;
  std::vector<std::string> names;
  for (const std::size_t k : missed) names.push_back(text("'", p.classes[k], "'"));
  using enum ThresholdAim::Figure;
  const std::string wanted = aim.figure == f1 ? std::string()
                             : aim.figure == precision
                                 ? text(", or none that reach a precision of ", aim.wanted)
                                 : text(", or none that reach a recall of ", aim.wanted);
  notes.push_back(text("thresholds: val has too few samples of ", join(names, ", "), wanted));
}

// The samples that get an answer, with how sure and how right it is: all, but those of a model of
// one label that stay below the threshold of their class.
struct Answers {
  std::vector<double> confidence;
  std::vector<std::uint8_t> right;
  double share = 0;  // of all samples
};

Answers answers_of(const ModelMeta& meta, const Predictions& p) {
  Answers out;
  const std::vector<std::uint8_t> right = correct(p);
  const bool kept_back = meta.spec.task != Task::multi && !meta.thresholds.empty();
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (kept_back && p.confidence[i] < meta.thresholds[static_cast<std::size_t>(p.predicted[i])]) {
      continue;
    }
    out.confidence.push_back(p.confidence[i]);
    out.right.push_back(right[i]);
  }
  out.share = static_cast<double>(out.right.size()) / static_cast<double>(right.size());
  return out;
}

// Of a model of one label whose classes have thresholds.
std::optional<AnswerFigures> threshold_answers(const ModelMeta& meta, const Answers& answers) {
  if (meta.spec.task == Task::multi || meta.thresholds.empty()) return std::nullopt;
  AnswerFigures out;
  out.answered = answers.share;
  for (const std::uint8_t right : answers.right) out.accuracy += right;
  if (!answers.right.empty()) out.accuracy /= static_cast<double>(answers.right.size());
  return out;
}

// What the promise of an accuracy is worth, answers kept back by thresholds left out.
std::optional<AnswerFigures> promised(const ModelMeta& meta, double wanted,
                                      const Answers& answers) {
  if (answers.right.empty()) return std::nullopt;
  auto out = answer_figures(meta.selective, wanted, answers.confidence, answers.right);
  if (out) out->answered *= answers.share;
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
  const Answers answers = answers_of(meta, p);
  if (!answers.right.empty()) meta.selective = selective_curve(answers.confidence, answers.right);
  if (meta.golden) meta.golden = make_golden(*model.model, meta, meta.golden->image);
  return notes;
}

namespace {

// Of several labels: of all of their probabilities (as metrics.json's `ece`).
double calibration_error(const Predictions& p) {
  if (p.multi_label) return expected_calibration_error(p.probability, p.truth_labels);
  std::vector<double> confidence;
  for (std::size_t i = 0; i < p.truth.size(); ++i)
    confidence.push_back(
        p.probability[i * p.classes.size() + static_cast<std::size_t>(p.predicted[i])]);
  return expected_calibration_error(confidence, correct(p));
}

}  // namespace

Figures model_figures(const ModelMeta& meta, const Predictions& predictions) {
  Figures out = figures(predictions);
  Predictions whole = predictions;
  complete(whole);
  const Answers given = answers_of(meta, whole);
  out.by_thresholds = threshold_answers(meta, given);
  if (meta.conformal.empty()) return out;
  out.temperature = meta.temperature;
  Predictions before = std::move(whole);
  before.probability =
      without_temperature(before.probability, static_cast<std::int64_t>(before.classes.size()),
                          meta.temperature, before.multi_label);
  out.ece_before = calibration_error(before);
  const std::vector<double> truth = probability_of_truth(predictions);
  for (const double wanted : {0.9, 0.95, 0.99}) {
    out.sets.push_back(set_figures(meta.conformal, wanted, predictions.probability, truth));
    const auto answers = promised(meta, wanted, given);
    if (answers) out.answers.push_back(*answers);
  }
  return out;
}

}  // namespace taxon

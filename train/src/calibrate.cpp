// What is decided on the validation split once a model is trained.
#include <taxon/metrics/temperature.h>
#include <taxon/train/calibrate.h>

namespace taxon {
namespace {

double temperature(const std::vector<float>& logits, const Predictions& val) {
  if (val.multi_label) return fit_temperature(logits, val.truth_labels);
  return fit_temperature(logits, static_cast<std::int64_t>(val.classes.size()), val.truth);
}

std::vector<std::uint8_t> correct(const Predictions& p) {
  std::vector<std::uint8_t> out;
  const std::size_t c = p.classes.size(), n = static_cast<std::size_t>(p.samples());
  for (std::size_t i = 0; i < n; ++i) {
    bool right = p.multi_label || p.truth[i] == p.predicted[i];
    for (std::size_t k = i * c; p.multi_label && k < (i + 1) * c; ++k)
      right = right && (p.truth_labels[k] != 0) == (p.predicted_labels[k] != 0);
    out.push_back(right ? 1 : 0);
  }
  return out;
}

}  // namespace

void calibrate(LoadedModel& model, const DatasetPtr& val, const CalibrateOptions& options) {
  ModelMeta& meta = model.meta;
  const auto classes = static_cast<std::int64_t>(meta.classes.size());
  const std::vector<float> logits = evaluate_logits(*model.model, meta, val, options.evaluate);
  if (options.confidences)
    meta.temperature = temperature(logits, predictions_of(logits, meta, val));
  if (meta.spec.task == Task::multi) {
    const Predictions p = predictions_of(logits, meta, val);
    const auto thresholds = tuned_thresholds(p.probability, p.truth_labels, classes, options.aim);
    meta.thresholds.assign(thresholds.begin(), thresholds.end());
  }
  if (!options.confidences) return;
  const Predictions p = predictions_of(logits, meta, val);
  meta.conformal = Conformal::fit(probability_of_truth(p));
  meta.selective = selective_curve(p.confidence, correct(p));
  if (meta.golden) meta.golden = make_golden(*model.model, meta, meta.golden->image);
}

Figures model_figures(const ModelMeta& meta, const Predictions& predictions) {
  Figures out = figures(predictions);
  if (meta.conformal.empty()) return out;
  out.temperature = meta.temperature;
  const std::vector<double> truth = probability_of_truth(predictions);
  for (const double wanted : {0.9, 0.95, 0.99})
    out.sets.push_back(set_figures(meta.conformal, wanted, predictions.probability, truth));
  return out;
}

}  // namespace taxon

// metrics.json: the keys are a contract that scripts rely on.
#include <taxon/metrics/report.h>

#include <nlohmann/json.hpp>

namespace taxon {

namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& v) {
  return v ? Json(*v) : Json(nullptr);
}

// Counts stay whole numbers unless samples have weights.
Json count(double v) {
  const auto whole = static_cast<std::int64_t>(v);
  return static_cast<double>(whole) == v ? Json(whole) : Json(v);
}

// F-beta only where one was asked for.
Json scores(const Scores& s, double beta) {
  Json out = {
      {"precision", s.precision}, {"recall", s.recall}, {"f1", s.f1}, {"jaccard", s.jaccard}};
  if (beta != 1) out["fbeta"] = s.fbeta;
  return out;
}

Json per_class(const std::vector<ClassScores>& classes, double beta, bool thresholds) {
  Json out = Json::array();
  for (const ClassScores& k : classes) {
    Json row = {{"name", k.name},
                {"precision", number(k.precision)},
                {"recall", number(k.recall)},
                {"f1", number(k.f1)},
                {"support", count(k.support)},
                {"average_precision", number(k.average_precision)},
                {"roc_auc", number(k.roc_auc)},
                {"jaccard", number(k.jaccard)}};
    if (beta != 1) row["fbeta"] = number(k.fbeta);
    if (thresholds) row["threshold"] = number(k.threshold);
    out.push_back(std::move(row));
  }
  return out;
}

Json matrix(const std::vector<double>& values, std::size_t columns) {
  Json out = Json::array();
  for (std::size_t row = 0; row < values.size(); row += columns) {
    Json line = Json::array();
    for (std::size_t i = row; i < row + columns; ++i) line.push_back(count(values[i]));
    out.push_back(std::move(line));
  }
  return out;
}

Json bins(const std::vector<CalibrationBin>& all) {
  Json out = Json::array();
  for (const CalibrationBin& b : all)
    out.push_back({{"low", b.low},
                   {"high", b.high},
                   {"count", count(b.count)},
                   {"confidence", b.count > 0 ? Json(b.confidence) : Json(nullptr)},
                   {"accuracy", b.count > 0 ? Json(b.accuracy) : Json(nullptr)}});
  return out;
}

Json intervals(const Intervals& all) {
  Json out = {{"level", all.level}, {"resamples", all.resamples}};
  for (const auto& [name, interval] : all.of) out[name] = {interval.low, interval.high};
  return out;
}

// A name that is no valid UTF-8 is written with replacement characters.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// What the model brings along, last: the rest follows from the predictions.
void put_calibration(Json& json, const Figures& f) {
  if (f.by_thresholds)
    json["answers_by_thresholds"] = {{"answered", f.by_thresholds->answered},
                                     {"accuracy", f.by_thresholds->accuracy}};
  if (!f.temperature) return;
  Json sets = Json::array();
  for (const SetFigures& s : f.sets)
    sets.push_back({{"wanted", s.wanted},
                    {"threshold", s.threshold},
                    {"coverage", s.coverage},
                    {"mean_size", s.mean_size},
                    {"empty", s.empty}});
  Json answers = Json::array();
  for (const AnswerFigures& a : f.answers)
    answers.push_back({{"wanted", a.wanted},
                       {"threshold", a.threshold},
                       {"answered", a.answered},
                       {"accuracy", a.accuracy}});
  json["calibration"] = {{"temperature", *f.temperature},
                         {"ece_before", number(f.ece_before)},
                         {"prediction_sets", std::move(sets)},
                         {"answers", std::move(answers)}};
}

Json single_json(const SingleLabelMetrics& m, const Figures& f) {
  Json json = {{"task", "single"},
               {"samples", count(m.samples)},
               {"accuracy", m.accuracy},
               {"top5", number(m.top5)},
               {"balanced_accuracy", m.balanced_accuracy},
               {"log_loss", number(m.log_loss)},
               {"brier", number(m.brier)},
               {"ece", number(m.ece)},
               {"ece_equal_mass", number(m.ece_equal_mass)},
               {"mce", number(m.mce)},
               {"mcc", m.mcc},
               {"cohen_kappa", number(m.cohen_kappa)},
               {"kappa_linear", number(m.kappa_linear)},
               {"kappa_quadratic", number(m.kappa_quadratic)},
               {"hamming_loss", m.hamming_loss},
               {"macro", scores(m.macro, m.beta)},
               {"weighted", scores(m.weighted, m.beta)},
               {"micro", scores(m.micro, m.beta)},
               {"roc_auc_ovr_macro", number(m.roc_auc.macro)},
               {"roc_auc_ovr_weighted", number(m.roc_auc.weighted)},
               {"roc_auc_micro", number(m.roc_auc.micro)},
               {"roc_auc_ovo_macro", number(m.roc_auc_ovo_macro)},
               {"roc_auc_ovo_weighted", number(m.roc_auc_ovo_weighted)},
               {"average_precision_macro", number(m.average_precision.macro)},
               {"average_precision_weighted", number(m.average_precision.weighted)},
               {"average_precision_micro", number(m.average_precision.micro)}};
  if (m.beta != 1) json["beta"] = m.beta;
  if (m.k > 0) json["top_k"] = {{"k", m.k}, {"accuracy", number(m.top_k)}};
  if (!f.intervals.of.empty()) json["intervals"] = intervals(f.intervals);
  json["per_class"] = per_class(m.per_class, m.beta, false);
  json["confusion_matrix"] = matrix(m.confusion, m.per_class.size());
  json["reliability"] = bins(m.reliability);
  return json;
}

Json multi_json(const MultiLabelMetrics& m, const Figures& f) {
  Json json = {{"task", "multi"},
               {"samples", count(m.samples)},
               {"subset_accuracy", m.subset_accuracy},
               {"hamming_loss", m.hamming_loss},
               {"mAP", number(m.mean_average_precision)},
               {"log_loss", number(m.log_loss)},
               {"ece", number(m.ece)},
               {"coverage_error", number(m.coverage_error)},
               {"label_ranking_average_precision", number(m.label_ranking_average_precision)},
               {"label_ranking_loss", number(m.label_ranking_loss)},
               {"micro", scores(m.micro, m.beta)},
               {"macro", scores(m.macro, m.beta)},
               {"weighted", scores(m.weighted, m.beta)},
               {"samples_avg", scores(m.samples_avg, m.beta)},
               {"roc_auc_macro", number(m.roc_auc.macro)},
               {"roc_auc_weighted", number(m.roc_auc.weighted)},
               {"roc_auc_micro", number(m.roc_auc.micro)},
               {"average_precision_weighted", number(m.average_precision.weighted)},
               {"average_precision_micro", number(m.average_precision.micro)}};
  if (m.beta != 1) json["beta"] = m.beta;
  if (!f.intervals.of.empty()) json["intervals"] = intervals(f.intervals);
  json["per_class"] = per_class(m.per_class, m.beta, true);
  json["reliability"] = bins(m.reliability);
  return json;
}

}  // namespace

std::string metrics_json(const Figures& f, int indent) {
  Json json = f.single ? single_json(*f.single, f) : multi_json(f.multi.value(), f);
  put_calibration(json, f);
  return dump(json, indent);
}

std::string metrics_json(const SingleLabelMetrics& m, int indent) {
  return dump(single_json(m, {}), indent);
}

std::string metrics_json(const MultiLabelMetrics& m, int indent) {
  return dump(multi_json(m, {}), indent);
}

}  // namespace taxon

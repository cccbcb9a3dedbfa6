// metrics.json: the keys are a contract that scripts rely on.
#include <taxon/metrics/report.h>

#include <nlohmann/json.hpp>

namespace taxon {

namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& v) {
  return v ? Json(*v) : Json(nullptr);
}

Json scores(const Scores& s) {
  return {{"precision", s.precision}, {"recall", s.recall}, {"f1", s.f1}};
}

Json per_class(const std::vector<ClassScores>& classes, bool thresholds) {
  Json out = Json::array();
  for (const ClassScores& k : classes) {
    Json row = {{"name", k.name},
                {"precision", number(k.precision)},
                {"recall", number(k.recall)},
                {"f1", number(k.f1)},
                {"support", k.support},
                {"average_precision", number(k.average_precision)},
                {"roc_auc", number(k.roc_auc)}};
    if (thresholds) row["threshold"] = number(k.threshold);
    out.push_back(std::move(row));
  }
  return out;
}

// A name that is no valid UTF-8 is written with replacement characters.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string metrics_json(const SingleLabelMetrics& m, int indent) {
  Json json = {{"task", "single"},
               {"samples", m.samples},
               {"accuracy", m.accuracy},
               {"top5", number(m.top5)},
               {"balanced_accuracy", m.balanced_accuracy},
               {"log_loss", number(m.log_loss)},
               {"ece", number(m.ece)},
               {"mcc", m.mcc},
               {"cohen_kappa", number(m.cohen_kappa)},
               {"macro", scores(m.macro)},
               {"weighted", scores(m.weighted)},
               {"micro", scores(m.micro)},
               {"roc_auc_ovr_macro", number(m.roc_auc_ovr_macro)},
               {"per_class", per_class(m.per_class, false)}};
  Json matrix = Json::array();
  const auto c = static_cast<std::ptrdiff_t>(m.per_class.size());
  for (std::ptrdiff_t t = 0; t < c; ++t)
    matrix.push_back(
        std::vector<std::int64_t>(m.confusion.begin() + t * c, m.confusion.begin() + (t + 1) * c));
  json["confusion_matrix"] = std::move(matrix);
  return dump(json, indent);
}

std::string metrics_json(const MultiLabelMetrics& m, int indent) {
  return dump(Json{{"task", "multi"},
                   {"samples", m.samples},
                   {"subset_accuracy", m.subset_accuracy},
                   {"hamming_loss", m.hamming_loss},
                   {"mAP", number(m.mean_average_precision)},
                   {"micro", scores(m.micro)},
                   {"macro", scores(m.macro)},
                   {"samples_avg", scores(m.samples_avg)},
                   {"per_class", per_class(m.per_class, true)}},
              indent);
}

}  // namespace taxon

// Every figure against scikit-learn's, on 240 random cases that were written down: ties, absent
// classes, one class, weights, 1 to 1000 classes, samples without labels. fixtures/make.py made
// them.
#include <taxon/base/file.h>
#include <taxon/metrics/report.h>

#include "catch.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace taxon;

namespace {

using Json = nlohmann::json;

Json cases(const std::string& name) {
  return Json::parse(read_text(std::string(TAXON_FIXTURES) + "/" + name + ".json"));
}

std::vector<std::string> names(std::size_t classes) {
  std::vector<std::string> out;
  for (std::size_t k = 0; k < classes; ++k) out.push_back(std::to_string(k));
  return out;
}

std::vector<double> weights(const Json& one) {
  return one["weight"].is_null() ? std::vector<double>{} : one["weight"].get<std::vector<double>>();
}

// Rows of numbers, or of pairs [class, number].
std::vector<double> probabilities(const Json& one, std::size_t classes) {
  std::vector<double> out;
  if (one["probability"].is_null()) return out;
  const double unit = one["unit"].get<double>();
  for (const Json& row : one["probability"]) {
    const std::size_t begin = out.size();
    out.resize(begin + classes, 0.0);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool pair = row[i].is_array();
      const std::size_t k = pair ? row[i][0].get<std::size_t>() : i;
      out[begin + k] = (pair ? row[i][1] : row[i]).get<double>() / unit;
    }
  }
  return out;
}

std::vector<std::uint8_t> labels(const Json& rows) {
  std::vector<std::uint8_t> out;
  if (rows.is_null()) return out;
  for (const Json& row : rows)
    for (const Json& label : row) out.push_back(label.get<std::uint8_t>());
  return out;
}

std::size_t compared = 0;

// Where `got` differs from `expected`, or nothing. F-beta is written only where beta is not 1.
std::string difference(const std::string& path, const Json& got, const Json& expected, bool beta) {
  if (expected.is_object() || expected.is_array()) {
    if (expected.is_array() && got.size() != expected.size()) return path + ": another size";
    for (const auto& item : expected.items()) {
      if (item.key() == "fbeta" && !beta) continue;
      const Json* value = nullptr;
      if (expected.is_array()) value = &got[static_cast<std::size_t>(std::stoul(item.key()))];
      if (expected.is_object() && got.contains(item.key())) value = &got[item.key()];
      if (value == nullptr) return path + "." + item.key() + " is missing";
      const std::string found = difference(path + "." + item.key(), *value, item.value(), beta);
      if (!found.empty()) return found;
    }
    return "";
  }
  ++compared;
  if (expected.is_null() || got.is_null())
    return expected.is_null() == got.is_null() ? "" : path + ": only one is undefined";
  const auto a = got.get<double>(), b = expected.get<double>();
  if (std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b))) return "";
  return path + ": " + got.dump() + ", expected " + expected.dump();
}

}  // namespace

TEST_CASE("single-label figures equal scikit-learn's on written-down cases", "[metrics]") {
  compared = 0;
  const Json all = cases("single");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json& one = all[i];
    const auto classes = one["classes"].get<std::size_t>();
    const auto truth = one["truth"].get<std::vector<std::int64_t>>();
    std::vector<std::int64_t> predicted;
    if (!one["predicted"].is_null()) predicted = one["predicted"].get<std::vector<std::int64_t>>();
    const std::vector<double> p = probabilities(one, classes), w = weights(one);
    const std::vector<std::string> class_names = names(classes);
    MetricsOptions options;
    options.beta = one["beta"].get<double>();
    const SingleLabelMetrics m =
        single_label_metrics({class_names, truth, predicted, p, {}, w}, options);
    const Json got = Json::parse(metrics_json(m));
    CHECK(difference("case " + std::to_string(i), got, one["expected"], options.beta != 1) == "");
  }
  CHECK(all.size() >= 120);
  CHECK(compared > 10000);
}

TEST_CASE("multi-label figures equal scikit-learn's on written-down cases", "[metrics]") {
  compared = 0;
  const Json all = cases("multi");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json& one = all[i];
    const auto classes = one["classes"].get<std::size_t>();
    const std::vector<std::uint8_t> truth = labels(one["truth"]), given = labels(one["predicted"]);
    const std::vector<double> p = probabilities(one, classes), w = weights(one);
    const std::vector<std::string> class_names = names(classes);
    MetricsOptions options;
    options.beta = one["beta"].get<double>();
    const MultiLabelMetrics m = multi_label_metrics({class_names, truth, given, p, {}, w}, options);
    const Json got = Json::parse(metrics_json(m));
    CHECK(difference("case " + std::to_string(i), got, one["expected"], options.beta != 1) == "");
  }
  CHECK(all.size() >= 100);
  CHECK(compared > 5000);
}

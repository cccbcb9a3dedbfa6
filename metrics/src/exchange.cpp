// Predictions in other tools' formats.
#include <taxon/base/error.h>
#include <taxon/metrics/exchange.h>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace taxon {
namespace {

using Json = nlohmann::ordered_json;

std::string without_extension(const std::string& path) {
  const std::size_t slash = path.find_last_of('/'), dot = path.find_last_of('.');
  const bool has = dot != std::string::npos && (slash == std::string::npos || dot > slash + 1);
  return has ? path.substr(0, dot) : path;
}

// How FiftyOne names a file: an absolute path is the file itself, a relative one leaves the
// extension out.
std::string key_of(const std::string& path) {
  return !path.empty() && path.front() == '/' ? path : without_extension(path);
}

// One label with its confidence, or a list of them.
Json prediction(const Predictions& p, std::size_t i) {
  if (!p.multi_label) {
    Json out = {{"label", p.predicted[i]}};
    if (!p.confidence.empty()) out["confidence"] = p.confidence[i];
    return out;
  }
  Json out = Json::array();
  const std::size_t c = p.classes.size();
  for (std::size_t k = 0; k < c; ++k) {
    if (p.predicted_labels[i * c + k] == 0) continue;
    out.push_back({{"label", k}});
    if (!p.probability.empty()) out.back()["confidence"] = p.probability[i * c + k];
  }
  return out;
}

}  // namespace

bool names_files(const Predictions& p) {
  return std::any_of(p.path.begin(), p.path.end(), [](const std::string& s) { return !s.empty(); });
}

std::string fiftyone_labels(const Predictions& given) {
  Predictions p = given;
  complete(p);
  Json labels = Json::object();
  for (std::size_t i = 0; i < p.path.size(); ++i) {
    if (p.path[i].empty()) continue;
    labels[key_of(p.path[i])] = prediction(p, i);
  }
  if (labels.empty()) fail<OptionError>("labels.json: the predictions name no files");
  const Json out = {{"classes", p.classes}, {"labels", std::move(labels)}};
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace taxon

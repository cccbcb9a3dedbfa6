// Out-of-fold probabilities from a file.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/metrics/predictions.h>

#include "findings.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

namespace taxon::check {
namespace {

// Where each class of the data stands in the file.
std::vector<std::size_t> columns(const Samples& samples, const Predictions& p,
                                 const std::string& path) {
  std::vector<std::size_t> out;
  for (const std::string& name : samples.class_names()) {
    const auto hit = std::find(p.classes.begin(), p.classes.end(), name);
    if (hit == p.classes.end()) {
      fail<FormatError>(path, ": no column 'prob_", name, "'", did_you_mean(name, p.classes),
                        "; expected one for each of the data's ", samples.classes(), " classes");
    }
    out.push_back(static_cast<std::size_t>(hit - p.classes.begin()));
  }
  return out;
}

}  // namespace

Probabilities read_probabilities(const Samples& samples, const CheckOptions& options) {
  std::string path = options.predictions;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) path += "/predictions.csv";
  PredictionsOptions o;
  o.label_separator = options.label_sep;
  o.multi_label = samples.task() == Task::multi;
  const Predictions p = read_predictions(path, o);
  if (p.probability.empty()) {
    fail<FormatError>(path, ": no columns prob_<class>, expected a probability of each class");
  }
  const std::vector<std::size_t> at = columns(samples, p, path);
  const std::vector<std::string>& names = p.id.empty() ? p.path : p.id;
  if (names.empty()) fail<FormatError>(path, ": neither a column 'id' nor 'path', expected one");
  std::unordered_map<std::string, std::size_t> rows;
  for (std::size_t r = 0; r < names.size(); ++r) {
    if (!rows.emplace(names[r], r).second) {
      fail<FormatError>(path, ": two rows are of '", names[r], "', expected one a sample");
    }
  }
  Probabilities out;
  for (std::int64_t n = 0; n < samples.size(); ++n) {
    const auto hit = rows.find(p.id.empty() ? samples.path(n) : samples.id(n));
    if (hit == rows.end()) continue;
    out.samples.push_back(n);
    for (const std::size_t c : at) {
      out.values.push_back(p.probability[hit->second * p.classes.size() + c]);
    }
  }
  if (out.samples.empty()) {
    fail<FormatError>(path, ": none of its ", names.size(), " rows is of a sample of the data; it ",
                      "begins with '", names.front(), "', the data with '",
                      samples.size() > 0 ? samples.id(0) : "", "'");
  }
  return out;
}

}  // namespace taxon::check

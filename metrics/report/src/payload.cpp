// See payload.h.
#include "payload.h"

#include <taxon/metrics/mcnemar.h>

#include "figures.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace taxon::report {
namespace {

static_assert(std::endian::native == std::endian::little, "the page reads little-endian arrays");

using Samples = std::span<const std::int64_t>;

// What probabilities may take in the page before small ones are left out.
constexpr std::size_t probability_bytes = 1'500'000;
constexpr std::size_t most_classes = 65'535;

std::vector<float> column(const std::vector<double>& all, Samples samples) {
  std::vector<float> out;
  for (const std::int64_t i : samples)
    out.push_back(all.empty() ? std::numeric_limits<float>::quiet_NaN()
                              : static_cast<float>(all[static_cast<std::size_t>(i)]));
  return out;
}

std::vector<std::uint16_t> indices(const std::vector<std::int64_t>& all, Samples samples) {
  std::vector<std::uint16_t> out;
  for (const std::int64_t i : samples)
    out.push_back(static_cast<std::uint16_t>(all[static_cast<std::size_t>(i)]));
  return out;
}

// [n, classes] of 0 and 1 as bits, sample by sample, the lowest bit of a byte first.
std::vector<std::uint8_t> bits(const std::vector<std::uint8_t>& hot, std::size_t classes,
                               Samples samples) {
  std::vector<std::uint8_t> out((samples.size() * classes + 7) / 8);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t k = 0; k < classes; ++k) {
      const std::size_t at = i * classes + k;
      if (hot[static_cast<std::size_t>(samples[i]) * classes + k] != 0)
        out[at / 8] = static_cast<std::uint8_t>(out[at / 8] | 1U << at % 8);
    }
  }
  return out;
}

bool labelled(const Predictions& p, std::size_t i, std::size_t k) {
  return p.multi_label ? p.truth_labels[i * p.classes.size() + k] != 0
                       : p.truth[i] == static_cast<std::int64_t>(k);
}

// Whether 32 bits are enough: every probability is the shortest decimal of a float, as Taxon writes
// them.
bool floats_suffice(const Predictions& p, Samples samples) {
  const std::size_t c = p.classes.size();
  std::vector<float> row(c);
  for (const std::int64_t i : samples) {
    const auto from = p.probability.begin() + static_cast<long>(static_cast<std::size_t>(i) * c);
    std::transform(from, from + static_cast<long>(c), row.begin(),
                   [](double v) { return static_cast<float>(v); });
    const std::vector<double> back = as_written(row);
    if (!std::equal(back.begin(), back.end(), from)) return false;
  }
  return true;
}

// The least probability from which on all can be kept within `most` values (those of the labels
// that samples have are always kept).
double floor_of(const Predictions& p, Samples samples, std::size_t most) {
  const std::size_t c = p.classes.size();
  for (const double floor : {0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5}) {
    std::size_t kept = 0;
    for (const std::int64_t s : samples) {
      const auto i = static_cast<std::size_t>(s);
      for (std::size_t k = 0; k < c; ++k)
        kept += p.probability[i * c + k] >= floor || labelled(p, i, k) ? 1 : 0;
    }
    if (kept <= most) return floor;
  }
  return 1;
}

template <class T>
void add_dense(const Predictions& p, Samples samples, Payload& out) {
  const std::size_t c = p.classes.size();
  std::vector<T> values;
  for (const std::int64_t i : samples)
    for (std::size_t k = 0; k < c; ++k)
      values.push_back(static_cast<T>(p.probability[static_cast<std::size_t>(i) * c + k]));
  out.add("probability", values);
}

template <class T>
void add_sparse(const Predictions& p, Samples samples, double floor, Payload& out) {
  const std::size_t c = p.classes.size();
  std::vector<T> values;
  std::vector<std::uint16_t> classes, counts;
  for (const std::int64_t s : samples) {
    const auto i = static_cast<std::size_t>(s);
    const std::size_t before = values.size();
    for (std::size_t k = 0; k < c; ++k) {
      if (p.probability[i * c + k] < floor && !labelled(p, i, k)) continue;
      values.push_back(static_cast<T>(p.probability[i * c + k]));
      classes.push_back(static_cast<std::uint16_t>(k));
    }
    counts.push_back(static_cast<std::uint16_t>(values.size() - before));
  }
  out.add("probability", values);
  out.add("probability_class", classes);
  out.add("probability_count", counts);
}

void add_probabilities(const Predictions& p, Samples samples, Payload& out) {
  if (p.probability.empty()) return;
  const bool narrow = floats_suffice(p, samples);
  const std::size_t size = narrow ? sizeof(float) : sizeof(double), c = p.classes.size();
  Json& about = out.json["probability"];
  about["type"] = narrow ? "f32" : "f64";
  about["floor"] = 0;
  if (samples.size() * c * size <= probability_bytes) {
    narrow ? add_dense<float>(p, samples, out) : add_dense<double>(p, samples, out);
    return;
  }
  const double floor = floor_of(p, samples, probability_bytes / (size + sizeof(std::uint16_t)));
  about["floor"] = floor;
  narrow ? add_sparse<float>(p, samples, floor, out) : add_sparse<double>(p, samples, floor, out);
}

// Counts at fixed thresholds, where the samples shown are not all.
void add_grid(const Predictions& p, Samples samples, Payload& out) {
  out.json["grid"] = nullptr;
  if (p.probability.empty() || static_cast<std::int64_t>(samples.size()) == p.samples()) return;
  const int steps = p.classes.size() <= 50 ? 1000 : p.classes.size() <= 1000 ? 100 : 20;
  out.json["grid"] = steps;
  out.add("grid", threshold_counts(p, steps));
}

// Ids, and paths as one prefix before them where that is what they are.
void add_names(const Predictions& p, Samples samples, Json& out) {
  std::vector<std::string> ids, paths;
  bool prefixed = !p.path.empty();
  std::string prefix;
  for (const std::int64_t s : samples) {
    const auto i = static_cast<std::size_t>(s);
    ids.push_back(p.id[i]);
    if (p.path.empty()) continue;
    paths.push_back(p.path[i]);
    if (ids.size() == 1 && p.path[i].ends_with(p.id[i]))
      prefix = p.path[i].substr(0, p.path[i].size() - p.id[i].size());
    prefixed = prefixed && p.path[i] == prefix + p.id[i];
  }
  out["ids"] = ids;
  const bool none = std::all_of(paths.begin(), paths.end(), [](auto& s) { return s.empty(); });
  out["path_prefix"] = prefixed && !none ? Json(prefix) : Json(nullptr);
  out["paths"] = prefixed || none ? Json(nullptr) : Json(paths);
}

Json pairs_of(const Facts& facts) {
  Json out = Json::array();
  for (const auto& [name, value] : facts) out.push_back({name, value});
  return out;
}

// The split that the samples are of, where all their ids begin with its name.
std::string split_of(const Predictions& p) {
  for (const std::string split : {"train", "val", "test"}) {
    const auto of_it = [&](const std::string& id) { return id.starts_with(split + "/"); };
    if (!p.id.empty() && std::all_of(p.id.begin(), p.id.end(), of_it)) return split;
  }
  return "";
}

Json thresholds_of(const Record& r) {
  Json out = Json::array();
  const Json none = Json::array();
  const Json& rows = r.metrics.contains("per_class") ? r.metrics["per_class"] : none;
  for (const Json& row : rows) out.push_back(row.contains("threshold") ? row["threshold"] : Json());
  return out;
}

void add_decisions(const Predictions& p, Samples samples, Payload& out) {
  const std::size_t c = p.classes.size();
  if (p.multi_label) {
    out.add("truth", bits(p.truth_labels, c, samples));
    out.add("predicted", bits(p.predicted_labels, c, samples));
  } else {
    out.add("truth", indices(p.truth, samples));
    out.add("predicted", indices(p.predicted, samples));
  }
  out.add("loss", column(p.loss, samples));
  out.add("confidence", column(p.confidence, samples));
}

// The second run's answers in the first's classes; a class that only the second knows is the one
// behind the last.
void add_other_decisions(const Comparison& c, std::size_t classes, Samples samples, Payload& out) {
  const Predictions& b = c.record.predictions;
  const std::size_t width = b.classes.size();
  std::vector<std::uint16_t> predicted(samples.size(), static_cast<std::uint16_t>(classes));
  std::vector<std::uint8_t> hot(samples.size() * classes);
  std::vector<float> confidence(samples.size(), std::numeric_limits<float>::quiet_NaN());
  std::vector<std::int64_t> rows(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    rows[i] = static_cast<std::int64_t>(i);
    const std::int64_t match = c.match[static_cast<std::size_t>(samples[i])];
    if (match < 0) continue;
    const auto j = static_cast<std::size_t>(match);
    if (!b.confidence.empty()) confidence[i] = static_cast<float>(b.confidence[j]);
    for (std::size_t k = 0; b.multi_label && k < width; ++k) {
      if (c.classes[k] >= 0)
        hot[i * classes + static_cast<std::size_t>(c.classes[k])] =
            b.predicted_labels[j * width + k];
    }
    if (!b.multi_label && c.classes[static_cast<std::size_t>(b.predicted[j])] >= 0)
      predicted[i] =
          static_cast<std::uint16_t>(c.classes[static_cast<std::size_t>(b.predicted[j])]);
  }
  out.add("other_confidence", confidence);
  b.multi_label ? out.add("other_predicted", bits(hot, classes, rows))
                : out.add("other_predicted", predicted);
}

void add_comparison(const Record& r, const Comparison& c, Samples samples, Payload& out) {
  const auto n = static_cast<std::size_t>(r.predictions.samples());
  std::vector<std::uint8_t> first, second, change(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (c.match[i] < 0) continue;
    const bool a = r.right[i] != 0;
    const bool b = c.record.right[static_cast<std::size_t>(c.match[i])] != 0;
    first.push_back(a);
    second.push_back(b);
    change[i] = a && b ? 1 : !a && b ? 2 : a ? 3 : 4;
  }
  const McNemar m = mcnemar(first, second);
  Json& o = out.json["other"];
  o["name"] = c.record.name;
  o["folder"] = c.record.folder;
  o["metrics"] = c.record.metrics;
  o["args"] = pairs_of(c.record.args);
  o["environment"] = pairs_of(c.record.environment);
  o["results"] = c.record.results;
  o["mcnemar"] = {{"both", m.both},       {"worse", m.first_only},      {"better", m.second_only},
                  {"neither", m.neither}, {"statistic", m.statistic},   {"exact", m.exact},
                  {"p", m.p_value},       {"samples", std::size(first)}};
  std::vector<std::uint8_t> shown;
  for (const std::int64_t i : samples) shown.push_back(change[static_cast<std::size_t>(i)]);
  out.add("change", shown);
  add_other_decisions(c, r.predictions.classes.size(), samples, out);
}

}  // namespace

std::size_t Payload::bytes() const {
  std::size_t sum = json.dump(-1, ' ', false, Json::error_handler_t::replace).size();
  for (const auto& [name, content] : blobs) sum += (content.size() + 2) / 3 * 4 + name.size() + 64;
  return sum;
}

Payload make_payload(const Record& r, const Comparison* other, Samples samples,
                     const std::string& thinned) {
  const Predictions& p = r.predictions;
  if (p.classes.size() >= most_classes) {
    fail<OptionError>(r.folder, ": a report shows fewer than ", most_classes, " classes, not ",
                      p.classes.size());
  }
  Payload out;
  Json& j = out.json;
  j["name"] = r.name;
  j["folder"] = r.folder;
  j["task"] = p.multi_label ? "multi" : "single";
  j["classes"] = p.classes;
  j["samples"] = p.samples();
  j["split"] = split_of(p);
  j["shown"] = samples.size();
  j["thinned"] = thinned;
  j["metrics"] = r.metrics;
  j["results"] = r.results;
  j["folds"] = r.folds;
  j["args"] = pairs_of(r.args);
  j["environment"] = pairs_of(r.environment);
  j["thresholds"] = thresholds_of(r);
  j["confusion"] = confusion_of(p);
  j["pairs"] = confused_pairs(p);
  j["positives"] = positives_of(p);
  j["reliability"] = reliability_of(p);
  j["probability"] = nullptr;
  j["other"] = nullptr;
  j["sprites"] = nullptr;
  add_names(p, samples, j);
  add_decisions(p, samples, out);
  add_probabilities(p, samples, out);
  add_grid(p, samples, out);
  if (!r.plane.empty()) {
    std::vector<float> plane;
    for (const std::int64_t i : samples) {
      const auto at = static_cast<std::size_t>(2 * i);
      plane.insert(plane.end(), {r.plane[at], r.plane[at + 1]});
    }
    out.add("plane", plane);
  }
  if (other != nullptr) add_comparison(r, *other, samples, out);
  return out;
}

void add_pictures(const Sprites& s, Payload& payload) {
  if (s.count == 0) return;
  payload.json["sprites"] = {{"width", s.width},     {"height", s.height},
                             {"pitch_x", s.pitch_x}, {"pitch_y", s.pitch_y},
                             {"columns", s.columns}, {"count", s.count},
                             {"quality", s.quality}, {"per_sheet", s.per_sheet}};
  payload.add("tile", s.tile);
  payload.add("tile_size", s.size);
  for (std::size_t i = 0; i < s.sheets.size(); ++i)
    payload.add("sheet" + std::to_string(i), s.sheets[i]);
}

}  // namespace taxon::report

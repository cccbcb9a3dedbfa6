// See record.h.
#include "record.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/metrics/report.h>
#include <taxon/train/options.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <unordered_map>

namespace taxon::report {
namespace {

namespace fs = std::filesystem;

// The cells of one line; quoted ones may hold commas, doubled quotes and line breaks. `at` moves
// behind the line.
std::vector<std::string> csv_line(std::string_view text, std::size_t& at) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' && quoted && at + 1 < text.size() && text[at + 1] == '"') {
      cells.back() += text[at++];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c == '\n' && !quoted) {
      break;
    } else if (c != '\r' || quoted) {
      cells.back() += c;
    }
  }
  ++at;
  return cells;
}

// Runs `read`; a file that cannot be used is a note.
template <class Read>
void optional_file(const std::string& path, std::vector<std::string>& notes, Read read) {
  if (!file_exists(path)) return;
  try {
    read(read_text(path));
  } catch (const std::exception& e) {
    const std::string what = e.what();
    notes.push_back(what.find(path) == std::string::npos ? text(path, " is left out: ", what)
                                                         : text("left out: ", what));
  }
}

Json results_table(const std::string& content) {
  Json table;
  std::size_t at = 0;
  table["columns"] = csv_line(content, at);
  table["rows"] = Json::array();
  while (at < content.size()) {
    Json row = Json::array();
    for (const std::string& cell : csv_line(content, at))
      row.push_back(cell.empty() ? Json(nullptr) : Json(parse_number(cell, "a cell")));
    if (row.size() != table["columns"].size()) {
      fail<FormatError>("a row of ", row.size(), " cells, expected ", table["columns"].size());
    }
    table["rows"].push_back(row);
  }
  return table;
}

std::vector<float> plane_of(const std::string& content, const std::vector<std::string>& ids) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t i = 0; i < ids.size(); ++i) row_of.emplace(ids[i], i);
  std::vector<float> out(2 * ids.size(), std::numeric_limits<float>::quiet_NaN());
  std::size_t at = 0;
  if (csv_line(content, at) != std::vector<std::string>{"id", "x", "y"}) {
    fail<FormatError>("its first line is not id,x,y");
  }
  while (at < content.size()) {
    const std::vector<std::string> cells = csv_line(content, at);
    if (cells.size() != 3) fail<FormatError>("a row of ", cells.size(), " cells, expected 3");
    const auto found = row_of.find(cells[0]);
    if (found == row_of.end()) continue;
    out[2 * found->second] = static_cast<float>(parse_number(cells[1], "x"));
    out[2 * found->second + 1] = static_cast<float>(parse_number(cells[2], "y"));
  }
  return out;
}

// Whether metrics.json has what other predictions would hardly have as well: the confusion matrix;
// of several labels, whose thresholds only the model knows, the mean average precision.
bool same_outcome(const Json& found, const Json& counted) {
  if (!found.is_object() || found.value("samples", Json()) != counted["samples"]) return false;
  if (counted.contains("confusion_matrix")) {
    return found.value("confusion_matrix", Json()) == counted["confusion_matrix"];
  }
  const Json a = found.value("mAP", Json()), b = counted.value("mAP", Json());
  if (!a.is_number() || !b.is_number()) return a == b;
  return std::abs(a.get<double>() - b.get<double>()) < 1e-6;
}

void read_metrics(Record& r, std::vector<std::string>& notes) {
  FiguresOptions plain;
  plain.intervals_up_to = 0;  // these take longest, and are not compared
  const Json counted = Json::parse(metrics_json(figures(r.predictions, plain)));
  const std::string path = r.folder + "/metrics.json";
  if (r.run) {
    optional_file(path, notes, [&](const std::string& content) {
      Json found = Json::parse(content);
      if (!same_outcome(found, counted)) {
        fail<FormatError>("it is not of these ", r.predictions.samples(), " predictions");
      }
      r.metrics = std::move(found);
    });
  }
  if (r.metrics.is_null()) r.metrics = Json::parse(metrics_json(r.predictions));
}

Predictions predictions_of(const std::string& path, const Record& r) {
  PredictionsOptions options;
  if (!r.arg("label_sep").empty()) options.label_separator = r.arg("label_sep");
  Predictions p = read_predictions(path, options);
  complete(p);
  if (p.id.empty()) p.id = p.path;
  if (p.id.empty())
    for (std::int64_t i = 0; i < p.samples(); ++i) p.id.push_back(std::to_string(i));
  return p;
}

// What else lies in the folder of a run.
void read_companions(Record& r, std::vector<std::string>& notes) {
  optional_file(r.folder + "/results.csv", notes,
                [&](const std::string& content) { r.results = results_table(content); });
  optional_file(r.folder + "/embedding.csv", notes,
                [&](const std::string& content) { r.plane = plane_of(content, r.predictions.id); });
  optional_file(r.folder + "/folds.json", notes, [&](const std::string& content) {
    Json folds = Json::parse(content);
    for (const auto& [name, figure] : folds.at("figures").items())
      for (const char* key : {"mean", "std", "worst"}) figure.at(key).get<double>();
    r.folds = std::move(folds);
  });
  optional_file(r.folder + "/environment.json", notes, [&](const std::string& content) {
    const Json facts = Json::parse(content);
    for (const auto& [name, value] : facts.items())
      r.environment.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  });
}

}  // namespace

std::string Record::arg(const std::string& wanted) const {
  const auto found =
      std::find_if(args.begin(), args.end(), [&](const auto& a) { return a.first == wanted; });
  return found == args.end() ? "" : found->second;
}

Record read_record(const std::string& run, std::vector<std::string>& notes) {
  Record r;
  std::error_code error;
  const bool folder = fs::is_directory(run, error);
  const fs::path file = folder ? fs::path(run) / "predictions.csv" : fs::path(run);
  r.file = file.string();
  r.run = file.filename() == "predictions.csv";
  r.folder = folder ? run : file.parent_path().empty() ? "." : file.parent_path().string();
  while (r.folder.size() > 1 && r.folder.back() == '/') r.folder.pop_back();
  const fs::path full = fs::absolute(folder ? fs::path(r.folder) : file, error);
  const fs::path normal = full.lexically_normal();  // of "." it ends with a slash
  r.name = (normal.has_filename() ? normal : normal.parent_path()).filename().string();
  if (folder && !file_exists(file.string())) {
    fail<IoError>(run, " holds no predictions.csv: there is nothing to report");
  }
  if (r.run) {
    optional_file(r.folder + "/args.toml", notes, [&](const std::string& content) {
      r.args = settings_from_toml(content, r.folder + "/args.toml");
    });
  }
  r.predictions = predictions_of(file.string(), r);
  read_metrics(r, notes);
  r.right = correct(r.predictions);
  if (!r.predictions.weight.empty()) {
    notes.emplace_back(
        "samples have weights: the figures at the top follow them, everything below counts "
        "samples");
  }
  if (r.run) read_companions(r, notes);
  return r;
}

}  // namespace taxon::report

// Gathers a run's files and writes its report.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/report/report.h>

#include "page.h"
#include "payload.h"
#include "thinning.h"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace taxon {
namespace {

using namespace report;

// Facts of a run that has just ended are written down; of an older one, what was written is shown,
// and whether the data are still the same.
void record_environment(const ReportOptions& options, const Pictures& pictures, Record& r,
                        std::vector<std::string>& notes) {
  const std::string& now = pictures.fingerprint();
  if (!options.environment.empty()) {
    r.environment = options.environment;
    if (!now.empty()) r.environment.emplace_back("data fingerprint", now);
    Json facts;
    if (!r.run) return;
    for (const auto& [name, value] : r.environment) facts[name] = value;
    write_file_atomic(r.folder + "/environment.json",
                      facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return;
  }
  const auto known = std::find_if(r.environment.begin(), r.environment.end(),
                                  [](const auto& f) { return f.first == "data fingerprint"; });
  if (known == r.environment.end()) {
    if (!now.empty()) r.environment.emplace_back("data fingerprint", now + " (now)");
  } else if (!now.empty() && known->second != now) {
    notes.push_back(text("the data have changed since the run (fingerprint ", now, " now, ",
                         known->second, " then): pictures may be others"));
  }
}

// Mistakes, and of two runs what either gets wrong, are what people come for.
std::vector<std::uint8_t> interesting(const Record& r, const Comparison* other) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < r.right.size(); ++i) {
    const bool right =
        r.right[i] != 0 && (other == nullptr || other->match[i] < 0 ||
                            other->record.right[static_cast<std::size_t>(other->match[i])] != 0);
    out.push_back(right ? 0 : 1);
  }
  return out;
}

// The payload of as many samples as fit, pictures included: these get at least half of the bytes
// that are left beside the page.
Payload fit(const Record& r, const Comparison* other, const Pictures& pictures,
            const ReportOptions& options, Report& result) {
  const std::size_t page = page_bytes() + 10'000;
  const std::size_t room = options.max_bytes > page ? options.max_bytes - page : 0;
  const std::vector<std::uint8_t> marks = interesting(r, other);
  Thinned kept;
  Payload payload;
  for (std::int64_t most = options.max_samples;; most = result.shown / 2) {
    kept = thin(marks, most, other == nullptr ? "mistakes" : "samples that either run gets wrong");
    payload = make_payload(r, other, kept.samples, kept.note);
    result.shown = static_cast<std::int64_t>(kept.samples.size());
    if (payload.bytes() <= (pictures.any() ? room / 2 : room) || result.shown <= 1) break;
  }
  const std::size_t left = room - std::min(room, payload.bytes());
  const Sprites sprites = make_sprites(pictures, kept.samples, left / 4 * 3);
  result.pictures = sprites.count;
  if (sprites.count > 0) {
    add_pictures(sprites, payload);
  } else if (pictures.any()) {
    result.notes.push_back("no pictures: none can be read, or none fit into the file");
  }
  return payload;
}

// Beside the predictions: report.html of a run, else NAME.html of NAME.csv.
std::string page_of(const Record& r, bool compared) {
  if (r.run) return r.folder + (compared ? "/compare.html" : "/report.html");
  const std::string stem = std::filesystem::path(r.file).stem().string();
  return r.folder + "/" + stem + (compared ? "-compare.html" : ".html");
}

}  // namespace

Report write_report(const std::string& run, const std::string& other,
                    const ReportOptions& options) {
  Report result;
  Record record = read_record(run, result.notes);
  std::optional<Comparison> comparison;
  if (!other.empty()) {
    comparison = compare(record, read_record(other, result.notes), result.notes);
  }
  const Pictures pictures(record, options.data_dir, result.notes);
  record_environment(options, pictures, record, result.notes);
  result.samples = record.predictions.samples();
  Payload payload = fit(record, comparison ? &*comparison : nullptr, pictures, options, result);
  payload.json["notes"] = result.notes;
  const std::string html = page_html(payload);
  result.bytes = html.size();
  result.file = options.out.empty() ? page_of(record, comparison.has_value()) : options.out;
  write_file_atomic(result.file, html);
  return result;
}

}  // namespace taxon

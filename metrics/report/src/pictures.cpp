// Where a sample's image is to be found.
#include "pictures.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/data/sources.h>

#include <cstdio>
#include <filesystem>
#include <unordered_map>

namespace taxon::report {
namespace {

// The splits as the run saw them: its args.toml says how.
DataOptions options_of(const Record& r, const std::string& data_dir) {
  DataOptions o;
  o.data_dir = data_dir.empty() ? r.arg("data_dir") : data_dir;
  if (!r.arg("label_sep").empty()) o.label_sep = r.arg("label_sep");
  if (r.arg("task") == "single" || r.arg("task") == "multi") o.task = parse_task(r.arg("task"));
  const auto number = [&](const char* name) {
    return r.arg(name).empty() ? 0 : parse_number(r.arg(name), name);
  };
  o.seed = static_cast<std::uint64_t>(number("seed"));
  if (number("val_fraction") > 0) o.val_fraction = number("val_fraction");
  if (number("fold") > 0) {
    o.folds = static_cast<std::int64_t>(number("folds"));
    o.fold = static_cast<std::int64_t>(number("fold"));
  }
  o.require_train = false;
  return o;
}

}  // namespace

Pictures::Pictures(const Record& record, const std::string& data_dir,
                   std::vector<std::string>& notes) {
  const std::int64_t n = record.predictions.samples();
  places_.resize(static_cast<std::size_t>(n));
  std::string why;
  try {
    if (!record.arg("data").empty()) open(record, data_dir);
  } catch (const Error& e) {
    why = text(" (the data cannot be opened: ", e.what(), ")");
  }
  if (found_ < n) try_files(record);
  if (found_ == 0) {
    notes.push_back("no pictures: the samples' images were not found" + why);
  } else if (found_ < n) {
    notes.push_back(text(n - found_, " of ", n, " samples have no picture: not found", why));
  }
}

void Pictures::open(const Record& record, const std::string& data_dir) {
  const Splits data = open_dataset(record.arg("data"), options_of(record, data_dir));
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(data.fingerprint()));
  fingerprint_ = digits;
  const std::vector<std::string>& ids = record.predictions.id;
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t i = 0; i < ids.size(); ++i) row_of.emplace(ids[i], i);
  for (const DatasetPtr& split : {data.test, data.val, data.train}) {
    if (!split || found_ == static_cast<std::int64_t>(row_of.size())) continue;
    for (std::int64_t i = 0; i < split->size(); ++i) {
      const auto row = row_of.find(split->id(i));
      if (row == row_of.end() || places_[row->second].data) continue;
      places_[row->second] = {split, i, ""};
      ++found_;
    }
  }
}

// Files as the column names them, from here or from the folder of predictions.csv.
void Pictures::try_files(const Record& record) {
  const std::vector<std::string>& paths = record.predictions.path;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (places_[i].data || paths[i].empty()) continue;
    for (const std::string& file :
         {paths[i], (std::filesystem::path(record.folder) / paths[i]).string()}) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error)) continue;
      places_[i].file = file;
      ++found_;
      break;
    }
  }
}

std::optional<Image> Pictures::image(std::int64_t sample, std::int64_t side) const {
  const Place& place = places_.at(static_cast<std::size_t>(sample));
  if (!place.data && place.file.empty()) return std::nullopt;
  try {
    const std::vector<std::uint8_t> bytes =
        place.data ? place.data->encoded(place.index) : read_file(place.file);
    return bytes.empty() ? place.data->image(place.index) : decode_for_side(bytes, side);
  } catch (const Error&) {  // the page says that there is none
    return std::nullopt;
  }
}

}  // namespace taxon::report

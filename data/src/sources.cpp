// open_dataset: finds DATA, has it read, holds out validation, and says what is odd.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/random.h>
#include <taxon/base/text.h>
#include <taxon/data/sources.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "readers.h"

namespace taxon {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string list_lines(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) {
    out += text("\n  ", item);
  }
  return out;
}

Presence presence(const std::string& folder, const Known& known) {
  return known.format == KnownFormat::idx ? idx_presence(folder, known)
                                          : cifar_presence(folder, known);
}

// Whether the folder is called like another data set: then files lying in it are not this one's
// (MNIST and Fashion-MNIST name their files alike).
bool belongs_to_other(const std::string& folder, const Known& known) {
  const std::string name = fs::path(folder).filename().string();
  const auto has = [&](const Known& k) {
    return k.facts.name == name ||
           std::find(k.folders.begin(), k.folders.end(), name) != k.folders.end();
  };
  const auto table = known_table();
  return !has(known) && std::any_of(table.begin(), table.end(), has);
}

// The folder with the files of a named data set; a complete one before an incomplete one.
std::string locate(const Known& known, const std::vector<std::string>& roots) {
  std::string incomplete;
  for (const std::string& root : roots) {
    for (const std::string& below : known.folders) {
      const std::string folder = below.empty() ? root : text(root, '/', below);
      if (!is_folder(folder) || (below.empty() && belongs_to_other(root, known))) {
        continue;
      }
      const Presence p = presence(folder, known);
      if (p == Presence::all) {
        return folder;
      }
      if (p == Presence::some && incomplete.empty()) {
        incomplete = folder;
      }
    }
  }
  return incomplete;
}

// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return out + "'";
}

std::string how_to_fetch(const Known& known, const std::string& data_dir) {
  return text("\nto fetch it:\n  taxon data get ", known.facts.name,
              data_dir.empty() ? "" : text(" --data-dir ", quoted(data_dir)));
}

[[noreturn]] void not_found(const Known& known, const std::vector<std::string>& roots,
                            const std::string& data_dir) {
  fail<IoError>("data set '", known.facts.name, "' not found; looked in:", list_lines(roots),
                how_to_fetch(known, data_dir));
}

// Where nothing but files lies under a data set's name, a download of it was cut, or never began.
bool has_folders(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored)) {
      return true;
    }
  }
  return false;
}

Splits read_known(const Known& known, const std::string& folder) {
  Splits s = known.format == KnownFormat::idx ? read_idx(folder, known) : read_cifar(folder, known);
  s.name = known.facts.name;
  s.known = true;
  s.facts.fixed_size = true;
  s.facts.flips = known.flips;
  s.facts.mean = known.mean;
  s.facts.std = known.std;
  const auto expect = [&](const char* split, const DatasetPtr& data, std::int64_t n) {
    if (data->size() != n) {
      s.warnings.push_back(text(folder, ": ", split, " holds ", data->size(),
                                " images, the published data set ", n));
    }
  };
  expect("train", s.train, known.facts.train);
  expect("test", s.test, known.facts.test);
  s.where = folder;
  return s;
}

// A folder that a person names may hold a known data set's files, IDX files of another one, or
// images.
Splits read_any_folder(const std::string& given, const DataOptions& options) {
  std::string folder = fs::absolute(given).lexically_normal().string();
  while (folder.size() > 1 && folder.back() == '/') {
    folder.pop_back();
  }
  const std::string name = fs::path(folder).filename().string();
  for (const Known& known : known_table()) {
    const bool named =
        !belongs_to_other(folder, known) &&
        (known.format != KnownFormat::idx || known.train_prefix != "train" ||
         std::find(known.folders.begin(), known.folders.end(), name) != known.folders.end());
    if (named && presence(folder, known) == Presence::all) {
      return read_known(known, folder);
    }
  }
  Known unnamed;
  unnamed.facts.name = name;
  Splits s;
  if (idx_presence(folder, unnamed) == Presence::all) {
    s = read_idx(folder, idx_classes(folder, unnamed));
    s.facts.fixed_size = true;
    s.facts.flips = false;
  } else {
    s = read_folder(folder, options);
  }
  s.name = name;
  s.where = folder;
  return s;
}

Splits read_csv(const std::string& data, const DataOptions& options,
                const std::vector<std::string>& roots) {
  std::vector<std::string> tried{data};
  if (!fs::path(data).is_absolute()) {
    for (const std::string& root : roots) {
      tried.push_back(text(root, '/', data));
    }
  }
  for (const std::string& path : tried) {
    if (file_exists(path)) {
      Splits s = read_manifest(path, options);
      const fs::path full = fs::absolute(path).lexically_normal();
      s.name = text(full.parent_path().filename().string(), '-', full.stem().string());
      s.where = path;
      return s;
    }
  }
  fail<IoError>(data, ": no such manifest; looked for:", list_lines(tried));
}

Splits find_and_read(const std::string& data, const DataOptions& options) {
  const std::vector<std::string> roots = data_search_path(options.data_dir);
  if (data.empty()) {
    fail<OptionError>("no data set given, expected one of: ", join(known_names(), ", "),
                      ", a folder, or a .csv manifest");
  }
  if (lower(data).ends_with(".csv")) {
    return read_csv(data, options, roots);
  }
  const Known* known = find_known(data);
  if (known != nullptr) {
    const std::string folder = locate(*known, roots);
    if (!folder.empty() && presence(folder, *known) == Presence::all) {
      return read_known(*known, folder);
    }
    if (!folder.empty()) {
      try {
        return read_known(*known, folder);
      } catch (const IoError& e) {  // names the file that is missing
        fail<IoError>(e.what(), how_to_fetch(*known, options.data_dir));
      }
    }
  }
  std::vector<std::string> tried{data};
  if (!fs::path(data).is_absolute()) {
    for (const std::string& root : roots) {
      tried.push_back(text(root, '/', data));
    }
  }
  for (const std::string& path : tried) {
    if (is_folder(path) &&
        (known == nullptr || has_folders(path) || presence(path, *known) == Presence::all)) {
      return read_any_folder(path, options);
    }
  }
  if (known != nullptr) {
    not_found(*known, roots, options.data_dir);
  }
  if (file_exists(data)) {
    fail<FormatError>(data, ": is a file, expected a folder or a .csv manifest");
  }
  if (data.find('/') != std::string::npos) {
    fail<IoError>(data, ": no such folder; looked for:", list_lines(tried));
  }
  const std::vector<std::string> names = known_names();
  fail<OptionError>("data set '", data, "' is unknown", did_you_mean(lower(data), names),
                    ", expected one of: ", join(names, ", "),
                    ", a folder, or a .csv manifest; looked for:", list_lines(tried));
}

void check_options(const DataOptions& o) {
  if (o.val_fraction && !(*o.val_fraction >= 0 && *o.val_fraction <= 0.9)) {
    fail<OptionError>("val fraction ", *o.val_fraction, ", expected 0 to 0.9");
  }
  if (!o.data_dir.empty() && !is_folder(o.data_dir)) {
    fail<IoError>("data dir ", o.data_dir, ": no such folder");
  }
}

// Holds validation samples out of train where the data bring none.
void hold_out(Splits& s, const DataOptions& o) {
  if (s.divided || !o.val_fraction || *o.val_fraction == 0.0 || !s.train) {
    return;
  }
  if (s.val) {
    fail<OptionError>(s.where, ": a val fraction of ", *o.val_fraction,
                      " was asked for, but the data have a val split of ", s.val->size(),
                      " samples; leave it out");
  }
  const Division d = divide(*s.train, *o.val_fraction, 0, o.seed);
  if (d.second.empty()) {
    fail<OptionError>(s.where, ": a val fraction of ", *o.val_fraction, " of ", s.train->size(),
                      " training samples is none");
  }
  s.val = subset(s.train, d.second);
  s.train = subset(s.train, d.first);
}

void warn_of_absent(Splits& s, const char* split, const DatasetPtr& data) {
  if (!data) {
    return;
  }
  const auto counts = data->class_counts();
  std::vector<std::string> absent;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) {
      absent.push_back(s.class_names[c]);
    }
  }
  const std::size_t n = absent.size();
  if (n > 0) {
    absent.resize(std::min<std::size_t>(n, 5));
    s.warnings.push_back(text(s.where, ": no ", split, " sample of ", n,
                              n == 1 ? " class: " : " classes: ", join(absent, ", "),
                              n > 5 ? ", ..." : ""));
  }
}

// A class that cannot be learnt is an error where samples have exactly one; one that is not
// measured is worth a warning. (For folders the reader has checked already.)
void check_classes(Splits& s) {
  if (s.train && s.task == Task::single && s.format == "csv") {
    const auto train = s.train->class_counts();
    for (const DatasetPtr& data : {s.val, s.test}) {
      const auto counts = data ? data->class_counts() : std::vector<std::int64_t>{};
      for (std::size_t c = 0; c < counts.size(); ++c) {
        if (counts[c] > 0 && train[c] == 0) {
          fail<FormatError>(s.where, ": class '", s.class_names[c], "' has ", counts[c],
                            " samples in ", data == s.val ? "val" : "test", " and none in train");
        }
      }
    }
  }
  warn_of_absent(s, "train", s.train);
  warn_of_absent(s, "val", s.val);
  warn_of_absent(s, "test", s.test);
}

void fill_facts(Splits& s, const DataOptions& o) {
  const DatasetPtr& some = s.train ? s.train : s.val ? s.val : s.test;
  s.task = some->task();
  s.class_names = some->class_names();
  if (!s.facts.fixed_size) {
    s.facts = look_at_files(*some, o.seed);
  }
  if (s.facts.mean.empty()) {
    s.facts.mean = imagenet_mean(s.facts.channels);
    s.facts.std = imagenet_std(s.facts.channels);
  }
}

void add_once(std::vector<std::string>& roots, const std::string& root) {
  if (!root.empty() && std::find(roots.begin(), roots.end(), root) == roots.end()) {
    roots.push_back(root);
  }
}

// Those of the folders searched that are the user's own.
std::vector<std::string> own_roots(const std::string& data_dir) {
  std::vector<std::string> roots;
  add_once(roots, data_dir);
  add_once(roots, environment("TAXON_DATA"));
  const std::string cache = environment("XDG_CACHE_HOME"), home = environment("HOME");
  if (!cache.empty()) {
    add_once(roots, cache + "/taxon/data");
  } else if (!home.empty()) {
    add_once(roots, home + "/.cache/taxon/data");
  }
  return roots;
}

}  // namespace

std::vector<std::string> data_search_path(const std::string& data_dir) {
  std::vector<std::string> roots = own_roots(data_dir);
  add_once(roots, "/usr/local/share/datasets");
  add_once(roots, "/usr/share/datasets");
  return roots;
}

std::string data_home(const std::string& data_dir) {
  const std::vector<std::string> roots = own_roots(data_dir);
  if (roots.empty()) {
    fail<OptionError>(
        "no folder to put data sets into: none of TAXON_DATA, XDG_CACHE_HOME and HOME is set; "
        "name one with --data-dir");
  }
  return roots.front();
}

std::vector<KnownDataset> known_datasets(const std::string& data_dir) {
  const std::vector<std::string> roots = data_search_path(data_dir);
  std::vector<KnownDataset> list;
  for (const Known& known : known_table()) {
    list.push_back(known.facts);
    const std::string folder = locate(known, roots);
    if (!folder.empty() && presence(folder, known) == Presence::all) {
      list.back().found = folder;
    }
  }
  return list;
}

DatasetPtr Splits::split(std::string_view wanted) const {
  const auto standard = split_name(wanted);
  if (standard) {
    const DatasetPtr& data = *standard == "train" ? train : *standard == "val" ? val : test;
    if (data) {
      return data;
    }
  }
  std::vector<std::string> there;
  if (train) {
    there.emplace_back("train");
  }
  if (val) {
    there.emplace_back("val");
  }
  if (test) {
    there.emplace_back("test");
  }
  fail<OptionError>(where, ": no split '", wanted, "', expected one of: ", join(there, ", "));
}

std::uint64_t Splits::fingerprint() const {
  std::uint64_t hash = 0;
  for (const DatasetPtr& data : {train, val, test}) {
    hash = mix(hash, data ? data->fingerprint() : 0);
  }
  return hash;
}

Splits open_dataset(const std::string& data, const DataOptions& options) {
  check_options(options);
  Splits s = find_and_read(data, options);
  if (!s.train && options.require_train) {
    fail<FormatError>(s.where, ": no train split, expected one to train on");
  }
  hold_out(s, options);
  take_fold(s, options);
  fill_facts(s, options);
  if (options.task && *options.task != s.task) {
    fail<OptionError>(s.where, ": task ", name_of(*options.task),
                      " was asked for, but the data have ",
                      "exactly one label a sample (task single)");
  }
  check_classes(s);
  return s;
}

Preprocess default_preprocess(const DataFacts& facts, std::int64_t size, ResizeMode mode) {
  Preprocess p;
  p.channels = facts.channels;
  p.mean = facts.mean;
  p.std = facts.std;
  p.resize = mode;
  if (size > 0) {
    p.height = p.width = size;
  } else if (facts.fixed_size) {
    p.height = facts.height;
    p.width = facts.width;
  } else {
    p.height = p.width =
        std::clamp<std::int64_t>(std::min(facts.height, facts.width) / 32 * 32, 32, 224);
  }
  p.validate();
  return p;
}

}  // namespace taxon

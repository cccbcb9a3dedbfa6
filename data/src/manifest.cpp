// CSV manifests: filename,label[,split] · filename,labels[,split] · filename,<class>,...[,split].
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "csv.h"
#include "readers.h"

namespace taxon {
namespace {

namespace fs = std::filesystem;

enum class Form : std::uint8_t { label, labels, one_hot };

struct Header {
  Form form = Form::label;
  std::size_t filename = 0;
  std::optional<std::size_t> split;
  std::vector<std::size_t> columns;  // of the label(s) or classes
  std::vector<std::string> names;    // one hot: the classes
};

struct Row {
  std::int64_t line = 0;
  std::string filename, split;
  std::vector<std::string> labels;
};

class Manifest {
 public:
  Manifest(const std::string& path, const DataOptions& options) : path_(path), options_(options) {
    if (options.label_sep.size() != 1) {
      fail<OptionError>("label separator '", options.label_sep, "', expected one character");
    }
  }

  Splits read() {
    const std::vector<CsvRow> rows = parse_csv(read_text(path_), path_);
    if (rows.empty()) {
      fail<FormatError>(path_, ": empty, expected a header such as filename,label,split");
    }
    read_header(rows[0]);
    if (rows.size() == 1) {
      fail<FormatError>(path_, ": no rows below the header");
    }
    task_ = options_.task.value_or(header_.form == Form::label ? Task::single : Task::multi);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      read_row(rows[i]);
    }
    find_classes();
    check_files();
    Splits s;
    s.format = "csv";
    s.task = task_;
    s.warnings = std::move(warnings_);
    make_splits(s);
    return s;
  }

 private:
  template <class... Parts>
  [[noreturn]] void bad(std::int64_t line, const Parts&... parts) const {
    fail<FormatError>(path_, ": line ", line, ": ", parts...);
  }

  void read_header(const CsvRow& row);
  void read_row(const CsvRow& row);
  std::vector<std::string> row_labels(const CsvRow& row) const;
  void find_classes();
  void check_files();
  void make_splits(Splits& s) const;
  DatasetPtr make(const std::string& name, const std::vector<const Row*>& rows) const;

  std::string path_;
  const DataOptions& options_;
  Header header_;
  Task task_ = Task::single;
  std::vector<Row> rows_;
  std::vector<std::string> classes_, warnings_;
};

void Manifest::read_header(const CsvRow& row) {
  std::set<std::string> seen;
  std::optional<std::size_t> filename;
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    const std::string name(trim(row.fields[i]));
    if (name.empty()) {
      bad(row.line, "column ", i + 1, " of the header has no name");
    }
    if (!seen.insert(name).second) {
      bad(row.line, "column '", name, "' appears twice in the header");
    }
    if (name == "filename") {
      filename = i;
    } else if (name == "split") {
      header_.split = i;
    } else {
      header_.columns.push_back(i);
      header_.names.push_back(name);
    }
  }
  if (!filename) {
    const std::vector<std::string> expected{"filename"};
    const std::string first(trim(row.fields[0]));
    bad(row.line, "the header has no column 'filename'",
        first.find(';') != std::string::npos ? " (columns are separated by commas, not semicolons)"
                                             : did_you_mean(first, expected),
        "; it begins with '", first, "', expected filename,label[,split]");
  }
  header_.filename = *filename;
  if (header_.columns.empty()) {
    bad(row.line,
        "the header has no column of labels; expected label, labels or one column a class");
  }
  const bool one = header_.columns.size() == 1;
  header_.form = one && header_.names[0] == "label"    ? Form::label
                 : one && header_.names[0] == "labels" ? Form::labels
                                                       : Form::one_hot;
  for (const std::string& name : header_.names) {
    if (!one && (name == "label" || name == "labels")) {
      bad(row.line, "column '", name, "' beside ", header_.names.size() - 1,
          " more; expected either it alone or one column a class");
    }
  }
}

std::vector<std::string> Manifest::row_labels(const CsvRow& row) const {
  std::vector<std::string> labels;
  if (header_.form == Form::one_hot) {
    static const std::vector<std::string> usual{"label", "labels", "split"};
    for (std::size_t c = 0; c < header_.columns.size(); ++c) {
      const std::string_view value = trim(row.fields[header_.columns[c]]);
      if (value != "0" && value != "1" && value != "0.0" && value != "1.0") {
        bad(row.line, "column '", header_.names[c], "' is '", value, "', expected 0 or 1",
            did_you_mean(header_.names[c], usual));
      }
      if (value[0] == '1') {
        labels.push_back(header_.names[c]);
      }
    }
    return labels;
  }
  const std::string& field = row.fields[header_.columns[0]];
  if (header_.form == Form::label && task_ == Task::single) {
    if (!trim(field).empty()) {
      labels.emplace_back(trim(field));
    }
    return labels;
  }
  for (const std::string& part : split(field, options_.label_sep[0])) {
    const std::string label(trim(part));
    if (!label.empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) {
      labels.push_back(label);
    }
  }
  return labels;
}

void Manifest::read_row(const CsvRow& row) {
  static const std::vector<std::string> allowed{"train", "val", "valid", "validation", "test"};
  const std::size_t expected = header_.columns.size() + 1 + (header_.split ? 1 : 0);
  if (row.fields.size() != expected) {
    bad(row.line, row.fields.size(), " fields, expected ", expected, " as in the header");
  }
  Row r{row.line, row.fields[header_.filename], {}, {}};
  if (trim(r.filename).empty()) {
    bad(row.line, "no file name");
  }
  if (header_.split) {
    const std::string_view given = trim(row.fields[*header_.split]);
    const auto name = split_name(given);
    if (!name) {
      bad(row.line, "split '", given, "' is unknown", did_you_mean(given, allowed),
          ", expected one of: ", join(allowed, ", "));
    }
    r.split = *name;
  }
  r.labels = row_labels(row);
  if (task_ == Task::single && r.labels.size() != 1) {
    bad(row.line, r.filename, " has ", r.labels.size(), " labels",
        r.labels.empty() ? "" : text(" (", join(r.labels, ", "), ")"),
        ", expected exactly one (or task multi)");
  }
  rows_.push_back(std::move(r));
}

void Manifest::find_classes() {
  if (header_.form == Form::one_hot) {
    classes_ = header_.names;
    return;
  }
  std::set<std::string> all;
  for (const Row& r : rows_) {
    all.insert(r.labels.begin(), r.labels.end());
  }
  classes_.assign(all.begin(), all.end());
  if (classes_.empty()) {
    fail<FormatError>(path_, ": no row has a label, expected at least one class");
  }
}

void Manifest::check_files() {
  const fs::path root = fs::path(path_).parent_path();
  std::map<std::string, const Row*> seen;
  std::int64_t missing = 0, twice = 0;
  const Row *first_missing = nullptr, *first_twice = nullptr;
  for (const Row& r : rows_) {
    std::error_code ignored;
    if (!fs::is_regular_file(root / r.filename, ignored)) {
      first_missing = missing++ == 0 ? &r : first_missing;
    }
    const auto [at, is_new] = seen.emplace(r.filename, &r);
    if (!is_new) {
      first_twice = twice++ == 0 ? &r : first_twice;
      if (at->second->split != r.split) {
        warnings_.push_back(text(path_, ": line ", r.line, ": ", r.filename, " is in ", r.split,
                                 " and, line ", at->second->line, ", in ", at->second->split));
      }
    }
  }
  if (missing > 0) {
    const std::string others = missing > 1 ? text(" (and ", missing - 1, " more)") : "";
    fail<IoError>(path_, ": line ", first_missing->line,
                  ": no such file: ", (root / first_missing->filename).string(), others,
                  "; paths are relative to the manifest");
  }
  if (twice > 0) {
    warnings_.push_back(text(path_, ": ", twice, " files appear more than once, first ",
                             first_twice->filename, " in line ", first_twice->line));
  }
}

DatasetPtr Manifest::make(const std::string& name, const std::vector<const Row*>& rows) const {
  const fs::path root = fs::path(path_).parent_path();
  std::map<std::string, std::size_t> index;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    index[classes_[c]] = c;
  }
  Labels labels{task_, classes_, {}, {}};
  std::vector<std::string> paths, ids;
  for (const Row* r : rows) {
    paths.push_back((root / r->filename).string());
    ids.push_back(r->filename);
    if (task_ == Task::single) {
      labels.index.push_back(static_cast<std::int64_t>(index[r->labels[0]]));
      continue;
    }
    const std::size_t at = labels.hot.size();
    labels.hot.resize(at + classes_.size());
    for (const std::string& label : r->labels) {
      labels.hot[at + index[label]] = 1;
    }
  }
  return file_dataset(name, std::move(paths), std::move(ids), std::move(labels));
}

void Manifest::make_splits(Splits& s) const {
  std::map<std::string, std::vector<const Row*>> by_split;
  for (const Row& r : rows_) {
    by_split[r.split].push_back(&r);
  }
  if (!header_.split) {
    divide_all(s, make(path_, by_split[""]), options_);
    return;
  }
  for (const auto& [name, rows] : by_split) {
    (name == "train" ? s.train
     : name == "val" ? s.val
                     : s.test) = make(text(path_, " (", name, ")"), rows);
  }
}

}  // namespace

Splits read_manifest(const std::string& path, const DataOptions& options) {
  return Manifest(path, options).read();
}

}  // namespace taxon

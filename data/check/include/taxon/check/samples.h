// All samples of a data set under one numbering: train's first, then val's, then test's.
#pragma once

#include <taxon/data/sources.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace taxon::check {

class Samples {
 public:
  /// Keeps the data sets alive. A Splits without any split has no samples.
  explicit Samples(const Splits& data);

  std::int64_t size() const { return begins_.empty() ? 0 : begins_.back() + parts_.back()->size(); }
  /// Splits that are there, in order, and what each holds.
  const std::vector<std::string>& splits() const { return names_; }
  const Dataset& part(std::size_t split) const { return *parts_[split]; }
  /// Of sample n in [0, size()): which split, and the number in it.
  std::size_t split_of(std::int64_t n) const;
  std::int64_t index_of(std::int64_t n) const { return n - begins_[split_of(n)]; }

  std::string_view split_name(std::int64_t n) const { return names_[split_of(n)]; }
  std::string id(std::int64_t n) const { return part(split_of(n)).id(index_of(n)); }
  /// The file, or "" where samples are not files of their own.
  std::string path(std::int64_t n) const { return part(split_of(n)).path(index_of(n)); }
  Image image(std::int64_t n) const { return part(split_of(n)).image(index_of(n)); }

  Task task() const { return task_; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::int64_t classes() const { return static_cast<std::int64_t>(class_names_.size()); }
  std::int64_t label(std::int64_t n) const { return part(split_of(n)).label(index_of(n)); }
  bool has_label(std::int64_t n, std::int64_t c) const;
  bool same_labels(std::int64_t a, std::int64_t b) const;
  /// The class's name; several joined by " | "; "(none)" where a sample has no label.
  std::string label_text(std::int64_t n) const;

 private:
  std::vector<std::string> names_;
  std::vector<DatasetPtr> parts_;
  std::vector<std::int64_t> begins_;
  Task task_ = Task::single;
  std::vector<std::string> class_names_;
};

}  // namespace taxon::check

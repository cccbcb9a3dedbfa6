// Reading predictions.csv, ours or anyone's.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/metrics/predictions.h>

#include "csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_map>

namespace taxon {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

class Reader {
 public:
  Reader(std::string_view text, const std::string& name, const PredictionsOptions& options)
      : name_(name), options_(options), rows_(csv::parse(text, name)) {
    if (rows_.empty()) fail<FormatError>(name_, ": empty, expected a header line and predictions");
    header_ = std::move(rows_.front().cells);
    rows_.erase(rows_.begin());
  }

  Predictions run() {
    find_columns();
    if (rows_.empty()) fail<FormatError>(name_, ": no predictions below the header");
    for (const csv::Row& row : rows_)
      if (row.cells.size() != header_.size())
        fail<FormatError>(name_, ":", row.line, ": found ", row.cells.size(),
                          " cells, expected the header's ", header_.size());
    out_.id = texts(id_);
    out_.path = texts(path_);
    read_probabilities();
    out_.multi_label = options_.multi_label.value_or(guess_multi_label());
    find_classes();
    out_.multi_label ? read_labels() : read_classes();
    out_.confidence = numbers(confidence_, 0, 1);
    out_.loss = numbers(loss_, 0, std::numeric_limits<double>::infinity());
    return std::move(out_);
  }

 private:
  // --- columns
  void find_columns() {
    const std::vector<std::pair<std::string_view, std::size_t*>> known = {
        {"id", &id_},     {"path", &path_},
        {"true", &true_}, {"predicted", &predicted_},
        {"loss", &loss_}, {"confidence", &confidence_}};
    std::set<std::string> seen;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const bool is_probability = header_[i].rfind("prob_", 0) == 0;
      if (!is_probability) header_[i] = std::string(trim(header_[i]));
      const std::string& column = header_[i];
      const auto it = std::find_if(known.begin(), known.end(),
                                   [&](const auto& entry) { return entry.first == column; });
      if (!is_probability && it == known.end()) continue;
      if (!seen.insert(column).second)
        fail<FormatError>(name_, ":1: column '", column, "' stands twice, expected once");
      if (is_probability) {
        probability_.push_back(i);
        out_.classes.push_back(column.substr(5));
      } else {
        *it->second = i;
      }
    }
    if (true_ == kNone)
      fail<FormatError>(name_, ":1: no column 'true'", did_you_mean("true", header_), "; found '",
                        join(header_, ","), "'");
    if (predicted_ == kNone && probability_.empty())
      fail<FormatError>(
          name_, ":1: found neither a column 'predicted'", did_you_mean("predicted", header_),
          " nor columns 'prob_<class>', expected one of them; found '", join(header_, ","), "'");
  }

  // --- cells
  template <class... Expected>
  [[noreturn]] void bad(const csv::Row& row, std::size_t column,
                        const Expected&... expected) const {
    fail<FormatError>(name_, ":", row.line, ": column '", header_[column], "': found '",
                      row.cells[column], "', expected ", expected...);
  }

  double number(const csv::Row& row, std::size_t column, double low, double high) const {
    std::string_view s = trim(row.cells[column]);
    if (!s.empty() && s.front() == '+') s.remove_prefix(1);
    double v = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    // A probability may pass 1 by the rounding of its writer.
    const bool number = error == std::errc() && end == s.data() + s.size() && !s.empty();
    if (!number || !(v >= low - 1e-6) || !(v <= high + 1e-6)) {
      if (std::isinf(high)) bad(row, column, "a number of at least ", low);
      bad(row, column, "a number from ", low, " to ", high);
    }
    return std::clamp(v, low, high);
  }

  std::vector<std::string> texts(std::size_t column) const {
    std::vector<std::string> out;
    if (column == kNone) return out;
    for (const csv::Row& row : rows_) out.push_back(row.cells[column]);
    return out;
  }

  /// A column that may be left empty.
  std::vector<double> numbers(std::size_t column, double low, double high) const {
    if (column == kNone || std::all_of(rows_.begin(), rows_.end(), [&](const csv::Row& row) {
          return row.cells[column].empty();
        }))
      return {};
    std::vector<double> out;
    for (const csv::Row& row : rows_) out.push_back(number(row, column, low, high));
    return out;
  }

  void read_probabilities() {
    out_.probability.reserve(rows_.size() * probability_.size());
    for (const csv::Row& row : rows_)
      for (const std::size_t column : probability_)
        out_.probability.push_back(number(row, column, 0, 1));
  }

  // --- labels
  bool guess_multi_label() const {
    for (const csv::Row& row : rows_)
      for (const std::size_t column : {true_, predicted_}) {
        if (column == kNone) continue;
        const std::string& cell = row.cells[column];
        if (cell.find(options_.label_separator) != std::string::npos &&
            std::find(out_.classes.begin(), out_.classes.end(), cell) == out_.classes.end())
          return true;
      }
    const std::size_t c = probability_.size();
    double distance = 0;
    for (std::size_t row = 0; row < out_.probability.size(); row += c) {
      double sum = 0;
      for (std::size_t k = 0; k < c; ++k) sum += out_.probability[row + k];
      distance += std::abs(sum - 1);
    }
    return distance > 0.1 * static_cast<double>(rows_.size());
  }

  std::vector<std::string> split_labels(const std::string& cell) const {
    std::vector<std::string> labels;
    const std::string& separator = options_.label_separator;
    for (std::size_t at = 0; at <= cell.size();) {
      const std::size_t end = std::min(cell.find(separator, at), cell.size());
      const std::string_view label = trim(std::string_view(cell).substr(at, end - at));
      if (!label.empty()) labels.emplace_back(label);
      at = end + separator.size();
    }
    return labels;
  }

  std::vector<std::string> names_in(const std::string& cell) const {
    return out_.multi_label ? split_labels(cell) : std::vector<std::string>{cell};
  }

  void find_classes() {
    if (probability_.empty()) {
      std::set<std::string> names;
      for (const csv::Row& row : rows_)
        for (const std::size_t column : {true_, predicted_})
          for (std::string& label : names_in(row.cells[column])) names.insert(std::move(label));
      names.erase("");
      out_.classes.assign(names.begin(), names.end());
    }
    for (std::size_t k = 0; k < out_.classes.size(); ++k)
      index_[out_.classes[k]] = static_cast<std::int64_t>(k);
    if (out_.classes.empty())
      fail<FormatError>(name_, ": no label in the columns 'true' and 'predicted'");
  }

  std::int64_t index(const csv::Row& row, std::size_t column, const std::string& label) const {
    const auto it = index_.find(label);
    if (it != index_.end()) return it->second;
    if (label.empty() && !out_.multi_label)
      bad(row, column, "a class name (only multi-label predictions may have no label)");
    bad(row, column, "one of the ", out_.classes.size(), " classes of the prob_ columns",
        did_you_mean(label, out_.classes));
  }

  void read_classes() {
    for (const csv::Row& row : rows_) {
      out_.truth.push_back(index(row, true_, row.cells[true_]));
      if (predicted_ != kNone)
        out_.predicted.push_back(index(row, predicted_, row.cells[predicted_]));
    }
  }

  void read_labels() {
    for (const csv::Row& row : rows_) {
      append_labels(out_.truth_labels, row, true_);
      if (predicted_ != kNone) append_labels(out_.predicted_labels, row, predicted_);
    }
  }

  void append_labels(std::vector<std::uint8_t>& out, const csv::Row& row,
                     std::size_t column) const {
    const std::size_t begin = out.size();
    out.resize(begin + out_.classes.size(), 0);
    for (const std::string& label : split_labels(row.cells[column]))
      out[begin + static_cast<std::size_t>(index(row, column, label))] = 1;
  }

  const std::string& name_;
  const PredictionsOptions& options_;
  std::vector<csv::Row> rows_;
  std::vector<std::string> header_;
  std::size_t id_ = kNone, path_ = kNone, true_ = kNone, predicted_ = kNone, confidence_ = kNone,
              loss_ = kNone;
  std::vector<std::size_t> probability_;
  std::unordered_map<std::string, std::int64_t> index_;
  Predictions out_;
};

}  // namespace

Predictions parse_predictions(std::string_view text, const std::string& name,
                              const PredictionsOptions& options) {
  if (options.label_separator.empty()) fail<OptionError>("label separator: empty, expected text");
  return Reader(text, name, options).run();
}

Predictions read_predictions(const std::string& path, const PredictionsOptions& options) {
  return parse_predictions(read_text(path), path, options);
}

}  // namespace taxon

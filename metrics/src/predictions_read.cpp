// Reading predictions.csv, ours or anyone's.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/metrics/predictions.h>

#include "prediction_rows.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <unordered_map>

namespace taxon {

namespace {

class Reader {
 public:
  Reader(const std::string& name, const PredictionsOptions& options)
      : name_(name), options_(options) {}

  // The next whole rows of a file of `size` bytes (0: unknown).
  void add(std::string_view text, std::size_t size) {
    const std::size_t bytes = text.size();
    if (!columns_) {
      csv::Rows rows(text);
      if (!next_row(rows)) return;
      columns_ = PredictionColumns::of({rows.cells().begin(), rows.cells().end()}, name_);
      columns_->texts = options_.texts;
      rows_.lines += rows.lines();
      text = rows.rest();
    }
    constexpr std::size_t parts_at_most = 8;
    const std::vector<std::string_view> texts = csv::divide(text, parts_at_most);
    std::vector<PredictionRows> parts(texts.size());
    std::vector<std::optional<csv::Problem>> problems(texts.size());
    parallel_chunks(static_cast<std::int64_t>(texts.size()), [&](std::int64_t chunk) {
      const auto i = static_cast<std::size_t>(chunk);
      try {
        parts[i].read(texts[i], *columns_);
      } catch (const csv::Problem& problem) {
        problems[i] = problem;
      }
    });
    if (rows_.rows == 0 && size > bytes) {
      std::size_t rows = 0;
      for (const PredictionRows& part : parts) rows += part.rows;
      rows_.reserve(rows * (size / bytes + 1), *columns_);
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (problems[i]) report(*problems[i]);
      rows_.append(std::move(parts[i]));
    }
  }

  Predictions done() {
    if (!columns_) fail<FormatError>(name_, ": empty, expected a header line and predictions");
    if (rows_.rows == 0) fail<FormatError>(name_, ": no predictions below the header");
    for (const std::size_t column : columns_->probability)
      out_.classes.push_back(columns_->header[column].substr(std::string_view("prob_").size()));
    out_.multi_label = options_.multi_label.value_or(guess_multi_label());
    if (!out_.multi_label) check_sums();
    find_classes();
    out_.multi_label ? read_labels() : read_classes();
    out_.probability = std::move(rows_.probability);
    out_.id = std::move(rows_.id);
    out_.path = std::move(rows_.path);
    out_.confidence = values(rows_.confidence, columns_->confidence);
    out_.loss = values(rows_.loss, columns_->loss);
    out_.weight = values(rows_.weight, columns_->weight);
    return std::move(out_);
  }

 private:
  bool next_row(csv::Rows& rows) const {
    try {
      return rows.next();
    } catch (const csv::Problem& problem) {
      report(problem);
    }
  }

  [[noreturn]] void report(const csv::Problem& problem) const {
    fail<FormatError>(name_, ":", rows_.lines + problem.line, ": ", problem.what);
  }

  template <class... Expected>
  [[noreturn]] void bad(std::size_t line, std::size_t column, std::string_view found,
                        const Expected&... expected) const {
    fail<FormatError>(name_, ":", line, ": column '", columns_->header[column], "': found '", found,
                      "', expected ", expected...);
  }

  std::vector<double> values(OptionalColumn& column, std::size_t which) const {
    if (!column.values.empty() && column.first_empty != 0)
      bad(column.first_empty, which, "", "a number, as the column's other rows have");
    return std::move(column.values);
  }

  // How far the probabilities of a row are from a sum of 1.
  double distance(std::size_t row) const {
    const std::size_t c = columns_->probability.size();
    double sum = 0;
    for (std::size_t k = 0; k < c; ++k) sum += rows_.probability[row * c + k];
    return std::abs(sum - 1);
  }

  bool guess_multi_label() const {
    for (const CellTable* table : {&rows_.truth_cells, &rows_.predicted_cells})
      for (const CellTable::Cell& cell : table->cells())
        if (cell.text.find(options_.label_separator) != std::string::npos &&
            std::find(out_.classes.begin(), out_.classes.end(), cell.text) == out_.classes.end())
          return true;
    if (columns_->probability.empty()) return false;
    double sum = 0;
    for (std::size_t row = 0; row < rows_.rows; ++row) sum += distance(row);
    return sum > 0.1 * static_cast<double>(rows_.rows);
  }

  // What rounding to two digits may add up to.
  double tolerance() const {
    return std::min(0.1, 0.0101 + 0.005 * static_cast<double>(columns_->probability.size()));
  }

  // Log loss, Brier score and calibration mean something for a distribution only.
  void check_sums() const {
    const std::size_t c = columns_->probability.size();
    for (std::size_t row = 0; c > 0 && row < rows_.rows; ++row) {
      if (distance(row) <= tolerance()) continue;
      double sum = 0;
      for (std::size_t k = 0; k < c; ++k) sum += rows_.probability[row * c + k];
      fail<FormatError>(name_, ": the probabilities of prediction ", row + 1, " sum to ", sum,
                        ", expected 1 (with several labels a sample: --task multi)");
    }
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

  void find_classes() {
    if (out_.classes.empty()) {
      std::set<std::string> names;
      for (const CellTable* table : {&rows_.truth_cells, &rows_.predicted_cells})
        for (const CellTable::Cell& cell : table->cells()) {
          if (!out_.multi_label) names.insert(cell.text);
          if (out_.multi_label) names.merge(set_of(split_labels(cell.text)));
        }
      names.erase("");
      out_.classes.assign(names.begin(), names.end());
    }
    for (std::size_t k = 0; k < out_.classes.size(); ++k)
      index_[out_.classes[k]] = static_cast<std::int64_t>(k);
    if (out_.classes.empty())
      fail<FormatError>(name_, ": no label in the columns 'true' and 'predicted'");
  }

  static std::set<std::string> set_of(std::vector<std::string> names) {
    return {std::make_move_iterator(names.begin()), std::make_move_iterator(names.end())};
  }

  std::int64_t index(const CellTable::Cell& cell, std::size_t column,
                     const std::string& label) const {
    const auto it = index_.find(label);
    if (it != index_.end()) return it->second;
    if (label.empty() && !out_.multi_label)
      bad(cell.line, column, cell.text,
          "a class name (only multi-label predictions may have no label)");
    bad(cell.line, column, cell.text, "one of the ", out_.classes.size(),
        " classes of the prob_ columns", did_you_mean(label, out_.classes));
  }

  void read_classes() {
    const auto classes_of = [&](const CellTable& table, std::size_t column,
                                std::vector<std::uint32_t>& rows, std::vector<std::int64_t>& out) {
      std::vector<std::int64_t> as;
      for (const CellTable::Cell& cell : table.cells())
        as.push_back(index(cell, column, cell.text));
      out.reserve(rows.size());
      for (const std::uint32_t row : rows) out.push_back(as[row]);
    };
    classes_of(rows_.truth_cells, columns_->truth, rows_.truth, out_.truth);
    classes_of(rows_.predicted_cells, columns_->predicted, rows_.predicted, out_.predicted);
  }

  void read_labels() {
    const std::size_t c = out_.classes.size();
    const auto labels_of = [&](const CellTable& table, std::size_t column,
                               std::vector<std::uint32_t>& rows, std::vector<std::uint8_t>& out) {
      std::vector<std::vector<std::int64_t>> as;
      for (const CellTable::Cell& cell : table.cells()) {
        as.emplace_back();
        for (const std::string& label : split_labels(cell.text))
          as.back().push_back(index(cell, column, label));
      }
      out.assign(rows.size() * c, 0);
      for (std::size_t i = 0; i < rows.size(); ++i)
        for (const std::int64_t k : as[rows[i]]) out[i * c + static_cast<std::size_t>(k)] = 1;
    };
    labels_of(rows_.truth_cells, columns_->truth, rows_.truth, out_.truth_labels);
    labels_of(rows_.predicted_cells, columns_->predicted, rows_.predicted, out_.predicted_labels);
  }

  const std::string& name_;
  const PredictionsOptions& options_;
  std::optional<PredictionColumns> columns_;
  PredictionRows rows_;
  std::unordered_map<std::string, std::int64_t> index_;
  Predictions out_;
};

void check(const PredictionsOptions& options) {
  if (options.label_separator.empty()) fail<OptionError>("label separator: empty, expected text");
}

}  // namespace

Predictions parse_predictions(std::string_view text, const std::string& name,
                              const PredictionsOptions& options) {
  check(options);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  Reader reader(name, options);
  reader.add(text, 0);
  return reader.done();
}

Predictions read_predictions(const std::string& path, const PredictionsOptions& options) {
  check(options);
  csv::Blocks blocks(path);
  Reader reader(path, options);
  for (std::string_view rows; blocks.next(rows);) reader.add(rows, blocks.size());
  return reader.done();
}

}  // namespace taxon

// The rows of predictions.csv as columns of numbers.
#include "prediction_rows.h"

#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace taxon {

namespace {

// What a header line that is one cell may be instead.
std::string other_format(std::string_view cell) {
  constexpr std::string_view little = "\xFF\xFE", big = "\xFE\xFF";
  if (cell.substr(0, 2) == little || cell.substr(0, 2) == big)
    return "this is UTF-16, expected UTF-8";
  for (const auto& [separator, called] : {std::pair(';', "semicolons"), std::pair('\t', "tabs")})
    if (cell.find(separator) != cell.npos)
      return text("the cells are separated by ", called, ", expected commas");
  return "";
}

}  // namespace

PredictionColumns PredictionColumns::of(std::vector<std::string> header, const std::string& name) {
  PredictionColumns out;
  const std::vector<std::pair<std::string_view, std::size_t*>> known = {
      {"id", &out.id},        {"path", &out.path},
      {"true", &out.truth},   {"predicted", &out.predicted},
      {"loss", &out.loss},    {"confidence", &out.confidence},
      {"weight", &out.weight}};
  std::set<std::string> seen;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool is_probability = header[i].rfind("prob_", 0) == 0;
    if (!is_probability) header[i] = std::string(trim(header[i]));
    const std::string& column = header[i];
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const auto& entry) { return entry.first == column; });
    if (!is_probability && it == known.end()) continue;
    if (!seen.insert(column).second)
      fail<FormatError>(name, ":1: column '", column, "' stands twice, expected once");
    if (is_probability) {
      out.probability.push_back(i);
    } else {
      *it->second = i;
    }
  }
  if (out.truth == kNoColumn) {
    const std::string other = other_format(header[0]);
    if (!other.empty()) fail<FormatError>(name, ":1: ", other);
    fail<FormatError>(name, ":1: no column 'true'", did_you_mean("true", header), "; found '",
                      join(header, ","), "'");
  }
  if (out.predicted == kNoColumn && out.probability.empty())
    fail<FormatError>(
        name, ":1: found neither a column 'predicted'", did_you_mean("predicted", header),
        " nor columns 'prob_<class>', expected one of them; found '", join(header, ","), "'");
  out.header = std::move(header);
  return out;
}

std::uint32_t CellTable::add(std::string_view text, std::size_t line) {
  const auto it = index_.find(text);
  if (it != index_.end()) return it->second;
  const auto id = static_cast<std::uint32_t>(cells_.size());
  cells_.push_back({std::string(text), line});
  index_.emplace(cells_.back().text, id);
  return id;
}

void OptionalColumn::append(OptionalColumn&& next, std::size_t lines_before) {
  if (first_empty == 0 && next.first_empty != 0) first_empty = next.first_empty + lines_before;
  values.insert(values.end(), next.values.begin(), next.values.end());
}

namespace {

class RowReader {
 public:
  RowReader(std::string_view text, const PredictionColumns& columns, PredictionRows& out)
      : rows_(text), columns_(columns), out_(out) {}

  void run() {
    while (rows_.next()) {
      if (rows_.cells().size() != columns_.header.size())
        throw csv::Problem{rows_.line(),
                           taxon::text("found ", rows_.cells().size(),
                                       " cells, expected the header's ", columns_.header.size())};
      row();
    }
    out_.lines = rows_.lines();
  }

 private:
  void row() {
    const auto& cells = rows_.cells();
    ++out_.rows;
    for (const std::size_t column : columns_.probability)
      out_.probability.push_back(number(column, 0, 1));
    out_.truth.push_back(out_.truth_cells.add(cells[columns_.truth], rows_.line()));
    if (columns_.predicted != kNoColumn)
      out_.predicted.push_back(out_.predicted_cells.add(cells[columns_.predicted], rows_.line()));
    optional(columns_.confidence, 1, out_.confidence);
    if (columns_.texts) optional(columns_.loss, kInfinite, out_.loss);
    optional(columns_.weight, kInfinite, out_.weight);
    if (!columns_.texts) return;
    if (columns_.id != kNoColumn) out_.id.emplace_back(cells[columns_.id]);
    if (columns_.path != kNoColumn) out_.path.emplace_back(cells[columns_.path]);
  }

  void optional(std::size_t column, double high, OptionalColumn& out) {
    if (column == kNoColumn) return;
    if (!rows_.cells()[column].empty()) {
      out.values.push_back(number(column, 0, high));
    } else if (out.first_empty == 0) {
      out.first_empty = rows_.line();
    }
  }

  double number(std::size_t column, double low, double high) {
    std::string_view s = trim(rows_.cells()[column]);
    if (!s.empty() && s.front() == '+') s.remove_prefix(1);
    double v = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
    // Below the smallest double is 0. A probability may pass 1 by the rounding of its writer.
    const bool tiny = error == std::errc::result_out_of_range && lower(s).find("e-") != s.npos;
    const bool number =
        (error == std::errc() || tiny) && end == s.data() + s.size() && !std::isnan(v);
    // A loss may be infinite, a weight may not.
    if (number && std::isinf(v) && column == columns_.weight) bad_number(column, low, high);
    if (!number || !(v >= low - 1e-6) || !(v <= high + 1e-6)) bad_number(column, low, high);
    return std::clamp(v, low, high);
  }

  [[noreturn]] void bad_number(std::size_t column, double low, double high) {
    const std::string range =
        std::isinf(high) ? text("of at least ", low) : text("from ", low, " to ", high);
    throw csv::Problem{rows_.line(), text("column '", columns_.header[column], "': found '",
                                          rows_.cells()[column], "', expected a number ", range)};
  }

  static constexpr double kInfinite = std::numeric_limits<double>::infinity();
  csv::Rows rows_;
  const PredictionColumns& columns_;
  PredictionRows& out_;
};

void append_cells(CellTable& cells, std::vector<std::uint32_t>& rows, const CellTable& next,
                  const std::vector<std::uint32_t>& next_rows, std::size_t lines_before) {
  std::vector<std::uint32_t> as;
  for (const CellTable::Cell& cell : next.cells())
    as.push_back(cells.add(cell.text, cell.line + lines_before));
  for (const std::uint32_t row : next_rows) rows.push_back(as[row]);
}

template <class T>
void append_values(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void PredictionRows::read(std::string_view text, const PredictionColumns& columns) {
  RowReader(text, columns, *this).run();
}

void PredictionRows::reserve(std::size_t count, const PredictionColumns& columns) {
  probability.reserve(count * columns.probability.size());
  truth.reserve(count);
  if (columns.predicted != kNoColumn) predicted.reserve(count);
}

void PredictionRows::append(PredictionRows&& next) {
  append_cells(truth_cells, truth, next.truth_cells, next.truth, lines);
  append_cells(predicted_cells, predicted, next.predicted_cells, next.predicted, lines);
  append_values(probability, next.probability);
  append_values(id, next.id);
  append_values(path, next.path);
  confidence.append(std::move(next.confidence), lines);
  loss.append(std::move(next.loss), lines);
  weight.append(std::move(next.weight), lines);
  lines += next.lines;
  rows += next.rows;
}

}  // namespace taxon

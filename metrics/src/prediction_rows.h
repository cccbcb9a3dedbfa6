// The rows of predictions.csv as columns of numbers: what is read in parallel, block by block.
#pragma once

#include "csv.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace taxon {

inline constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

/// Which column of the file holds what.
struct PredictionColumns {
  std::vector<std::string> header;
  std::size_t id = kNoColumn, path = kNoColumn, truth = kNoColumn, predicted = kNoColumn,
              confidence = kNoColumn, loss = kNoColumn, weight = kNoColumn;
  std::vector<std::size_t> probability;
  bool texts = true;  ///< keep id, path and loss

  /// Throws FormatError, `name` standing for the file.
  static PredictionColumns of(std::vector<std::string> header, const std::string& name);
};

/// Cells that occur again and again (class names, sets of labels), each kept once.
class CellTable {
 public:
  struct Cell {
    std::string text;
    std::size_t line;  ///< where it first occurs
  };
  std::uint32_t add(std::string_view text, std::size_t line);
  const std::deque<Cell>& cells() const { return cells_; }

 private:
  std::deque<Cell> cells_;  // which never move: the index points into them
  std::unordered_map<std::string_view, std::uint32_t> index_;
};

/// A column that may be left empty as a whole.
struct OptionalColumn {
  std::vector<double> values;
  std::size_t first_empty = 0;  ///< the line of the first empty cell; 0: none

  void append(OptionalColumn&& next, std::size_t lines_before);
};

/// Rows of a file, or of a part of it.
struct PredictionRows {
  std::size_t lines = 0;  ///< that the part takes in the file
  std::size_t rows = 0;
  std::vector<std::string> id, path;
  CellTable truth_cells, predicted_cells;
  std::vector<std::uint32_t> truth, predicted;  ///< [rows], indices of the cells
  std::vector<double> probability;              ///< [rows, columns]
  OptionalColumn confidence, loss, weight;

  /// The rows of `text`, whole ones.
  /// Throws csv::Problem.
  void read(std::string_view text, const PredictionColumns& columns);
  /// Room for that many rows, so that columns do not grow by being copied.
  void reserve(std::size_t rows, const PredictionColumns& columns);
  /// The rows of the part that follows.
  void append(PredictionRows&& next);
};

}  // namespace taxon

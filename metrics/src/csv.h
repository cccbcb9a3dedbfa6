// Comma-separated values by RFC 4180: quoted fields may hold commas, quotes ("") and line breaks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace taxon::csv {

struct Row {
  std::size_t line = 0;  ///< of the file, from 1, where the row begins
  std::vector<std::string> cells;
};

/// All rows; LF and CRLF; a byte-order mark and blank lines are skipped. Throws FormatError naming
/// `file` and the line for a quote that is not closed or that stands inside a cell.
std::vector<Row> parse(std::string_view text, const std::string& file);

/// The cell, quoted where it must be.
std::string quoted(std::string_view cell);

}  // namespace taxon::csv

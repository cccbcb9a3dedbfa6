// Comma-separated values (RFC 4180): quoted fields, doubled quotes, CR LF or LF, an UTF-8 byte
// order mark.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

struct CsvRow {
  std::int64_t line = 0;  ///< where it begins in the file, from 1
  std::vector<std::string> fields;
};

/// All rows but blank lines. Throws FormatError naming `what` and the line.
std::vector<CsvRow> parse_csv(std::string_view content, std::string_view what);

}  // namespace taxon

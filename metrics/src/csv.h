// Comma-separated values by RFC 4180: quoted fields may hold commas, quotes ("") and line breaks.
// Read block by block, so that a file of any size needs the memory of one block.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace taxon::csv {

/// A mistake in a line, counted from 1 within the text that was read.
struct Problem {
  std::size_t line = 0;
  std::string what;
};

/// The rows of a text that ends where a row ends. LF, CRLF and a lone CR end a row; blank lines are
/// skipped. next() throws Problem for a quote that is not closed or that stands inside a cell.
class Rows {
 public:
  explicit Rows(std::string_view text) : text_(text) {}

  /// The next row's cells, valid until the next call; false at the end.
  bool next();
  const std::vector<std::string_view>& cells() const { return cells_; }
  std::size_t line() const { return row_line_; }   ///< where the row begins
  std::size_t lines() const { return line_ - 1; }  ///< that have been read
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void read_row();
  std::string_view plain_cell();
  std::string_view quoted_cell();
  bool take(char c);

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1, row_line_ = 1;
  bool quoted_ = false;
  std::vector<std::string_view> cells_;
  std::vector<std::unique_ptr<std::string>> unquoted_;  ///< cells whose quotes were doubled
};

/// How much of `text` is whole rows; more text may follow. 0: not one row.
std::size_t whole_rows(std::string_view text);
/// At most `parts` texts of whole rows each, alike in size. A text with quotes stays in one piece:
/// a line break may be part of a cell.
std::vector<std::string_view> divide(std::string_view rows, std::size_t parts);

/// The whole rows of a file, some megabytes at a time, in order.
class Blocks {
 public:
  /// Throws IoError.
  explicit Blocks(const std::string& path);
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks();

  /// The next rows, valid until the next call; false at the end. A byte-order mark is skipped.
  /// Throws IoError, and FormatError for a row above 64 MiB.
  bool next(std::string_view& rows);
  /// Bytes of the file; 0 where it has no size, as a pipe.
  std::size_t size() const;

 private:
  void fill();

  const std::string& path_;
  int file_ = -1;
  bool ended_ = false, first_ = true;
  std::string buffer_;
  std::size_t used_ = 0;  ///< what was handed out
};

/// The cell, quoted where it must be.
std::string quoted(std::string_view cell);

}  // namespace taxon::csv

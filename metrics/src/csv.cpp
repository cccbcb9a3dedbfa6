#include "csv.h"

#include <taxon/base/error.h>

namespace taxon::csv {

namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
  }

  std::vector<Row> run() {
    std::vector<Row> rows;
    while (at_ < text_.size()) {
      Row row = this->row();
      if (row.cells.size() > 1 || !row.cells[0].empty() || quoted_) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Row row() {
    Row row;
    row.line = line_;
    quoted_ = false;
    do {
      row.cells.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted_cell() : plain_cell());
    } while (take(','));
    if (take('\r') && at_ < text_.size() && text_[at_] != '\n') {
      ++line_;  // a lone CR ends a line
      return row;
    }
    if (take('\n')) ++line_;
    return row;
  }

  std::string plain_cell() {
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string cell(text_.substr(at_, end - at_));
    at_ = end;
    return cell;
  }

  std::string quoted_cell() {
    const std::size_t first_line = line_;
    quoted_ = true;
    std::string cell;
    for (++at_;; ++at_) {
      if (at_ == text_.size())
        fail<FormatError>(file_, ":", first_line, ": a quoted cell begins here and never ends");
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] == '"') {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      cell += text_[at_];
    }
    ++at_;
    if (at_ < text_.size() && std::string_view(",\r\n").find(text_[at_]) == std::string_view::npos)
      fail<FormatError>(file_, ":", line_, ": found '", text_[at_],
                        "' after a closing quote, expected a comma or the end of the line");
    return cell;
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0, line_ = 1;
  bool quoted_ = false;
};

}  // namespace

std::vector<Row> parse(std::string_view text, const std::string& file) {
  return Parser(text, file).run();
}

std::string quoted(std::string_view cell) {
  const bool plain = cell.find_first_of(",\"\r\n") == std::string_view::npos &&
                     (cell.empty() || (cell.front() != ' ' && cell.back() != ' '));
  if (plain) return std::string(cell);
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace taxon::csv

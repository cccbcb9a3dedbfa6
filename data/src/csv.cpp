// The parser of csv.h.
#include "csv.h"

#include <taxon/base/error.h>

namespace taxon {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view content, std::string_view what) : text_(content), what_(what) {}

  std::vector<CsvRow> run() {
    while (at_ < text_.size()) {
      CsvRow row{line_, {}};
      do {
        row.fields.push_back(field());
      } while (take(','));
      if (at_ < text_.size() && !take_line_end()) {
        fail<FormatError>(what_, ": line ", line_,
                          ": text after a closing quote, expected a comma");
      }
      if (row.fields.size() > 1 || !row.fields[0].empty()) {
        rows_.push_back(std::move(row));
      }
    }
    return std::move(rows_);
  }

 private:
  bool take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  bool take_line_end() {
    const bool carriage = take('\r');
    const bool ended = take('\n') || carriage;
    line_ += ended ? 1 : 0;
    return ended;
  }

  std::string field() {
    if (take('"')) {
      return quoted();
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const std::int64_t begin = line_;
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        line_ += text_[at_] == '\n' ? 1 : 0;
        out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        out += '"';
        ++at_;
      } else {
        ++at_;
        return out;
      }
    }
    fail<FormatError>(what_, ": line ", begin, ": a quoted field that does not end");
  }

  std::string_view text_, what_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::vector<CsvRow> rows_;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view content, std::string_view what) {
  if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff")) {
    fail<FormatError>(what, ": text in UTF-16, expected UTF-8");
  }
  if (content.find('\0') != std::string_view::npos) {
    fail<FormatError>(what, ": holds zero bytes, expected text");
  }
  if (content.starts_with("\xef\xbb\xbf")) {
    content.remove_prefix(3);
  }
  return CsvParser(content, what).run();
}

}  // namespace taxon

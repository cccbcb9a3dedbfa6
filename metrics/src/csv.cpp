#include "csv.h"

#include <taxon/base/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace taxon::csv {

bool Rows::next() {
  while (at_ < text_.size()) {
    read_row();
    if (cells_.size() > 1 || !cells_[0].empty() || quoted_) return true;
  }
  return false;
}

void Rows::read_row() {
  row_line_ = line_;
  quoted_ = false;
  cells_.clear();
  unquoted_.clear();
  do {
    cells_.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted_cell() : plain_cell());
  } while (take(','));
  const bool carriage = take('\r');
  if (take('\n') || carriage) ++line_;
}

std::string_view Rows::plain_cell() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view Rows::quoted_cell() {
  const std::size_t first_line = line_, begin = ++at_;
  bool doubled = false;
  quoted_ = true;
  for (;; ++at_) {
    if (at_ == text_.size()) throw Problem{first_line, "a quoted cell begins here and never ends"};
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] != '"') continue;
    if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') break;
    doubled = true;
    ++at_;
  }
  std::string_view cell = text_.substr(begin, at_ - begin);
  ++at_;
  if (at_ < text_.size() && std::string_view(",\r\n").find(text_[at_]) == std::string_view::npos)
    throw Problem{line_, std::string("found '") + text_[at_] +
                             "' after a closing quote, expected a comma or the end of the line"};
  if (!doubled) return cell;
  auto& out = *unquoted_.emplace_back(std::make_unique<std::string>());
  for (std::size_t i = 0; i < cell.size(); ++i) {
    out += cell[i];
    if (cell[i] == '"') ++i;
  }
  return out;
}

bool Rows::take(char c) {
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

namespace {

// Behind the last line break; 0: there is none. A CR at the very end may have its LF still to come.
std::size_t after_last_break(std::string_view text) {
  const std::size_t line_feed = text.find_last_of('\n');
  if (line_feed != std::string_view::npos) return line_feed + 1;
  if (text.size() < 2) return 0;
  const std::size_t carriage = text.find_last_of('\r', text.size() - 2);
  return carriage == std::string_view::npos ? 0 : carriage + 1;
}

}  // namespace

std::size_t whole_rows(std::string_view text) {
  if (text.find('"') == std::string_view::npos) return after_last_break(text);
  // Line breaks count where no quoted cell is open; one is opened at a cell's beginning only.
  std::size_t whole = 0;
  bool open = false, begins = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (open) {
      open = c != '"';  // a doubled quote closes and, below, opens again
      begins = !open;
      continue;
    }
    if (c == '"' && begins) {
      open = true;
      continue;
    }
    const bool carriage = c == '\r' && i + 1 < text.size() && text[i + 1] != '\n';
    if (c == '\n' || carriage) whole = i + 1;
    begins = c == ',' || c == '\n' || c == '\r';
  }
  return whole;
}

std::vector<std::string_view> divide(std::string_view rows, std::size_t parts) {
  constexpr std::size_t least = std::size_t{1} << 16;
  if (rows.find('"') != std::string_view::npos || rows.size() < 2 * least) return {rows};
  std::vector<std::string_view> out;
  const std::size_t size = std::max(least, rows.size() / parts + 1);
  while (!rows.empty()) {
    const std::size_t end = rows.find('\n', std::min(size, rows.size()) - 1);
    const std::size_t length = end == std::string_view::npos ? rows.size() : end + 1;
    out.push_back(rows.substr(0, length));
    rows.remove_prefix(length);
  }
  return out;
}

Blocks::Blocks(const std::string& path) : path_(path) {
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) fail<IoError>(path, ": ", std::strerror(errno));
}

Blocks::~Blocks() {
  ::close(file_);
}

std::size_t Blocks::size() const {
  struct stat info {};
  return ::fstat(file_, &info) == 0 && S_ISREG(info.st_mode)
             ? static_cast<std::size_t>(info.st_size)
             : 0;
}

void Blocks::fill() {
  constexpr std::size_t block = std::size_t{8} << 20, most = std::size_t{64} << 20;
  buffer_.erase(0, used_);
  used_ = 0;
  if (buffer_.size() >= most)
    fail<FormatError>(path_, ": a row of more than 64 MiB; is a quote not closed?");
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + block);
  std::size_t filled = kept;
  while (filled < buffer_.size() && !ended_) {
    const ::ssize_t got = ::read(file_, buffer_.data() + filled, buffer_.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail<IoError>(path_, ": ", std::strerror(errno));
    ended_ = got == 0;
    filled += static_cast<std::size_t>(got);
  }
  buffer_.resize(filled);
}

bool Blocks::next(std::string_view& rows) {
  for (;;) {
    fill();
    if (first_ && buffer_.compare(0, 3, "\xEF\xBB\xBF") == 0) buffer_.erase(0, 3);
    first_ = false;
    const std::size_t whole = ended_ ? buffer_.size() : whole_rows(buffer_);
    if (whole == 0 && !ended_) continue;
    used_ = whole;
    rows = std::string_view(buffer_).substr(0, whole);
    return whole > 0;
  }
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

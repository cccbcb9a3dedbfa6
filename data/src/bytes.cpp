// Streams and archives (see bytes.h).
#include "bytes.h"

#include <taxon/base/error.h>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

namespace taxon {
namespace {

gzFile handle(void* file) {
  return static_cast<gzFile>(file);
}

constexpr std::size_t tar_block = 512;
constexpr std::uint64_t max_member = std::uint64_t{1} << 31;

using TarHeader = std::array<char, tar_block>;

// A number in octal digits, padded with blanks or zeros.
std::uint64_t octal(const TarHeader& h, std::size_t at, std::size_t n) {
  std::uint64_t value = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    if (h[i] >= '0' && h[i] <= '7') {
      value = value * 8 + static_cast<std::uint64_t>(h[i] - '0');
    }
  }
  return value;
}

bool checksum_matches(const TarHeader& h) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : static_cast<unsigned char>(h[i]);
  }
  return sum == octal(h, 148, 8);
}

void skip(ByteStream& in, std::uint64_t n) {
  std::vector<std::uint8_t> rest(std::size_t{1} << 16);
  while (n > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(n, rest.size()));
    if (in.read(rest.data(), part) != part) {
      fail<FormatError>(in.path(), ": truncated archive after ", in.position(), " bytes");
    }
    n -= part;
  }
}

}  // namespace

ByteStream::ByteStream(const std::string& path) : path_(path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail<IoError>(path, ": is a folder, expected a file");
  }
  errno = 0;
  file_ = gzopen(path.c_str(), "rb");
  if (file_ == nullptr) {
    fail<IoError>(path,
                  ": cannot be opened: ", errno == 0 ? "out of memory" : std::strerror(errno));
  }
  gzbuffer(handle(file_), 1u << 17);
}

ByteStream::~ByteStream() {
  gzclose(handle(file_));
}

std::size_t ByteStream::read(void* to, std::size_t n) {
  std::size_t have = 0;
  while (have < n) {
    const auto part = static_cast<unsigned>(std::min<std::size_t>(n - have, 1u << 30));
    errno = 0;
    const int got = gzread(handle(file_), static_cast<char*>(to) + have, part);
    int code = Z_OK;
    const char* reason = gzerror(handle(file_), &code);
    if (code == Z_ERRNO) {
      fail<IoError>(path_, ": reading failed: ", std::strerror(errno));
    }
    if (got < 0 || code == Z_BUF_ERROR || code == Z_DATA_ERROR) {
      fail<FormatError>(path_, ": ", code == Z_BUF_ERROR ? "truncated" : "corrupt", " gzip after ",
                        position_ + have, " bytes of content",
                        code == Z_BUF_ERROR ? "" : text(": ", reason));
    }
    if (got == 0) {
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  position_ += have;
  return have;
}

std::uint64_t ByteStream::append(std::vector<std::uint8_t>& to, std::uint64_t n) {
  constexpr std::uint64_t step = std::uint64_t{64} << 20;
  std::uint64_t have = 0;
  while (have < n) {
    const auto part = static_cast<std::size_t>(std::min(step, n - have));
    const std::size_t at = to.size();
    to.resize(at + part);
    const std::size_t got = read(to.data() + at, part);
    have += got;
    if (got < part) {
      to.resize(at + got);
      break;
    }
  }
  return have;
}

bool ByteStream::at_end() {
  char one;
  return read(&one, 1) == 0;
}

void read_tar(const std::string& path, const std::function<bool(std::string_view)>& wanted,
              const std::function<void(std::string_view, std::vector<std::uint8_t>)>& visit) {
  ByteStream in(path);
  TarHeader h;
  for (;;) {
    const std::size_t got = in.read(h.data(), tar_block);
    if (got == 0 || std::all_of(h.begin(), h.end(), [](char c) { return c == 0; })) {
      return;
    }
    if (got < tar_block) {
      fail<FormatError>(path, ": truncated archive after ", in.position(), " bytes");
    }
    if (!checksum_matches(h)) {
      fail<FormatError>(path, ": no tar archive: the header at byte ", in.position() - tar_block,
                        " has a wrong checksum");
    }
    const std::uint64_t size = octal(h, 124, 12);
    const std::string full(h.data(), std::find(h.data(), h.data() + 100, '\0'));
    const std::string name = full.substr(full.rfind('/') + 1);
    const std::uint64_t padded = (size + tar_block - 1) / tar_block * tar_block;
    if ((h[156] != '0' && h[156] != 0) || !wanted(name)) {
      skip(in, padded);
      continue;
    }
    std::vector<std::uint8_t> content;
    if (size > max_member || in.append(content, size) != size) {
      fail<FormatError>(path, ": truncated archive: ", name, " is said to have ", size,
                        " bytes, the file holds ", content.size());
    }
    skip(in, padded - size);
    visit(name, std::move(content));
  }
}

}  // namespace taxon

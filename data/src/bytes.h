// Reading the publishers' files: plain or gzip-compressed streams, and tar archives in them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// A file read from start to end, inflated if it is gzip. Errors name the file.
class ByteStream {
 public:
  explicit ByteStream(const std::string& path);  ///< throws IoError
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t position() const { return position_; }  ///< bytes read so far, inflated
  /// Up to n bytes; fewer only at the end. Throws FormatError for damaged or truncated gzip.
  std::size_t read(void* to, std::size_t n);
  /// The next n bytes, appended to `to` in steps, so that a header that lies about the size of a
  /// short file runs into its end before memory is taken. Returns how many there were.
  std::uint64_t append(std::vector<std::uint8_t>& to, std::uint64_t n);
  bool at_end();  ///< consumes a byte when it is not

 private:
  std::string path_;
  void* file_ = nullptr;  // gzFile
  std::uint64_t position_ = 0;
};

/// Calls `visit(name, content)` for each regular file in a tar archive (plain or gzip) whose last
/// name `wanted` accepts. Throws FormatError for a damaged or truncated archive.
void read_tar(const std::string& path, const std::function<bool(std::string_view)>& wanted,
              const std::function<void(std::string_view, std::vector<std::uint8_t>)>& visit);

}  // namespace taxon

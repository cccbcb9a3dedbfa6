// Files: whole reads, and writes that either happen completely or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// The whole file. Throws IoError (with the path and the system's reason).
std::vector<std::uint8_t> read_file(const std::string& path);
std::string read_text(const std::string& path);

/// Writes to a temporary file beside `path`, flushes it to the disk and renames it over `path`:
/// after a crash or a full disk the old file is still whole. Throws IoError, leaving no temporary
/// file.
void write_file_atomic(const std::string& path, std::string_view bytes);

/// The same for content produced in parts; `produce` may throw.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();  ///< removes the temporary file unless committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* bytes, std::size_t n);
  void write(std::string_view s) { write(s.data(), s.size()); }
  void commit();  ///< flush to disk, rename, flush the directory

 private:
  std::string path_, temporary_;
  int fd_ = -1;
};

bool file_exists(const std::string& path);

/// All n bytes to the open file `fd`, `path` by name, from where it stands. Throws IoError.
void write_all(int fd, const void* bytes, std::size_t n, const std::string& path);

/// Renames `from` over `to` and flushes the folder, with which the rename reaches the disk.
/// Throws IoError.
void rename_durably(const std::string& from, const std::string& to);

}  // namespace taxon

#include "part.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/interrupted.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

namespace taxon::fetch {
namespace {

[[noreturn]] void fail_io(const char* what, const std::string& path, int error) {
  fail<IoError>("cannot ", what, " '", path, "': ", std::strerror(error));
}

}  // namespace

PartFile::PartFile(std::string path)
    : path_(std::move(path)), part_(path_ + ".part"), from_(part_ + ".from") {
  fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_io("create", part_, errno);
  const off_t end = ::lseek(fd_, 0, SEEK_END);
  if (end < 0) {
    const int error = errno;
    close();
    fail_io("read", part_, error);
  }
  size_ = static_cast<std::uint64_t>(end);
  one_piece_ = size_ == 0;
}

PartFile::~PartFile() {
  close();
}

void PartFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string PartFile::version(const std::string& url) const {
  if (size_ == 0 || !file_exists(from_)) return "";
  const std::string text = read_text(from_);
  const std::size_t line = text.find('\n');
  if (line == std::string::npos || text.substr(0, line) != url) return "";
  return text.substr(line + 1, text.find('\n', line + 1) - line - 1);
}

void PartFile::restart(const std::string& url, const std::string& version) {
  if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) fail_io("empty", part_, errno);
  size_ = 0;
  one_piece_ = true;
  // Before the first byte: a part never stands beside the mark of another version.
  if (url.empty()) {
    ::unlink(from_.c_str());
  } else {
    write_file_atomic(from_, text(url, '\n', version, '\n'));
  }
}

void PartFile::append(const void* bytes, std::size_t n) {
  write_all(fd_, bytes, n, part_);
  size_ += n;
}

void PartFile::finish() {
  if (::fsync(fd_) != 0) fail_io("write", part_, errno);
  close();
  rename_durably(part_, path_);
  ::unlink(from_.c_str());
}

void PartFile::discard() {
  close();
  ::unlink(part_.c_str());
  ::unlink(from_.c_str());
}

FolderLock::FolderLock(const std::string& folder, const std::atomic<bool>* interrupt,
                       const Callback<void()>& waiting) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail<IoError>("cannot create the folder '", folder, "': ", error.message());
  fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) fail_io("open", folder, errno);
  // Some network file systems have no locks: then two processes may do the same work twice, and the
  // sums still keep what is wrong from being used.
  for (bool told = false; ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
       told = true) {
    if (!told && waiting) waiting();
    try {
      nap(0.1, interrupt);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

void nap(double seconds, const std::atomic<bool>* interrupt) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (interrupt != nullptr && interrupt->load()) fail<Interrupted>("interrupted while waiting");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace taxon::fetch

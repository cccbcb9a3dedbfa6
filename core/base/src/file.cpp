// Whole reads, and writes that either happen completely or not at all.
#include <taxon/base/error.h>
#include <taxon/base/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace taxon {
namespace {

[[noreturn]] void fail_io(const char* what, const std::string& path, int error) {
  fail<IoError>("cannot ", what, " '", path, "': ", std::strerror(error));
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

template <class Bytes>
Bytes read_all(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) fail_io("open", path, errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail_io("read", path, errno);
  if (S_ISDIR(info.st_mode)) fail_io("read", path, EISDIR);
  // The size is a hint only: pipes and /proc files have none.
  Bytes bytes(static_cast<std::size_t>(info.st_size) + 1, 0);  // the last finds the end
  std::size_t got = 0;
  while (true) {
    if (got == bytes.size()) bytes.resize(2 * got);
    const ssize_t n = ::read(file.fd, bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("read", path, errno);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Unique among processes and threads, so that two writers of one path never share a temporary file.
std::string temporary_name(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return text(path, ".tmp", ::getpid(), ".", counter.fetch_add(1));
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::string& path) {
  return read_all<std::vector<std::uint8_t>>(path);
}

std::string read_text(const std::string& path) {
  return read_all<std::string>(path);
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(temporary_name(path_)) {
  struct stat info {};
  if (::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    fail<IoError>("cannot write '", path_, "': it is there and no regular file");
  }
  // A name may be left from a killed process of the same number.
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  while ((fd_ = ::open(temporary_.c_str(), flags, 0666)) < 0 && errno == EEXIST) {
    temporary_ = temporary_name(path_);
  }
  if (fd_ < 0) fail_io("create", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t n) {
  write_all(fd_, bytes, n, path_);
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) fail_io("write", path_, errno);
  const int closed = ::close(fd_);
  const int error = errno;
  fd_ = -1;
  try {
    if (closed != 0) fail_io("write", path_, error);
    rename_durably(temporary_, path_);
  } catch (...) {
    ::unlink(temporary_.c_str());
    throw;
  }
}

void write_file_atomic(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

bool file_exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

void write_all(int fd, const void* bytes, std::size_t n, const std::string& path) {
  const char* at = static_cast<const char*>(bytes);
  while (n > 0) {
    const ssize_t done = ::write(fd, at, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_io("write", path, errno);
    at += done;
    n -= static_cast<std::size_t>(done);
  }
}

void rename_durably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_io("write", to, errno);
  const Descriptor folder{::open(folder_of(to).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);
}

}  // namespace taxon

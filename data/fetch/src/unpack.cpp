#include "unpack.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/interrupted.h>
#include <taxon/base/text.h>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

#include "library.h"

namespace taxon::fetch {
namespace {

struct Archive {
  decltype(&archive_read_new) read_new;
  decltype(&archive_read_free) read_free;
  decltype(&archive_read_support_format_zip) support_zip;
  decltype(&archive_read_open_filename) open;
  decltype(&archive_read_next_header) next;
  decltype(&archive_entry_pathname) name;
  decltype(&archive_read_data) read;
  decltype(&archive_error_string) error;

  Archive() {
    const SharedLibrary library("libarchive (Debian: libarchive13)", "unpacking a download",
                                {"libarchive.so.13", "libarchive.so"});
    library.bind(read_new, "archive_read_new");
    library.bind(read_free, "archive_read_free");
    library.bind(support_zip, "archive_read_support_format_zip");
    library.bind(open, "archive_read_open_filename");
    library.bind(next, "archive_read_next_header");
    library.bind(name, "archive_entry_pathname");
    library.bind(read, "archive_read_data");
    library.bind(error, "archive_error_string");
  }
};

const Archive& archives() {
  static const Archive loaded;
  return loaded;
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path), handle_(archives().read_new(), archives().read_free) {
    if (!handle_) fail<IoError>(path, ": libarchive cannot start");
    check(archives().support_zip(handle_.get()));
    check(archives().open(handle_.get(), path.c_str(), std::size_t{1} << 18));
  }

  /// The last name of the next file in the archive; "" at the end.
  std::string next() {
    archive_entry* entry = nullptr;
    const int code = archives().next(handle_.get(), &entry);
    if (code == ARCHIVE_EOF) return "";
    check(code);
    const char* name = archives().name(entry);
    const std::string full = name == nullptr ? "?" : name;
    return full.ends_with('/') ? full : full.substr(full.rfind('/') + 1);
  }

  std::size_t read(std::vector<char>& to) {
    const auto got = archives().read(handle_.get(), to.data(), to.size());
    if (got < 0) check(ARCHIVE_FATAL);
    return static_cast<std::size_t>(got);
  }

 private:
  void check(int code) const {
    if (code == ARCHIVE_OK) return;
    const char* reason = archives().error(handle_.get());
    fail<FormatError>(path_, ": cannot be unpacked: ", reason == nullptr ? "damaged" : reason);
  }

  std::string path_;
  std::unique_ptr<archive, decltype(&archive_read_free)> handle_;
};

}  // namespace

void need_archive_library() {
  archives();
}

void unpack(const std::string& archive, const std::vector<std::string>& members,
            const std::string& folder, const std::atomic<bool>* interrupt) {
  Reader reader(archive);
  std::vector<std::string> missing = members;
  std::vector<char> block(std::size_t{1} << 18);
  for (std::string name = reader.next(); !name.empty() && !missing.empty(); name = reader.next()) {
    const auto wanted = std::find(missing.begin(), missing.end(), name);
    if (wanted == missing.end()) continue;
    AtomicFile file(text(folder, '/', name));
    while (const std::size_t n = reader.read(block)) {
      if (interrupt != nullptr && interrupt->load()) {
        fail<Interrupted>("interrupted while unpacking ", archive);
      }
      file.write(block.data(), n);
    }
    file.commit();
    missing.erase(wanted);
  }
  if (!missing.empty()) fail<FormatError>(archive, ": holds no ", join(missing, ", no "));
}

}  // namespace taxon::fetch

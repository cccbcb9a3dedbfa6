// Which file comes from where, and whether it is the right one.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/fetch/fetch.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "part.h"
#include "sha256.h"
#include "transfer.h"
#include "unpack.h"

namespace taxon {
namespace {

namespace fs = std::filesystem;
using fetch::FolderLock;
using fetch::PartFile;
using fetch::Transfer;

constexpr const char* sums_name = "SHA256SUMS";

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

/// The work on one folder.
class Job {
 public:
  Job(const Publication& publication, const std::string& folder, const FetchOptions& options,
      const FetchCallbacks& callbacks)
      : publication_(publication), folder_(folder), options_(options), callbacks_(callbacks) {}

  void run() {
    const FolderLock lock(folder_, options_.interrupt, [this] {
      note(text(folder_, ": another process is fetching into this folder; waiting for it"));
    });
    for (const PublishedFile& file : publication_.files) {
      if (file.members.empty()) {
        get(file);
      } else {
        get_members(file);
      }
    }
  }

 private:
  void note(const std::string& what) const {
    if (callbacks_.on_note) callbacks_.on_note(what);
  }

  std::string path(const std::string& name) const { return text(folder_, '/', name); }

  bool is_right(const std::string& path, const PublishedFile& file) const {
    return size_of(path) == file.bytes &&
           fetch::sha256_of_file(path, options_.interrupt) == lower(file.sha256);
  }

  void done(const PublishedFile& file, const std::string& from, std::uint64_t fetched,
            double began) const {
    if (callbacks_.on_file) {
      callbacks_.on_file({file.name, file.bytes, from, fetched, now() - began});
    }
  }

  void get(const PublishedFile& file) {
    const double began = now();
    if (file_exists(path(file.name))) {
      if (is_right(path(file.name), file)) return done(file, "", 0, began);
      note(text(path(file.name), ": is not the file that was published; fetching it anew"));
    }
    download(file);
  }

  // Files out of an archive are checked against the sums that were taken when they were unpacked.
  void get_members(const PublishedFile& file) {
    const double began = now();
    if (members_are_right(file)) {
      ::unlink(path(file.name).c_str());
      return done(file, "", 0, began);
    }
    fetch::need_archive_library();
    get(file);
    note(text("unpacking ", path(file.name)));
    fetch::unpack(path(file.name), file.members, folder_, options_.interrupt);
    write_file_atomic(path(sums_name), sums(file));
    ::unlink(path(file.name).c_str());
  }

  bool members_are_right(const PublishedFile& file) const {
    const bool all = std::all_of(file.members.begin(), file.members.end(),
                                 [&](const std::string& m) { return file_exists(path(m)); });
    return all && file_exists(path(sums_name)) && read_text(path(sums_name)) == sums(file);
  }

  /// As sha256sum(1) writes them.
  std::string sums(const PublishedFile& file) const {
    std::string lines;
    for (const std::string& m : file.members) {
      lines += text(fetch::sha256_of_file(path(m), options_.interrupt), "  ", m, "\n");
    }
    return lines;
  }

  std::vector<std::string> urls(const PublishedFile& file) const {
    std::vector<std::string> all;
    for (const auto* mirrors : {&options_.mirrors, &publication_.mirrors}) {
      for (const std::string& mirror : *mirrors) {
        all.push_back(text(mirror, mirror.ends_with('/') ? "" : "/", file.name));
      }
    }
    return all;
  }

  void download(const PublishedFile& file) {
    fetch::need_network_library();
    const double began = now();
    PartFile part(path(file.name));
    bool other_file = false;
    std::string failures;
    for (const std::string& url : urls(file)) {
      came_ = 0;
      const Transfer t = from(url, file, part);
      if (t.end == Transfer::End::complete) {
        part.finish();
        return done(file, came_ > 0 ? url : "", came_, began);
      }
      other_file = other_file || t.end == Transfer::End::other_file;
      failures += text("\n  ", url, ": ", t.reason);
      note(text(url, ": ", t.reason));
    }
    const std::string kept = part.size() > 0 ? text("\nwhat came is kept in ", part.part_path(),
                                                    "; the same command goes on from there")
                                             : "";
    if (part.size() == 0) part.discard();
    const std::string what = text(file.name, ": no mirror gave the file:", failures, kept);
    if (other_file) fail<FormatError>(what);
    fail<IoError>(what);
  }

  // The whole file from one mirror, checked. Pieces of several answers may be of different files:
  // then this mirror gets one more chance, from the start.
  Transfer from(const std::string& url, const PublishedFile& file, PartFile& part) {
    if (part.size() > file.bytes) part.restart();
    for (int chances = 2;;) {
      const Transfer t = complete(url, file, part);
      if (t.end != Transfer::End::complete) return t;
      const std::string sum = fetch::sha256_of_file(part.part_path(), options_.interrupt);
      if (sum == lower(file.sha256)) return t;
      if (part.in_one_piece()) chances = 0;
      part.restart();
      const std::string reason = text("SHA-256 is ", sum, ", expected ", file.sha256);
      if (--chances <= 0) return {Transfer::End::other_file, reason};
      note(text(url, ": ", reason, "; starting again"));
    }
  }

  // Until the part has its full size, through cut connections.
  Transfer complete(const std::string& url, const PublishedFile& file, PartFile& part) {
    std::uint64_t most = part.size();
    bool answered = false;
    for (int idle = 0;;) {
      const std::uint64_t before = part.size();
      const Transfer t = once(url, file, part);
      came_ += part.size() > before ? part.size() - before : part.size();
      answered = answered || t.end == Transfer::End::cut;
      const bool again =
          t.end == Transfer::End::cut || (t.end == Transfer::End::unreachable && answered);
      if (!again) return t;
      idle = part.size() > most ? 0 : idle + 1;
      most = std::max(most, part.size());
      if (idle >= options_.tries) return t;
      note(text(url, ": ", t.reason, "; trying again"));
      fetch::nap(options_.pause_seconds * std::ldexp(1.0, idle), options_.interrupt);
    }
  }

  Transfer once(const std::string& url, const PublishedFile& file, PartFile& part) const {
    if (part.size() == file.bytes) return {};
    const double began = now();
    const std::uint64_t at = part.size();
    return fetch::transfer(url, part, file.bytes, options_, [&](std::uint64_t size) {
      if (!callbacks_.on_progress) return;
      const double seconds = std::max(now() - began, 1e-3);
      const std::uint64_t came = size > at ? size - at : size;
      callbacks_.on_progress({file.name, size, file.bytes, static_cast<double>(came) / seconds});
    });
  }

  const Publication& publication_;
  const std::string& folder_;
  const FetchOptions& options_;
  const FetchCallbacks& callbacks_;
  std::uint64_t came_ = 0;  // over the network, from the mirror at hand
};

}  // namespace

void fetch_files(const Publication& publication, const std::string& folder,
                 const FetchOptions& options, const FetchCallbacks& callbacks) {
  Job(publication, folder, options, callbacks).run();
}

}  // namespace taxon

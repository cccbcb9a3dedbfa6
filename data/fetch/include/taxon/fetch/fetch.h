// Getting data sets: their publishers' files, downloaded, checked and put where the loaders look.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/base/interrupted.h>
#include <taxon/data/publication.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace taxon {

struct FetchOptions {
  std::vector<std::string> mirrors;  ///< tried before the publication's own
  double connect_seconds = 20;       ///< for a connection to stand
  double stall_seconds = 30;         ///< below 1 kB/s for so long: cut and tried again
  double pause_seconds = 1;          ///< before a mirror is tried again; doubles each time
  int tries = 4;                     ///< at one mirror, without a new byte
  const std::atomic<bool>* interrupt = nullptr;  ///< when true, Interrupted is thrown
};

struct FetchProgress {
  std::string file;
  std::uint64_t bytes = 0, total = 0;  ///< of the file: there, in all
  double bytes_per_s = 0;
};

/// A file that is there, complete and checked.
struct FetchedFile {
  std::string file;
  std::uint64_t bytes = 0;
  std::string from;           ///< the URL it came from; "" if it was there already
  std::uint64_t fetched = 0;  ///< what came now: less than `bytes` if a download was resumed
  double seconds = 0;
};

struct FetchCallbacks {
  Callback<void(const FetchProgress&)> on_progress;
  Callback<void(const FetchedFile&)> on_file;
  Callback<void(const std::string&)> on_note;  ///< a mirror that failed, a file that is damaged
};

/// Makes sure that `folder` holds the files of `publication`. Files that are there are checked
/// (size and SHA-256), what is missing or damaged is downloaded: into NAME.part, which is checked,
/// flushed to the disk and then renamed, so that no one finds half a file under its name. A
/// download that was cut is resumed where it ended, by this call or by a later one. One process at
/// a time works on a folder; others wait. Throws IoError (no mirror works, disk full, a library is
/// absent), FormatError (the mirrors hold other files than the published ones), Interrupted, and
/// OptionError if this build has no downloads.
void fetch_files(const Publication& publication, const std::string& folder,
                 const FetchOptions& options = {}, const FetchCallbacks& callbacks = {});

/// Gets the data set known as `name` into a folder of that name in data_home(data_dir), unless it
/// lies elsewhere already (in the folders searched; with `data_dir`, in that folder). Returns where
/// it is. Throws OptionError for a name that is not known.
std::string fetch_dataset(const std::string& name, const std::string& data_dir,
                          const FetchOptions& options = {}, const FetchCallbacks& callbacks = {});

}  // namespace taxon

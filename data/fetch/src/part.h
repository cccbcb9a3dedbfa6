// What a download leaves on the disk on its way: PATH.part, and the lock that keeps two processes
// from writing it at once.
#pragma once

#include <taxon/base/callback.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace taxon::fetch {

/// The beginning of a file that is being downloaded. Beside it lies PATH.part.from: where it comes
/// from, and the server's mark of that version (ETag or date), so that a later process can ask for
/// the rest of the same version.
class PartFile {
 public:
  explicit PartFile(std::string path);  ///< opens what is there, or an empty one; throws IoError
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::string& part_path() const { return part_; }
  std::uint64_t size() const { return size_; }
  /// Whether it comes from one answer of this process's, so that its bytes belong together.
  bool in_one_piece() const { return one_piece_; }
  /// The server's mark of the version that the part begins, if it came from `url`; else "".
  std::string version(const std::string& url) const;

  /// Empties the part: what comes next is from `url` (in this version).
  void restart(const std::string& url = "", const std::string& version = "");
  void join() { one_piece_ = false; }             ///< what comes next is from another answer
  void append(const void* bytes, std::size_t n);  ///< throws IoError; the part stays
  void finish();                                  ///< flushed to the disk, and renamed to the path
  void discard();                                 ///< removed
 private:
  void close();
  std::string path_, part_, from_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  bool one_piece_ = true;
};

/// Held while this process works on a folder (made if it is not there). Ends with the process,
/// however that ends.
class FolderLock {
 public:
  /// Waits for another process; calls `waiting` once if it must. Throws IoError, Interrupted.
  FolderLock(const std::string& folder, const std::atomic<bool>* interrupt,
             const Callback<void()>& waiting);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

/// Sleeps, in short naps. Throws Interrupted when `interrupt` becomes true.
void nap(double seconds, const std::atomic<bool>* interrupt);

}  // namespace taxon::fetch

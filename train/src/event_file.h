// TensorBoard's event files: records of protocol buffers (TensorFlow's event.proto and
// summary.proto), each framed by its length and checksums (TFRecord).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace taxon {

using Scalars = std::vector<std::pair<std::string, double>>;

/// The first record of a file.
std::string event_file_begin(double wall_time);
/// A record of named values at a step. wall_time: seconds since 1970.
std::string event_record(double wall_time, std::int64_t step, const Scalars& scalars);

/// The Castagnoli CRC (RFC 3720, appendix B.4).
std::uint32_t crc32c(const std::string& bytes);

/// A file in a run's folder that grows with each epoch; TensorBoard joins those of one folder.
class EventFile {
 public:
  /// A fresh events.out.tfevents.<seconds>.taxon[.N]. Throws IoError.
  explicit EventFile(const std::string& folder);
  /// Throws IoError.
  void add(std::int64_t step, const Scalars& scalars) const;

 private:
  void append(const std::string& record) const;
  std::string path_;
};

}  // namespace taxon

// How a data set is published: the files, where they are, and on what terms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace taxon {

/// A file as its publisher ships it.
struct PublishedFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;  ///< 64 hexadecimal digits
  /// What is taken out of it if it is a zip archive (names without folders); the archive is then
  /// deleted. None: the file is read as it is.
  std::vector<std::string> members = {};
};

struct Publication {
  std::vector<PublishedFile> files;
  /// A file is fetched from mirror + name; the first mirror that works serves.
  std::vector<std::string> mirrors;
  std::string licence;   ///< as its publisher states it
  std::string citation;  ///< what to cite

  /// The size of the download.
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const PublishedFile& file : files) {
      sum += file.bytes;
    }
    return sum;
  }
};

}  // namespace taxon

// What a report's page reads: one JSON object, and arrays of numbers as little-endian bytes.
#pragma once

#include "pictures.h"
#include "record.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace taxon::report {

struct Payload {
  Json json;
  std::vector<std::pair<std::string, std::string>> blobs;  ///< name, bytes

  template <class T>
  void add(const std::string& name, const std::vector<T>& values) {
    blobs.emplace_back(
        name, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }
  std::size_t bytes() const;  ///< as the page holds it, blobs in base64
};

/// A second run on the same samples.
struct Comparison {
  Record record;
  std::vector<std::int64_t> match;    ///< [n of the first]: row of the second, -1 for none
  std::vector<std::int64_t> classes;  ///< of the second's classes, the first's index; -1 for none
};
/// Matches the samples by id. Throws OptionError where tasks differ or no sample is in both.
Comparison compare(const Record& first, Record second, std::vector<std::string>& notes);

/// Everything but the pictures. `samples`: those shown; `thinned`: the note about the others.
Payload make_payload(const Record& record, const Comparison* other,
                     std::span<const std::int64_t> samples, const std::string& thinned);
void add_pictures(const Sprites& sprites, Payload& payload);

}  // namespace taxon::report

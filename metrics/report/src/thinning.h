// Which samples a report shows one by one, where there are too many for all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taxon::report {

struct Thinned {
  std::vector<std::int64_t> samples;  ///< ascending
  std::string note;                   ///< what was kept, "" where all are
};

/// At most `most` samples: mistakes have up to half of the places (more where the right ones do not
/// fill theirs), each group drawn evenly by a fixed seed. interesting [n]: 1 for a mistake; `what`
/// names these.
Thinned thin(std::span<const std::uint8_t> interesting, std::int64_t most, const std::string& what);

}  // namespace taxon::report

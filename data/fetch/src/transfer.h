// One request for the rest of a file.
#pragma once

#include <taxon/fetch/fetch.h>

#include <cstdint>
#include <string>

#include "part.h"

namespace taxon::fetch {

struct Transfer {
  enum class End : std::uint8_t {
    complete,     ///< the part has the expected size
    cut,          ///< the server answered and the file did not come to its end: worth another try
    unreachable,  ///< no answer
    refused,      ///< not there, or not allowed
    other_file,   ///< what is there is not the expected file
  };
  End end = End::complete;
  std::string reason;  ///< of all but `complete`
};

/// Throws IoError, telling what must be installed, if downloads cannot work here.
void need_network_library();

/// Asks `url` for what `part` lacks of `total` bytes, and appends it. A server that sends the file
/// from its start (it knows no ranges, or the file changed) makes the part start again. Throws
/// IoError (the disk) and Interrupted; then the part stays as far as it came.
Transfer transfer(const std::string& url, PartFile& part, std::uint64_t total,
                  const FetchOptions& options, const Callback<void(std::uint64_t size)>& progress);

}  // namespace taxon::fetch

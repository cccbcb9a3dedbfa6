// Taking files out of a zip archive, by libarchive.
#pragma once

#include <atomic>
#include <string>
#include <vector>

namespace taxon::fetch {

/// Throws IoError, telling what must be installed, if archives cannot be read here.
void need_archive_library();

/// Writes the archive's files of these names (whatever folders they lie in there) into `folder`,
/// each completely or not at all. Throws FormatError for a damaged archive or one that lacks a
/// file.
void unpack(const std::string& archive, const std::vector<std::string>& members,
            const std::string& folder, const std::atomic<bool>* interrupt);

}  // namespace taxon::fetch

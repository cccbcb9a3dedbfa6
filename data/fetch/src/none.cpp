// In place of fetch.cpp in a build without downloads (-DTAXON_DOWNLOADS=OFF).
#include <taxon/base/error.h>
#include <taxon/fetch/fetch.h>

namespace taxon {

void fetch_files(const Publication& publication, const std::string& folder, const FetchOptions&,
                 const FetchCallbacks&) {
  std::string by_hand;
  for (const PublishedFile& file : publication.files) {
    by_hand += text("\n  ", publication.mirrors.front(), file.name);
    if (!file.members.empty()) by_hand += " (unpacked)";
  }
  fail<OptionError>("this build of taxon has no downloads; put these files into ", folder, ":",
                    by_hand);
}

}  // namespace taxon

// The findings as text, as JSON, and as a folder with a page, contact sheets and lists.
#pragma once

#include <taxon/check/check.h>

#include <string>
#include <vector>

namespace taxon::check {

/// For a terminal: a summary, then each finding with its first `names` samples (all of them: -1).
/// Control characters of names are shown as \xNN.
std::string to_text(const Findings& findings, std::int64_t names = 5);

/// One object, keys as docs/data-check.md tells; names that are not UTF-8 get U+FFFD for what is
/// not.
std::string to_json(const Findings& findings, int indent = 2);

struct Written {
  std::string folder;
  std::vector<std::string> files;  ///< names in the folder
};
/// Writes check.html, check.json, the lists *.csv, and the contact sheets near.png, leaks.png and
/// labels.png where there is something to show. Makes the folder; files of an earlier check are
/// replaced or removed. Throws IoError.
Written write_folder(const Findings& findings, const std::string& folder);

/// check.html: one file without scripts that shows the first `most` of each finding.
std::string to_html(const Findings& findings, std::size_t most = 60);

}  // namespace taxon::check

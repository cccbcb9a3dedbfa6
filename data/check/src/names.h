// How the findings' samples are called in text.
#pragma once

#include <taxon/check/check.h>

#include <string>

namespace taxon::check {

/// "test/17", or "val: photos/cat/3.jpg" where the id does not begin with the split.
std::string name_of(const Samples& samples, std::int64_t n);
/// "cat -> dog"; several labels: "+cat" (missing), "-cat" (not there).
std::string change_of(const Samples& samples, const SuspiciousLabel& s);

/// How labels were judged, or why not: "of 500 judged, by ...".
std::string judged(const LabelFindings& labels);

}  // namespace taxon::check

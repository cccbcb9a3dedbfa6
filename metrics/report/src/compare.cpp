// Two runs on the same samples.
#include <taxon/base/error.h>
#include <taxon/metrics/pairing.h>

#include "payload.h"

namespace taxon::report {

Comparison compare(const Record& first, Record second, std::vector<std::string>& notes) {
  Comparison out;
  out.record = std::move(second);
  const Predictions &a = first.predictions, &b = out.record.predictions;
  if (a.multi_label != b.multi_label) {
    const auto kind = [](const Predictions& p) { return p.multi_label ? "multi" : "single"; };
    fail<OptionError>(first.folder, " is ", kind(a), "-label and ", out.record.folder, " is ",
                      kind(b), "-label: the two cannot be compared");
  }
  out.classes = places_of(b.classes, a.classes);
  const SameTruth same(a, b);
  const std::vector<std::size_t> rows = matching_rows(a, b);
  std::int64_t matched = 0, differ = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool found = rows[i] != kNoRow, alike = found && same(i, rows[i]);
    differ += found && !alike ? 1 : 0;
    matched += alike ? 1 : 0;
    out.match.push_back(alike ? static_cast<std::int64_t>(rows[i]) : -1);
  }
  if (matched == 0) {
    fail<OptionError>(first.folder, " and ", out.record.folder, " have no sample in common",
                      differ > 0 ? " that is labelled alike" : "", ": ids such as '", a.id.front(),
                      "' and '", b.id.front(), "'");
  }
  if (differ > 0) {
    notes.push_back(text(differ, " samples are labelled otherwise in ", out.record.folder,
                         " and are not compared"));
  }
  const std::int64_t missing = a.samples() - matched - differ;
  if (missing > 0) notes.push_back(text(missing, " samples are not in ", out.record.folder));
  return out;
}

}  // namespace taxon::report

// Two runs on the same samples.
#include <taxon/base/error.h>

#include "payload.h"

#include <algorithm>
#include <unordered_map>

namespace taxon::report {
namespace {

// Whether both files give sample i (row j of the second) the same labels.
bool same_truth(const Predictions& a, const Predictions& b, const Comparison& c, std::size_t i,
                std::size_t j) {
  if (!a.multi_label) return a.truth[i] == c.classes[static_cast<std::size_t>(b.truth[j])];
  const std::size_t width = b.classes.size();
  std::size_t here = 0, there = 0;
  for (std::size_t k = 0; k < width; ++k) {
    if (b.truth_labels[j * width + k] == 0) continue;
    ++there;
    if (c.classes[k] < 0) return false;
    here += a.truth_labels[i * a.classes.size() + static_cast<std::size_t>(c.classes[k])];
  }
  const auto row = a.truth_labels.begin() + static_cast<long>(i * a.classes.size());
  return here == there &&
         std::count(row, row + static_cast<long>(a.classes.size()), 1) == static_cast<long>(there);
}

}  // namespace

Comparison compare(const Record& first, Record second, std::vector<std::string>& notes) {
  Comparison out;
  out.record = std::move(second);
  const Predictions &a = first.predictions, &b = out.record.predictions;
  if (a.multi_label != b.multi_label) {
    const auto kind = [](const Predictions& p) { return p.multi_label ? "multi" : "single"; };
    fail<OptionError>(first.folder, " is ", kind(a), "-label and ", out.record.folder, " is ",
                      kind(b), "-label: the two cannot be compared");
  }
  for (const std::string& name : b.classes) {
    const auto found = std::find(a.classes.begin(), a.classes.end(), name);
    out.classes.push_back(found == a.classes.end() ? -1 : found - a.classes.begin());
  }
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t j = 0; j < b.id.size(); ++j) row_of.emplace(b.id[j], j);
  std::int64_t matched = 0, differ = 0;
  for (std::size_t i = 0; i < a.id.size(); ++i) {
    const auto found = row_of.find(a.id[i]);
    const bool same = found != row_of.end() && same_truth(a, b, out, i, found->second);
    if (found != row_of.end() && !same) ++differ;
    out.match.push_back(same ? static_cast<std::int64_t>(found->second) : -1);
    matched += same ? 1 : 0;
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

// Predictions of two classifiers about the same samples.
#include <taxon/base/error.h>
#include <taxon/metrics/pairing.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace taxon {

std::vector<std::size_t> matching_rows(const Predictions& first, const Predictions& second) {
  const auto n = static_cast<std::size_t>(first.samples());
  std::vector<std::size_t> rows(n, kNoRow);
  if (first.id.empty() || second.id.empty()) {
    if (first.samples() != second.samples())
      fail<OptionError>("the files have ", first.samples(), " and ", second.samples(),
                        " predictions and no ids, so that it is not known which belong together");
    for (std::size_t i = 0; i < n; ++i) rows[i] = i;
    return rows;
  }
  struct Same {
    std::size_t next = kNoRow, last = kNoRow;  // rows of one id: the next to be given, the last
  };
  std::unordered_map<std::string_view, Same> of;
  std::vector<std::size_t> after(second.id.size(), kNoRow);  // the next row of the same id
  for (std::size_t j = 0; j < second.id.size(); ++j) {
    Same& same = of[second.id[j]];
    (same.last == kNoRow ? same.next : after[same.last]) = j;
    same.last = j;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto found = of.find(first.id[i]);
    if (found == of.end() || found->second.next == kNoRow) continue;
    rows[i] = found->second.next;
    found->second.next = after[rows[i]];
  }
  return rows;
}

std::vector<std::int64_t> places_of(std::span<const std::string> names,
                                    std::span<const std::string> classes) {
  std::unordered_map<std::string_view, std::int64_t> place;
  for (std::size_t k = 0; k < classes.size(); ++k)
    place.emplace(classes[k], static_cast<std::int64_t>(k));
  std::vector<std::int64_t> out;
  for (const std::string& name : names) {
    const auto found = place.find(name);
    out.push_back(found == place.end() ? -1 : found->second);
  }
  return out;
}

SameTruth::SameTruth(const Predictions& first, const Predictions& second)
    : first_(first), second_(second), place_(places_of(second.classes, first.classes)) {}

bool SameTruth::operator()(std::size_t i, std::size_t j) const {
  const auto place = [&](std::size_t k) { return place_[k]; };
  if (!first_.multi_label)
    return first_.truth[i] == place(static_cast<std::size_t>(second_.truth[j]));
  const std::size_t here = first_.classes.size(), there = second_.classes.size();
  const auto row = first_.truth_labels.begin() + static_cast<std::ptrdiff_t>(i * here);
  auto left = std::count_if(row, row + static_cast<std::ptrdiff_t>(here),
                            [](std::uint8_t on) { return on != 0; });
  for (std::size_t k = 0; k < there; ++k) {
    if (second_.truth_labels[j * there + k] == 0) continue;
    if (place(k) < 0 || row[place(k)] == 0) return false;
    --left;
  }
  return left == 0;
}

PredictionPair paired(const Predictions& first, const Predictions& second) {
  if (first.multi_label != second.multi_label)
    fail<OptionError>("one file holds one label a sample, the other several");
  Predictions a = first, b = second;
  complete(a);
  complete(b);
  const SameTruth same(a, b);
  const std::vector<std::uint8_t> a_right = correct(a), b_right = correct(b);
  const std::vector<std::size_t> rows = matching_rows(a, b);
  PredictionPair out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == kNoRow) continue;
    if (!same(i, rows[i]))
      fail<OptionError>("sample ", a.id.empty() ? std::to_string(i + 1) : "'" + a.id[i] + "'",
                        " is labelled otherwise in the other file");
    out.first.push_back(a_right[i]);
    out.second.push_back(b_right[rows[i]]);
  }
  if (out.first.empty()) fail<OptionError>("the files have no sample in common");
  return out;
}

}  // namespace taxon

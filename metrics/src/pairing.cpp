// Predictions of two classifiers about the same samples.
#include <taxon/base/error.h>
#include <taxon/metrics/pairing.h>

#include <set>
#include <string_view>
#include <unordered_map>

namespace taxon {
namespace {

using Names = std::set<std::string>;

Names names(const Predictions& p, std::size_t i, bool truth) {
  if (!p.multi_label)
    return {p.classes[static_cast<std::size_t>(truth ? p.truth[i] : p.predicted[i])]};
  const auto& on = truth ? p.truth_labels : p.predicted_labels;
  Names out;
  for (std::size_t k = 0; k < p.classes.size(); ++k)
    if (on[i * p.classes.size() + k] != 0) out.insert(p.classes[k]);
  return out;
}

constexpr auto nowhere = static_cast<std::size_t>(-1);

// The row of each sample of `first` in `second`.
std::vector<std::size_t> rows_of(const Predictions& first, const Predictions& second) {
  const auto n = static_cast<std::size_t>(first.samples());
  std::vector<std::size_t> rows(n, nowhere);
  if (first.id.empty() || second.id.empty()) {
    if (first.samples() != second.samples())
      fail<OptionError>("the files have ", first.samples(), " and ", second.samples(),
                        " predictions and no ids, so that it is not known which belong together");
    for (std::size_t i = 0; i < n; ++i) rows[i] = i;
    return rows;
  }
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t j = 0; j < second.id.size(); ++j) row_of.emplace(second.id[j], j);
  for (std::size_t i = 0; i < n; ++i) {
    const auto found = row_of.find(first.id[i]);
    if (found != row_of.end()) rows[i] = found->second;
  }
  return rows;
}

}  // namespace

PredictionPair paired(const Predictions& first, const Predictions& second) {
  if (first.multi_label != second.multi_label)
    fail<OptionError>("one file holds one label a sample, the other several");
  Predictions a = first, b = second;
  complete(a);
  complete(b);
  const std::vector<std::size_t> rows = rows_of(a, b);
  PredictionPair out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == nowhere) continue;
    const Names truth = names(a, i, true);
    if (truth != names(b, rows[i], true))
      fail<OptionError>("sample ", a.id.empty() ? std::to_string(i + 1) : "'" + a.id[i] + "'",
                        " is labelled otherwise in the other file");
    out.first.push_back(names(a, i, false) == truth ? 1 : 0);
    out.second.push_back(names(b, rows[i], false) == truth ? 1 : 0);
  }
  if (out.first.empty()) fail<OptionError>("the files have no sample in common");
  return out;
}

}  // namespace taxon

// Seeded, stratified division of a data set, and a look at its files.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/random.h>

#include <algorithm>
#include <cmath>

#include "readers.h"

namespace taxon {
namespace {

std::int64_t share(std::int64_t n, double fraction) {
  return std::llround(static_cast<double>(n) * fraction);
}

// Deals one group (a class, or all samples) out.
void deal(const std::vector<std::int64_t>& members, double second, double third, std::uint64_t seed,
          std::uint64_t stream, Division& out) {
  const auto n = static_cast<std::int64_t>(members.size());
  std::int64_t in_second = share(n, second), in_third = share(n, third);
  // Small classes still show up everywhere, as far as they reach; train comes first.
  in_second = second > 0 && in_second == 0 && n >= 3 ? 1 : in_second;
  in_third = third > 0 && in_third == 0 && n >= 3 ? 1 : in_third;
  while (in_second + in_third >= n && in_second + in_third > 0) {
    (in_second > in_third ? in_second : in_third) -= 1;
  }
  const auto order = permutation(n, seed, stream);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t sample =
        members[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])];
    (i < in_second              ? out.second
     : i < in_second + in_third ? out.third
                                : out.first)
        .push_back(sample);
  }
}

std::int64_t median(std::vector<std::int64_t> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

}  // namespace

Division divide(const Dataset& data, double second, double third, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> groups(1);
  if (data.task() == Task::single) {
    groups.resize(static_cast<std::size_t>(data.classes()));
  }
  for (std::int64_t i = 0; i < data.size(); ++i) {
    groups[data.task() == Task::single ? static_cast<std::size_t>(data.label(i)) : 0].push_back(i);
  }
  Division out;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    deal(groups[g], second, third, mix(seed, 0x5b117), g, out);
  }
  for (auto* part : {&out.first, &out.second, &out.third}) {
    std::sort(part->begin(), part->end());
  }
  return out;
}

void divide_all(Splits& splits, const DatasetPtr& all, const DataOptions& options) {
  const Division d = divide(*all, options.val_fraction.value_or(0.1), 0.1, options.seed);
  splits.divided = true;
  splits.train = subset(all, d.first);
  splits.val = d.second.empty() ? nullptr : subset(all, d.second);
  splits.test = d.third.empty() ? nullptr : subset(all, d.third);
}

DataFacts look_at_files(const Dataset& data, std::uint64_t seed) {
  constexpr std::int64_t looks = 32;
  const auto order = permutation(data.size(), mix(seed, 0x100c), 0);
  std::vector<std::int64_t> heights, widths;
  DataFacts facts;
  facts.channels = 1;
  for (std::int64_t k = 0; k < std::min(looks, data.size()); ++k) {
    const std::string path = data.path(order[static_cast<std::size_t>(k)]);
    try {
      const ImageInfo info = image_info(read_file(path), path);
      heights.push_back(info.height);
      widths.push_back(info.width);
      facts.channels = std::max(facts.channels, info.channels);
    } catch (const Error&) {
      // A damaged file is reported when it is used; here the others speak for it.
    }
  }
  if (heights.empty()) {
    facts.channels = 3;
    facts.height = facts.width = 224;
  } else {
    facts.height = median(std::move(heights));
    facts.width = median(std::move(widths));
  }
  return facts;
}

}  // namespace taxon

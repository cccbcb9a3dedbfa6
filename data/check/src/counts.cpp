// Class balance, and the images' sizes and channels.
#include "findings.h"

#include <algorithm>
#include <set>

namespace taxon::check {
namespace {

constexpr std::int64_t tiny_side = 16, most_stretch = 4;

std::int64_t median(std::vector<std::int64_t> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void count_channels(const Look& look, Sizes& s) {
  (look.channels == 1 ? s.one_channel : look.grey ? s.grey : s.colour) += 1;
}

}  // namespace

Balance class_balance(const Samples& samples) {
  Balance b;
  b.total.assign(static_cast<std::size_t>(samples.classes()), 0);
  for (std::size_t split = 0; split < samples.splits().size(); ++split) {
    b.counts.push_back(samples.part(split).class_counts());
    for (std::size_t c = 0; c < b.total.size(); ++c) b.total[c] += b.counts.back()[c];
  }
  std::int64_t least = 0;
  for (std::size_t c = 0; c < b.total.size(); ++c) {
    if (b.total[c] > b.total[static_cast<std::size_t>(b.most)]) {
      b.most = static_cast<std::int64_t>(c);
    }
    if (b.total[c] > 0 && (least == 0 || b.total[c] < least)) {
      least = b.total[c];
      b.rarest = static_cast<std::int64_t>(c);
    }
  }
  if (least > 0) {
    b.ratio =
        static_cast<double>(b.total[static_cast<std::size_t>(b.most)]) / static_cast<double>(least);
  }
  return b;
}

std::vector<MissingClass> missing_classes(const Samples& samples, const Balance& balance) {
  std::vector<MissingClass> out;
  for (std::size_t split = 0; split < balance.counts.size(); ++split) {
    for (std::size_t c = 0; c < balance.total.size(); ++c) {
      if (balance.counts[split][c] == 0) {
        out.push_back({samples.splits()[split], static_cast<std::int64_t>(c)});
      }
    }
  }
  return out;
}

Sizes image_sizes(const Looks& looks) {
  Sizes s;
  std::vector<std::int64_t> heights, widths;
  std::set<std::pair<std::int64_t, std::int64_t>> different;
  for (std::size_t n = 0; n < looks.samples.size(); ++n) {
    const Look& look = looks.samples[n];
    if (!look.readable) continue;
    heights.push_back(look.height);
    widths.push_back(look.width);
    different.emplace(look.height, look.width);
    count_channels(look, s);
    if (look.constant) s.constant.push_back(static_cast<std::int64_t>(n));
    const std::int64_t longer = std::max(look.height, look.width);
    if (longer > most_stretch * std::min(look.height, look.width)) {
      s.stretched.push_back(static_cast<std::int64_t>(n));
    }
  }
  s.images = static_cast<std::int64_t>(heights.size());
  if (s.images == 0) return s;
  s.different = static_cast<std::int64_t>(different.size());
  s.least_height = *std::min_element(heights.begin(), heights.end());
  s.least_width = *std::min_element(widths.begin(), widths.end());
  s.most_height = *std::max_element(heights.begin(), heights.end());
  s.most_width = *std::max_element(widths.begin(), widths.end());
  s.median_height = median(std::move(heights));
  s.median_width = median(std::move(widths));
  for (std::size_t n = 0; n < looks.samples.size(); ++n) {
    const Look& look = looks.samples[n];
    const std::int64_t side = std::min(look.height, look.width);
    if (look.readable && side < tiny_side && side < std::min(s.median_height, s.median_width)) {
      s.tiny.push_back(static_cast<std::int64_t>(n));
    }
  }
  return s;
}

}  // namespace taxon::check

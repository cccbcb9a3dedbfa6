// Resampling with replacement.
#include "resampling.h"

#include <taxon/base/error.h>
#include <taxon/base/random.h>

#include <algorithm>
#include <cmath>

namespace taxon {

const Interval* Intervals::find(std::string_view name) const {
  for (const auto& [key, interval] : of)
    if (key == name) return &interval;
  return nullptr;
}

}  // namespace taxon

namespace taxon::scoring {

void draw(std::uint64_t seed, std::int64_t which, std::span<std::uint32_t> times) {
  constexpr std::uint64_t stream_of_bootstraps = 0x626f6f74;
  const std::uint64_t stream = mix(stream_of_bootstraps, static_cast<std::uint64_t>(which));
  const std::size_t n = times.size();
  // A product's high half is even over n up to n / 2^32, far below what resampling can tell.
  for (std::size_t i = 0; i < n;) {
    for (const std::uint32_t word : philox(seed, stream, i / 4)) {
      if (i++ < n) ++times[static_cast<std::size_t>(std::uint64_t{word} * n >> 32)];
    }
  }
}

Orders::Orders(std::span<const double> probability, const Truth& truth) : entries_(truth.classes) {
  const std::size_t n = truth.samples(), c = truth.classes;
  parallel_chunks(static_cast<std::int64_t>(c), [&](std::int64_t chunk) {
    const auto k = static_cast<std::size_t>(chunk);
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = probability[i * c + k];
    const std::vector<Scored> order = in_order(column);
    std::vector<Entry>& out = entries_[k];
    out.reserve(n);
    walk_ties(order, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint32_t sample = order[i].index;
        out.push_back({sample & 0x3FFFFFFFU, truth.has(sample, k) ? 1U : 0U, i + 1 == end});
      }
    });
  });
}

std::vector<Ranking> Orders::rankings(std::span<const std::uint32_t> times,
                                      std::span<const double> weight) const {
  std::vector<Ranking> out;
  for (const std::vector<Entry>& entries : entries_) out.push_back(ranking(entries, times, weight));
  return out;
}

Ranking Orders::ranking(const std::vector<Entry>& entries, std::span<const std::uint32_t> times,
                        std::span<const double> weight) {
  Areas areas;
  double of[2] = {0, 0};
  for (const Entry& e : entries) {
    const double w = times[e.sample];
    of[e.positive] += weight.empty() ? w : w * weight[e.sample];
    if (e.last == 0) continue;
    areas.step(of[1], of[0]);
    of[0] = of[1] = 0;
  }
  return areas.done();
}

Intervals percentiles(const std::vector<std::string>& names, std::vector<std::vector<double>> rows,
                      const BootstrapOptions& options) {
  Intervals out;
  out.level = options.level;
  out.resamples = options.resamples;
  std::vector<double> values(rows.size());
  // Between ranks, as numpy's default.
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(std::floor(at));
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
  };
  for (std::size_t f = 0; f < names.size(); ++f) {
    for (std::size_t r = 0; r < rows.size(); ++r) values[r] = rows[r][f];
    std::sort(values.begin(), values.end());
    const double tail = (1 - options.level) / 2;
    out.of.emplace_back(names[f], Interval{quantile(tail), quantile(1 - tail)});
  }
  return out;
}

void check_bootstrap(const BootstrapOptions& options, std::size_t samples) {
  if (options.resamples < 1)
    fail<OptionError>("bootstrap: ", options.resamples, " resamples, expected at least 1");
  if (!(options.level > 0 && options.level < 1))
    fail<OptionError>("bootstrap: the level is ", options.level, ", expected one between 0 and 1");
  constexpr std::size_t most = std::size_t{1} << 30;
  if (samples >= most)
    fail<OptionError>("bootstrap: ", samples, " samples, expected fewer than ", most);
}

}  // namespace taxon::scoring

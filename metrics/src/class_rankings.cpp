// ROC areas and average precisions of every class, and of all classes together.
#include <taxon/base/parallel.h>

#include "parts.h"
#include "score_walk.h"

#include <algorithm>
#include <array>
#include <memory>

namespace taxon::scoring {

std::vector<Scored> in_order(std::span<const double> score) {
  std::vector<Scored> order(score.size()), spare(score.size());
  for (std::size_t i = 0; i < score.size(); ++i)
    order[i] = {ordered_bits(score[i]), static_cast<std::uint32_t>(i)};
  const auto sorted = radix_sort(std::span<Scored>(order), std::span<Scored>(spare), 0, 64,
                                 [](const Scored& s) { return s.key; });
  return sorted.data() == order.data() ? std::move(order) : std::move(spare);
}

// Sorting stops at the bits that tell the neighbours of a float apart; sort_runs does the rest.
constexpr int kLowBits = kPackedBits - 3 * kDigitBits;

std::span<std::uint64_t> sorted(std::span<std::uint64_t> keys, std::span<std::uint64_t> spare,
                                int high) {
  const auto out = radix_sort(keys, spare, kLowBits, high, [](std::uint64_t key) { return key; });
  sort_runs(out, out.data() == keys.data() ? spare : keys, kLowBits);
  return out;
}

namespace {

std::span<std::uint64_t> scratch_of(std::size_t size) {
  return {static_cast<std::uint64_t*>(scratch(size * sizeof(std::uint64_t))), size};
}

// Columns that are copied out together: eight are one line of the cache, more save lookups of
// pages; few classes are shared out to the threads singly.
std::size_t columns_together(std::size_t samples, std::size_t classes) {
  constexpr std::size_t least = 8, most = 32, memory = std::size_t{4} << 20;
  if (classes < 64) return 1;
  return classes < 256 ? least : std::clamp(memory / samples, least, most);
}

// Of probabilities without weights.
class PackedRankings {
 public:
  PackedRankings(std::span<const double> probability, const Truth& truth)
      : probability_(probability), truth_(truth), n_(truth.samples()), c_(truth.classes) {}

  ClassRankings run() {
    ClassRankings out;
    out.classes.resize(c_);
    const std::size_t width = columns_together(n_, c_);
    parallel_chunks(static_cast<std::int64_t>((c_ + width - 1) / width), [&](std::int64_t chunk) {
      const std::size_t first = static_cast<std::size_t>(chunk) * width;
      columns(first, std::min(first + width, c_), out.classes);
    });
    out.micro = everything();
    return out;
  }

 private:
  std::uint64_t key(std::size_t i, std::size_t k) const {
    return packed(probability_[i * c_ + k], truth_.has(i, k));
  }

  void columns(std::size_t first, std::size_t last, std::vector<Ranking>& out) const {
    const auto keys = scratch_of(n_ * (last - first + 1)), spare = keys.first(n_);
    const auto column = [&](std::size_t k) { return keys.subspan((k - first + 1) * n_, n_); };
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t k = first; k < last; ++k) keys[(k - first + 1) * n_ + i] = key(i, k);
    for (std::size_t k = first; k < last; ++k) {
      Areas areas;
      walk(sorted(column(k), spare, kPackedBits),
           [&](double hits, double misses) { areas.step(hits, misses); });
      out[k] = areas.done();
    }
  }

  // n * classes samples: distributed by their highest digit first, so that what is then sorted
  // stays in the caches.
  Ranking everything() const {
    constexpr int shift = kPackedBits - kDigitBits;
    std::vector<std::array<std::size_t, kDigits>> at(kParts);
    const auto each = [&](const auto& visit) {
      for_parts(n_, [&](std::size_t part, std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
          for (std::size_t k = 0; k < c_; ++k) visit(at[part], key(i, k));
      });
    };
    each([](auto& count, std::uint64_t key) { ++count[digit(key, shift)]; });
    std::array<std::size_t, kDigits + 1> begin{};
    std::size_t sum = 0;
    for (std::size_t d = 0; d < kDigits; ++d) {
      begin[d] = sum;
      for (auto& part : at) sum += std::exchange(part[d], sum);
    }
    begin[kDigits] = sum;
    // Not zeroed: each thread then meets the memory that it fills for the first time.
    const auto memory = std::make_unique_for_overwrite<std::uint64_t[]>(sum);
    const std::span<std::uint64_t> keys(memory.get(), sum);
    each([&](auto& next, std::uint64_t key) { keys[next[digit(key, shift)]++] = key; });
    parallel_chunks(kDigits, [&](std::int64_t d) { sort_part(keys, begin, d); });
    Areas areas;
    walk(keys, [&](double hits, double misses) { areas.step(hits, misses); });
    return areas.done();
  }

  static void sort_part(std::span<std::uint64_t> keys,
                        const std::array<std::size_t, kDigits + 1>& begin, std::int64_t d) {
    const std::size_t first = begin[static_cast<std::size_t>(d)];
    const std::size_t size = begin[static_cast<std::size_t>(d) + 1] - first;
    if (size < 2) return;
    const auto part = keys.subspan(first, size);
    if (size < 256) {
      std::sort(part.begin(), part.end());
      return;
    }
    const auto out = sorted(part, scratch_of(size), kPackedBits - kDigitBits);
    if (out.data() != part.data()) std::copy(out.begin(), out.end(), part.begin());
  }

  std::span<const double> probability_;
  const Truth& truth_;
  std::size_t n_, c_;
};

// positive(j), weight(j) of score j.
template <class Positive, class Weight>
Ranking weighted_ranking(std::span<const double> score, const Positive& positive,
                         const Weight& weight) {
  const std::vector<Scored> order = in_order(score);
  Areas areas;
  walk_ties(order, [&](std::size_t begin, std::size_t end) {
    double hits = 0, misses = 0;
    for (std::size_t i = begin; i < end; ++i)
      (positive(order[i].index) ? hits : misses) += weight(order[i].index);
    areas.step(hits, misses);
  });
  return areas.done();
}

}  // namespace

ClassRankings class_rankings(std::span<const double> probability, const Truth& truth,
                             std::span<const double> weight) {
  const auto others = sum_of<std::size_t>(
      probability.size(), [&](std::size_t i) { return packs(probability[i]) ? 0U : 1U; });
  if (weight.empty() && others == 0) return PackedRankings(probability, truth).run();
  const std::size_t n = truth.samples(), c = truth.classes;
  const auto weight_of = [&](std::size_t i) { return weight.empty() ? 1.0 : weight[i]; };
  ClassRankings out;
  out.classes.resize(c);
  parallel_chunks(static_cast<std::int64_t>(c), [&](std::int64_t chunk) {
    const auto k = static_cast<std::size_t>(chunk);
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = probability[i * c + k];
    out.classes[k] = weighted_ranking(
        column, [&](std::size_t i) { return truth.has(i, k); }, weight_of);
  });
  out.micro = weighted_ranking(
      probability, [&](std::size_t j) { return truth.has(j / c, j % c); },
      [&](std::size_t j) { return weight_of(j / c); });
  return out;
}

}  // namespace taxon::scoring

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

// Working memory of a thread: kept from one use to the next while it is small, given back
// otherwise.
class Workspace {
 public:
  explicit Workspace(std::size_t size) : size_(size) {
    constexpr std::size_t small = std::size_t{4} << 20;
    if (size > small) memory_ = std::make_unique_for_overwrite<std::uint64_t[]>(size);
    at_ = memory_ ? memory_.get()
                  : static_cast<std::uint64_t*>(scratch(size * sizeof(std::uint64_t)));
  }
  std::span<std::uint64_t> get() const { return {at_, size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint64_t[]> memory_;
  std::uint64_t* at_ = nullptr;
};

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
    const Workspace memory(n_ * (last - first + 1));
    const auto keys = memory.get(), spare = keys.first(n_);
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

  using Digits = std::array<std::size_t, kDigits>;

  // visit(part, key) for all n * classes samples.
  template <class Visit>
  void each(const Visit& visit) const {
    for_parts(n_, [&](std::size_t part, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        for (std::size_t k = 0; k < c_; ++k) visit(part, key(i, k));
    });
  }

  // n * classes samples: distributed by their highest digit first, so that what is then sorted
  // stays in the caches; a slice of the digits after the other, so that the memory is bounded.
  Ranking everything() const {
    std::vector<Digits> counts(kParts);
    each([&](std::size_t part, std::uint64_t key) { ++counts[part][digit(key, kTop)]; });
    Digits sums{};
    for (const Digits& part : counts)
      for (std::size_t d = 0; d < kDigits; ++d) sums[d] += part[d];
    Areas areas;
    for (std::size_t high = kDigits, low = kDigits; high > 0; high = low) {
      std::size_t samples = sums[--low];
      while (low > 0 && samples + sums[low - 1] <= kSlice) samples += sums[--low];
      add_slice(counts, low, high, samples, areas);
    }
    return areas.done();
  }

  // The samples whose highest digit is in [low, high).
  void add_slice(const std::vector<Digits>& counts, std::size_t low, std::size_t high,
                 std::size_t samples, Areas& areas) const {
    std::vector<Digits> next(kParts);
    std::vector<std::size_t> begin;
    std::size_t sum = 0;
    for (std::size_t d = low; d < high; ++d) {
      begin.push_back(sum);
      for (std::size_t part = 0; part < kParts; ++part) {
        next[part][d] = sum;
        sum += counts[part][d];
      }
    }
    begin.push_back(sum);
    // Not zeroed: each thread then meets the memory that it fills for the first time.
    const auto memory = std::make_unique_for_overwrite<std::uint64_t[]>(samples);
    const std::span<std::uint64_t> keys(memory.get(), samples);
    each([&](std::size_t part, std::uint64_t key) {
      const std::size_t d = digit(key, kTop);
      if (d >= low && d < high) keys[next[part][d]++] = key;
    });
    parallel_chunks(static_cast<std::int64_t>(high - low), [&](std::int64_t chunk) {
      const auto d = static_cast<std::size_t>(chunk);
      sort_part(keys.subspan(begin[d], begin[d + 1] - begin[d]));
    });
    walk(keys, [&](double hits, double misses) { areas.step(hits, misses); });
  }

  static void sort_part(std::span<std::uint64_t> part) {
    constexpr std::size_t few = 256;
    if (part.size() < few) {
      std::sort(part.begin(), part.end());
      return;
    }
    const Workspace spare(part.size());
    const auto out = sorted(part, spare.get(), kTop);
    if (out.data() != part.data()) std::copy(out.begin(), out.end(), part.begin());
  }

  static constexpr int kTop = kPackedBits - kDigitBits;
  static constexpr std::size_t kSlice = std::size_t{1} << 25;
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

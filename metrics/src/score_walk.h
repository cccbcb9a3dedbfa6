// The samples of two-class problems in the order of their scores, one step a distinct score: what
// areas and curves are sums over.
#pragma once

#include <taxon/metrics/curves.h>

#include "radix_sort.h"

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace taxon::scoring {

// A probability with its label in the lowest bit: doubles from 0 to 1 have 62 bits, in their order.
inline constexpr int kPackedBits = 63;
inline std::uint64_t packed(double probability, bool positive) {
  return std::bit_cast<std::uint64_t>(probability + 0.0) << 1 | (positive ? 1U : 0U);
}
inline double score_of(std::uint64_t packed) {
  return std::bit_cast<double>(packed >> 1);
}
inline bool packs(double score) {
  return score >= 0 && score <= 1;
}

/// Sorts packed samples of which bits from `high` up are alike; `spare` is as long. Where they end
/// up is returned, one of the two.
std::span<std::uint64_t> sorted(std::span<std::uint64_t> keys, std::span<std::uint64_t> spare,
                                int high = kPackedBits);

/// A sample where weights or classes are needed beside the score.
struct Scored {
  std::uint64_t key;  ///< ordered_bits of the score
  std::uint32_t index;
};

/// visit(hits, misses): numbers of positives and negatives with one score, from the highest down.
/// `sorted`: packed, ascending.
template <class Visit>
void walk(std::span<const std::uint64_t> sorted, const Visit& visit) {
  for (std::size_t i = sorted.size(); i > 0;) {
    const std::uint64_t score = sorted[i - 1] >> 1;
    std::uint64_t hits = 0, all = 0;
    for (; i > 0 && sorted[i - 1] >> 1 == score; --i, ++all) hits += sorted[i - 1] & 1;
    visit(static_cast<double>(hits), static_cast<double>(all - hits));
  }
}

/// Adds up the areas; the counts are whole numbers, exact in a double.
class Areas {
 public:
  void step(double hits, double misses) {
    twice_area_ += misses * (2 * positives_ + hits);
    positives_ += hits;
    negatives_ += misses;
    if (hits > 0) precision_sum_ += hits * (positives_ / (positives_ + negatives_));
  }
  Ranking done() const {
    Ranking r;
    if (positives_ > 0) r.average_precision = precision_sum_ / positives_;
    if (positives_ > 0 && negatives_ > 0) r.roc_auc = twice_area_ / (2 * positives_ * negatives_);
    return r;
  }

 private:
  double positives_ = 0, negatives_ = 0, twice_area_ = 0, precision_sum_ = 0;
};

/// Which classes a sample has: one (`single`, [n]) or several (`multi`, [n, classes]).
struct Truth {
  std::span<const std::int64_t> single;
  std::span<const std::uint8_t> multi;
  std::size_t classes = 0;

  bool has(std::size_t sample, std::size_t k) const {
    return multi.empty() ? single[sample] == static_cast<std::int64_t>(k)
                         : multi[sample * classes + k] != 0;
  }
  std::size_t samples() const { return multi.empty() ? single.size() : multi.size() / classes; }
};

/// The rankings of every class against the rest, and of all pairs of a sample and a class together.
struct ClassRankings {
  std::vector<Ranking> classes;
  Ranking micro;
};
/// probability [n, classes], weight [n] or empty.
ClassRankings class_rankings(std::span<const double> probability, const Truth& truth,
                             std::span<const double> weight);

/// Indices of scores by value, the lowest first.
std::vector<Scored> in_order(std::span<const double> score);

/// visit(first, last): samples [first, last) of `order` share one score; from the highest down.
template <class Visit>
void walk_ties(std::span<const Scored> order, const Visit& visit) {
  for (std::size_t end = order.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && order[begin - 1].key == order[end - 1].key) --begin;
    visit(begin, end);
    end = begin;
  }
}

}  // namespace taxon::scoring

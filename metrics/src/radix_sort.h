// Sorting by whole-number keys: least significant digit first (Knuth, The Art of Computer
// Programming 3, section 5.2.5). Millions of probabilities sort several times as fast as by
// comparison.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace taxon::scoring {

inline constexpr int kDigitBits = 11;
inline constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

inline std::size_t digit(std::uint64_t key, int shift) {
  return static_cast<std::size_t>(key >> shift) & (kDigits - 1);
}

/// Sorts by bits [low, high) of key(item), ascending and stable. `spare` is as long as `items`;
/// where they end up is returned, one of the two.
template <class T, class Key>
std::span<T> radix_sort(std::span<T> items, std::span<T> spare, int low, int high, const Key& key) {
  constexpr int most = 64 / kDigitBits + 1;
  const int passes = (high - low + kDigitBits - 1) / kDigitBits;
  const auto counts = std::make_unique<std::array<std::array<std::uint32_t, kDigits>, most>>();
  for (const T& item : items)
    for (int pass = 0; pass < passes; ++pass)
      ++(*counts)[static_cast<std::size_t>(pass)][digit(key(item), low + pass * kDigitBits)];
  for (int pass = 0; pass < passes && !items.empty(); ++pass) {
    auto& count = (*counts)[static_cast<std::size_t>(pass)];
    const int shift = low + pass * kDigitBits;
    if (count[digit(key(items[0]), shift)] == items.size()) continue;  // all alike
    std::uint32_t sum = 0;
    for (std::uint32_t& c : count) sum += std::exchange(c, sum);
    for (const T& item : items) spare[count[digit(key(item), shift)]++] = item;
    std::swap(items, spare);
  }
  return items;
}

/// Sorts numbers of which the highest bits, from bit `low` up, are sorted already: runs that share
/// them, which are short unless they are equal altogether.
inline void sort_runs(std::span<std::uint64_t> numbers, std::span<std::uint64_t> spare, int low) {
  constexpr std::size_t short_run = 64;
  for (std::size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
    for (end = begin + 1; end < numbers.size() && numbers[end] >> low == numbers[begin] >> low;)
      ++end;
    if (end - begin == 1) continue;
    const auto run = numbers.subspan(begin, end - begin);
    if (run.size() <= short_run) {
      std::sort(run.begin(), run.end());
      continue;
    }
    const auto sorted = radix_sort(run, spare.subspan(begin, run.size()), 0, low,
                                   [](std::uint64_t number) { return number; });
    if (sorted.data() != run.data()) std::copy(sorted.begin(), sorted.end(), run.begin());
  }
}

/// A key in the order of the doubles (no NaN): negative numbers have their bits turned round.
inline std::uint64_t ordered_bits(double v) {
  const auto bits = std::bit_cast<std::uint64_t>(v + 0.0);  // -0 becomes 0
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

}  // namespace taxon::scoring

// Loops over samples on all threads, in eight parts whatever their number, so that sums are the
// same for any.
#pragma once

#include <taxon/base/parallel.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace taxon::scoring {

inline constexpr std::size_t kParts = 8;

/// visit(part, begin, end) for the parts of [0, n).
template <class Visit>
void for_parts(std::size_t n, const Visit& visit) {
  parallel_chunks(static_cast<std::int64_t>(kParts), [&](std::int64_t chunk) {
    const auto part = static_cast<std::size_t>(chunk);
    visit(part, n * part / kParts, n * (part + 1) / kParts);
  });
}

/// The sum of of(i) over [0, n): each part's sum, then the parts', in their order. Sum has +=.
template <class Sum, class Of>
Sum sum_of(std::size_t n, const Of& of) {
  std::array<Sum, kParts> sums{};
  for_parts(n, [&](std::size_t part, std::size_t begin, std::size_t end) {
    Sum sum{};
    for (std::size_t i = begin; i < end; ++i) sum += of(i);
    sums[part] = sum;
  });
  Sum all{};
  for (const Sum& sum : sums) all += sum;
  return all;
}

}  // namespace taxon::scoring

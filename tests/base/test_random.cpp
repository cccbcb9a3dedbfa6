// Philox against its authors' known answers, and what is drawn from it.
#include <taxon/base/random.h>

#include <algorithm>
#include <cmath>

#include "catch.h"

using namespace taxon;

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ull, ~0ull, ~0ull) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0
  CHECK(philox(0x299f31d0a4093822ull, 0x0370734413198a2eull, 0x85a308d3243f6a88ull) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("sequences depend on seed and stream alone") {
  Rng a(1, 2), b(1, 2), other_stream(1, 3), other_seed(2, 2);
  const std::uint64_t first = a.next_u64();
  CHECK(b.next_u64() == first);
  CHECK(other_stream.next_u64() != first);
  CHECK(other_seed.next_u64() != first);
}

TEST_CASE("moments of uniform and normal numbers") {
  Rng rng(7);
  constexpr int n = 100000;
  double sum = 0, sum_normal = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    const double x = rng.normal();
    sum_normal += x;
    squares += x * x;
  }
  // Five standard errors.
  CHECK(std::abs(sum / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(sum_normal / n) < 5 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 5 * std::sqrt(2.0 / n));
}

TEST_CASE("below() is in range and reaches everything") {
  Rng rng(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen[static_cast<std::size_t>(rng.below(7))];
  for (const int count : seen) CHECK(std::abs(count - 1000) < 200);
}

TEST_CASE("a permutation holds everything once and differs by stream") {
  auto p = permutation(1000, 5, 0);
  CHECK(p != permutation(1000, 5, 1));
  CHECK(p == permutation(1000, 5, 0));
  std::sort(p.begin(), p.end());
  for (std::size_t i = 0; i < p.size(); ++i) REQUIRE(p[i] == static_cast<std::int64_t>(i));
  CHECK(permutation(0, 1, 1).empty());
}

// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A number depends only on (seed, stream, index): the same for any thread count
// and any order of evaluation.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace taxon {

/// Four 32-bit words for the 128-bit counter (index, stream) under key seed.
std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

/// A sequence of numbers drawn from one stream.
class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  std::uint32_t next_u32();
  std::uint64_t next_u64();
  double uniform();                      ///< in [0, 1), 53 bits
  std::uint64_t below(std::uint64_t n);  ///< in [0, n), unbiased; n > 0
  double normal();                       ///< mean 0, variance 1 (Box-Muller)
  std::uint64_t seed() const { return seed_; }
  std::uint64_t stream() const { return stream_; }

 private:
  std::uint64_t seed_, stream_, index_ = 0;
  std::array<std::uint32_t, 4> words_{};
  int left_ = 0;
};

/// A permutation of 0..n-1 (Fisher-Yates) from (seed, stream).
std::vector<std::int64_t> permutation(std::int64_t n, std::uint64_t seed, std::uint64_t stream);
/// A well mixed 64-bit number from two (splitmix64 steps): for deriving seeds and streams.
std::uint64_t mix(std::uint64_t a, std::uint64_t b);

}  // namespace taxon

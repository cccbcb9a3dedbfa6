// One pass over the images: what is kept of each.
#pragma once

#include <taxon/check/check.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace taxon::check {

inline constexpr std::int64_t thumb_side = 16;
inline constexpr std::size_t thumb_bytes = thumb_side * thumb_side * 3;

/// 128 bits: equal ones are taken for equal content.
struct Digest {
  std::uint64_t low = 0, high = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};
Digest digest(const std::uint8_t* bytes, std::size_t n);

/// What is kept of an image.
struct Look {
  bool readable = false, grey = false, constant = false;
  std::int32_t height = 0, width = 0, channels = 0;
  Digest pixels, file;     ///< file: zero for data in memory
  std::uint64_t hash = 0;  ///< perceptual, see phash.h
};

struct Looks {
  std::vector<Look> samples;
  std::vector<std::uint8_t> thumbs;    ///< [n, 16, 16, 3]; zeros for what is unreadable
  std::vector<std::uint8_t> features;  ///< [n, feature_count] or empty, see features.h
  std::vector<Unreadable> unreadable;
};
Looks look_at_all(const Samples& samples, bool with_features, const CheckOptions& options);

}  // namespace taxon::check

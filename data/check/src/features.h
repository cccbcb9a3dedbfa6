// What a picture is described by where no network is at hand: for the outliers and for a first
// judgement of labels.
#pragma once

#include <taxon/data/image.h>

#include <cstdint>

namespace taxon::check {

/// Histograms of oriented gradients (Dalal and Triggs 2005) of 8x8 cells and 9 directions without
/// sign, each normalised with its neighbours, and the mean colours of 4x4 cells.
inline constexpr std::int64_t feature_count = 8 * 8 * 9 + 4 * 4 * 3;

/// small: 32x32x3; grey: the same in one channel. Writes feature_count values.
void describe(const Image& small, const Image& grey, std::uint8_t* out);

}  // namespace taxon::check

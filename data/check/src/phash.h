// A perceptual hash: pictures that look alike have hashes that differ in few bits.
#pragma once

#include <taxon/data/image.h>

#include <cstdint>

namespace taxon::check {

/// Signs of the 64 lowest frequencies, but for the mean, of the two-dimensional cosine transform
/// (DCT-II) of a grey image of 32x32 pixels: bit k is set where coefficient k is above 0. As in
/// Zauner 2010, "Implementation and benchmarking of perceptual image hash functions" (thesis,
/// section 3.2.1), with 0 in place of the median and frequencies in order of their sum.
std::uint64_t perceptual_hash(const Image& grey);

/// perceptual_hash of the picture flipped left to right, but where a coefficient is exactly 0.
std::uint64_t mirrored_hash(std::uint64_t hash);

}  // namespace taxon::check

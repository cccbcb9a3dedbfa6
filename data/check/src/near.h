// Near duplicates: pictures that look alike.
#pragma once

#include "look.h"

namespace taxon::check {

/// Pairs among `members` (ascending) whose similarity is at least options.near, the most alike
/// first. Candidates are those whose perceptual hashes differ in at most 11 of 64 bits, found by
/// multi-index hashing (Norouzi, Punjani and Fleet 2012, "Fast search in Hamming space with
/// multi-index hashing"): at least one of the hash's four words then differs in at most 2 bits, so
/// that 137 places in each of four tables hold them all.
std::vector<Pair> near_pairs(const Looks& looks, const std::vector<std::int64_t>& members,
                             const CheckOptions& options);

/// options.near, or what it is raised to (see CheckOptions::raise_near), judged by 1,000 samples.
double usual_threshold(const Looks& looks, const std::vector<std::int64_t>& members,
                       const CheckOptions& options);

/// See Pair::similarity; -1 where one of the pictures is of one colour. Thumbs are [16, 16, 3].
double similarity(const std::uint8_t* a, const std::uint8_t* b, bool mirrored);

}  // namespace taxon::check

// The findings' pictures: tiles and contact sheets.
#pragma once

#include <taxon/check/check.h>

#include <vector>

namespace taxon::check {

/// A picture in three channels, small ones enlarged by a whole factor, large ones shrunk, on a grey
/// square of `side` pixels. Grey alone where it cannot be read (again).
Image tile(const Samples& samples, std::int64_t n, std::int64_t side);
/// A side that suits the data.
std::int64_t tile_side(const Findings& findings);

/// Pairs side by side, in rows of `columns` pairs.
Image pair_sheet(const Samples& samples, const std::vector<Pair>& pairs, std::int64_t side,
                 std::int64_t columns);
/// One picture a sample, in rows.
Image sample_sheet(const Samples& samples, const std::vector<std::int64_t>& list, std::int64_t side,
                   std::int64_t columns);

}  // namespace taxon::check

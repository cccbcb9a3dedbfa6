// See thinning.h.
#include "thinning.h"

#include <taxon/base/error.h>
#include <taxon/base/random.h>

#include <algorithm>

namespace taxon::report {
namespace {

constexpr std::uint64_t seed = 0;

// `count` of the samples, evenly drawn.
void draw(const std::vector<std::int64_t>& from, std::int64_t count, std::uint64_t stream,
          std::vector<std::int64_t>& to) {
  const auto order = permutation(static_cast<std::int64_t>(from.size()), seed, stream);
  for (std::int64_t i = 0; i < count; ++i)
    to.push_back(from[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
}

}  // namespace

Thinned thin(std::span<const std::uint8_t> interesting, std::int64_t most,
             const std::string& what) {
  std::vector<std::int64_t> groups[2];
  for (std::size_t i = 0; i < interesting.size(); ++i)
    groups[interesting[i] != 0 ? 0 : 1].push_back(static_cast<std::int64_t>(i));
  const auto size = [&](int g) { return static_cast<std::int64_t>(groups[g].size()); };
  Thinned out;
  const std::int64_t all = size(0) + size(1);
  const std::int64_t first =
      all <= most ? size(0) : std::min(size(0), std::max(most / 2, most - size(1)));
  const std::int64_t second = std::min(size(1), most - first);
  draw(groups[0], first, 0, out.samples);
  draw(groups[1], second, 1, out.samples);
  std::sort(out.samples.begin(), out.samples.end());
  if (all > most) {
    out.note = text(first + second, " of ", all, " samples can be looked at: ", first, " of ",
                    size(0), ' ', what, " and ", second, " of ", size(1),
                    " others, drawn at random (seed 0). Figures and curves are those of all.");
  }
  return out;
}

}  // namespace taxon::report

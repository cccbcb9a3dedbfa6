// See near.h.
#include "near.h"

#include <taxon/base/parallel.h>

#include "phash.h"
#include "progress.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace taxon::check {
namespace {

constexpr int words = 4, word_distance = 2, most_distance = 11;
constexpr std::size_t keys = std::size_t{1} << 16;
constexpr std::int64_t chunk = 256, chunks_at_once = 16;

std::uint32_t word(std::uint64_t hash, int table) {
  return static_cast<std::uint32_t>(hash >> (16 * table)) & 0xffff;
}

// All ways to change at most two of 16 bits.
std::vector<std::uint32_t> changes() {
  std::vector<std::uint32_t> out{0};
  for (int i = 0; i < 16; ++i) {
    out.push_back(1u << i);
    for (int j = 0; j < i; ++j) out.push_back((1u << i) | (1u << j));
  }
  return out;
}

// For one word of the hashes: the members with each value, in order.
struct Table {
  std::vector<std::uint32_t> begin, member;

  Table(const std::vector<std::uint64_t>& hashes, int t) : begin(keys + 1), member(hashes.size()) {
    for (const std::uint64_t h : hashes) ++begin[word(h, t) + 1];
    for (std::size_t k = 0; k < keys; ++k) begin[k + 1] += begin[k];
    std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      member[next[word(hashes[i], t)]++] = static_cast<std::uint32_t>(i);
    }
  }
};

class Search {
 public:
  Search(const Looks& looks, const std::vector<std::int64_t>& members, const CheckOptions& options)
      : looks_(looks), members_(members), options_(options), changes_(changes()) {
    for (const std::int64_t m : members) {
      hashes_.push_back(looks.samples[static_cast<std::size_t>(m)].hash);
    }
    for (int t = 0; t < words; ++t) tables_.emplace_back(hashes_, t);
  }

  // Pairs of member i with those before it.
  void find(std::size_t i, std::vector<Pair>& out) const {
    look_up(i, hashes_[i], false, out);
    look_up(i, mirrored_hash(hashes_[i]), true, out);
  }

 private:
  void look_up(std::size_t i, std::uint64_t hash, bool mirrored, std::vector<Pair>& out) const {
    for (int t = 0; t < words; ++t) {
      const Table& table = tables_[static_cast<std::size_t>(t)];
      for (const std::uint32_t change : changes_) {
        const std::uint32_t key = word(hash, t) ^ change;
        for (std::uint32_t k = table.begin[key]; k < table.begin[key + 1]; ++k) {
          const std::uint32_t j = table.member[k];
          if (j >= i) break;
          const std::uint64_t difference = hash ^ hashes_[j];
          if (std::popcount(difference) > most_distance || found_before(difference, t)) continue;
          verify(i, j, mirrored, out);
        }
      }
    }
  }

  static bool found_before(std::uint64_t difference, int table) {
    for (int t = 0; t < table; ++t) {
      if (std::popcount(word(difference, t)) <= word_distance) return true;
    }
    return false;
  }

  void verify(std::size_t i, std::size_t j, bool mirrored, std::vector<Pair>& out) const {
    const std::int64_t a = members_[j], b = members_[i];
    const auto thumb = [&](std::int64_t n) {
      return looks_.thumbs.data() + static_cast<std::size_t>(n) * thumb_bytes;
    };
    const double s = similarity(thumb(a), thumb(b), mirrored);
    if (s < options_.near) return;
    // A symmetric picture is found twice: kept as it is, unless the mirror is more alike.
    for (auto p = out.rbegin(); p != out.rend() && p->b == b; ++p) {
      if (p->a != a) continue;
      if (s > p->similarity + 1e-9) *p = {a, b, s, mirrored, false};
      return;
    }
    out.push_back({a, b, s, mirrored, false});
  }

  const Looks& looks_;
  const std::vector<std::int64_t>& members_;
  const CheckOptions& options_;
  std::vector<std::uint32_t> changes_;
  std::vector<std::uint64_t> hashes_;
  std::vector<Table> tables_;
};

}  // namespace

double similarity(const std::uint8_t* a, const std::uint8_t* b, bool mirrored) {
  std::int64_t sum_a[3] = {}, sum_b[3] = {}, aa = 0, bb = 0, ab = 0;
  for (std::int64_t y = 0; y < thumb_side; ++y) {
    for (std::int64_t x = 0; x < thumb_side; ++x) {
      const std::uint8_t* p = a + (y * thumb_side + x) * 3;
      const std::uint8_t* q = b + (y * thumb_side + (mirrored ? thumb_side - 1 - x : x)) * 3;
      for (int c = 0; c < 3; ++c) {
        sum_a[c] += p[c];
        sum_b[c] += q[c];
        aa += p[c] * p[c];
        bb += q[c] * q[c];
        ab += p[c] * q[c];
      }
    }
  }
  constexpr double n = thumb_side * thumb_side;
  double vaa = static_cast<double>(aa), vbb = static_cast<double>(bb),
         vab = static_cast<double>(ab);
  for (int c = 0; c < 3; ++c) {
    const auto sa = static_cast<double>(sum_a[c]), sb = static_cast<double>(sum_b[c]);
    vaa -= sa * sa / n;
    vbb -= sb * sb / n;
    vab -= sa * sb / n;
  }
  return vaa <= 0 || vbb <= 0 ? -1 : std::min(1.0, vab / std::sqrt(vaa * vbb));
}

double usual_threshold(const Looks& looks, const std::vector<std::int64_t>& members,
                       const CheckOptions& options) {
  const Search search(looks, members, options);
  const std::size_t n = members.size(), probes = std::min<std::size_t>(n, 1000);
  // A sample is compared with those before it: of large data sets the later half has enough.
  const std::size_t first = n > 2 * probes ? n / 2 : 0;
  std::vector<double> best(probes, -1);
  report(options, "near duplicates", 0, static_cast<std::int64_t>(n));
  parallel_chunks(static_cast<std::int64_t>(probes), [&](std::int64_t k) {
    const auto probe = static_cast<std::size_t>(k);
    std::vector<Pair> found;
    search.find(first + probe * (n - first) / probes, found);
    for (const Pair& p : found) best[probe] = std::max(best[probe], p.similarity);
  });
  for (const double raised : {options.near, 0.95, 0.97, 0.98, 0.99}) {
    if (raised < options.near) continue;
    const auto hits = static_cast<std::size_t>(
        std::count_if(best.begin(), best.end(), [&](double b) { return b >= raised; }));
    // Small data sets may be what they are.
    if (hits <= std::max<std::size_t>(20, probes / 20)) return raised;
  }
  return std::max(options.near, 0.995);
}

std::vector<Pair> near_pairs(const Looks& looks, const std::vector<std::int64_t>& members,
                             const CheckOptions& options) {
  const Search search(looks, members, options);
  const auto n = static_cast<std::int64_t>(members.size());
  const std::int64_t chunks = (n + chunk - 1) / chunk;
  std::vector<std::vector<Pair>> found(static_cast<std::size_t>(chunks));
  std::size_t pairs = 0;
  for (std::int64_t begin = 0; begin < chunks && pairs <= most_near; begin += chunks_at_once) {
    report(options, "near duplicates", begin * chunk, n);
    parallel_chunks(std::min(chunks_at_once, chunks - begin), [&](std::int64_t k) {
      const std::int64_t c = begin + k;
      for (std::int64_t i = c * chunk; i < std::min(n, (c + 1) * chunk); ++i) {
        search.find(static_cast<std::size_t>(i), found[static_cast<std::size_t>(c)]);
      }
    });
    for (std::int64_t c = begin; c < std::min(chunks, begin + chunks_at_once); ++c) {
      pairs += found[static_cast<std::size_t>(c)].size();
    }
  }
  std::vector<Pair> all;
  for (const auto& part : found) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end(), [](const Pair& x, const Pair& y) {
    if (x.similarity != y.similarity) return x.similarity > y.similarity;
    return x.a != y.a ? x.a < y.a : x.b < y.b;
  });
  return all;
}

}  // namespace taxon::check

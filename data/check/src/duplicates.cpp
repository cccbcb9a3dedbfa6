// Exact duplicates, and what splits share.
#include "findings.h"

#include <algorithm>

namespace taxon::check {
namespace {

std::size_t at(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

DuplicateGroup group_of(const Samples& samples, const Looks& looks,
                        std::vector<std::int64_t> members) {
  std::sort(members.begin(), members.end());
  DuplicateGroup g;
  const std::int64_t first = members.front();
  const Digest file = looks.samples[at(first)].file;
  g.same_bytes = file != Digest{};
  g.same_labels = true;
  for (const std::int64_t m : members) {
    g.same_bytes = g.same_bytes && looks.samples[at(m)].file == file;
    g.same_labels = g.same_labels && samples.same_labels(first, m);
  }
  g.samples = std::move(members);
  return g;
}

// Who of each split holds a sample's pixels, or something that looks like it; -1: nobody.
class Holders {
 public:
  explicit Holders(const Findings& f)
      : splits_(f.samples.splits().size()), first_(at(f.samples.size())) {
    for (std::size_t n = 0; n < first_.size(); ++n) first_[n] = static_cast<std::int64_t>(n);
    for (const DuplicateGroup& g : f.duplicates)
      for (const std::int64_t m : g.samples) first_[at(m)] = g.samples.front();
    exact_.assign(first_.size() * splits_, -1);
    near_ = exact_;
    for (std::size_t n = 0; n < first_.size(); ++n) {  // the first of the split stays
      const auto sample = static_cast<std::int64_t>(n);
      std::int64_t& holder = exact_[place(sample, f.samples.split_of(sample))];
      if (holder < 0) holder = sample;
    }
    for (const Pair& p : f.near) {  // the most alike first
      look_alike(p.a, p.b);
      look_alike(p.b, p.a);
    }
  }

  std::int64_t exact(std::int64_t n, std::size_t split) const { return exact_[place(n, split)]; }
  std::int64_t near(std::int64_t n, std::size_t split) const { return near_[place(n, split)]; }

 private:
  // Equal samples share the entries of the first of them.
  std::size_t place(std::int64_t n, std::size_t split) const {
    return at(first_[at(n)]) * splits_ + split;
  }
  void look_alike(std::int64_t n, std::int64_t other) {
    for (std::size_t split = 0; split < splits_; ++split) {
      std::int64_t& holder = near_[place(n, split)];
      if (holder < 0) holder = exact(other, split);
    }
  }

  std::size_t splits_;
  std::vector<std::int64_t> first_, exact_, near_;
};

}  // namespace

std::vector<DuplicateGroup> exact_duplicates(const Samples& samples, const Looks& looks) {
  std::vector<std::int64_t> order;
  for (std::int64_t n = 0; n < samples.size(); ++n) {
    if (looks.samples[at(n)].readable) order.push_back(n);
  }
  const auto pixels = [&](std::int64_t n) { return looks.samples[at(n)].pixels; };
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return pixels(a) != pixels(b) ? pixels(a) < pixels(b) : a < b;
  });
  std::vector<DuplicateGroup> out;
  for (auto begin = order.begin(); begin != order.end();) {
    const auto end = std::find_if(begin, order.end(),
                                  [&](std::int64_t n) { return pixels(n) != pixels(*begin); });
    if (end - begin > 1) out.push_back(group_of(samples, looks, {begin, end}));
    begin = end;
  }
  std::sort(out.begin(), out.end(), [](const DuplicateGroup& a, const DuplicateGroup& b) {
    return a.samples.front() < b.samples.front();
  });
  return out;
}

std::vector<std::int64_t> comparable(const Looks& looks,
                                     const std::vector<DuplicateGroup>& groups) {
  std::vector<bool> left_out(looks.samples.size());
  for (const DuplicateGroup& g : groups) {
    for (std::size_t k = 1; k < g.samples.size(); ++k) left_out[at(g.samples[k])] = true;
  }
  std::vector<std::int64_t> out;
  for (std::size_t n = 0; n < looks.samples.size(); ++n) {
    const Look& look = looks.samples[n];
    if (look.readable && !look.constant && !left_out[n]) {
      out.push_back(static_cast<std::int64_t>(n));
    }
  }
  return out;
}

std::vector<Leak> find_leaks(const Findings& f) {
  const Holders holders(f);
  const std::vector<std::string>& names = f.samples.splits();
  std::vector<Leak> out;
  for (std::size_t from = 0; from < names.size(); ++from) {
    for (std::size_t to = from + 1; to < names.size(); ++to) {
      Leak leak{names[from], names[to], {}, {}};
      for (std::int64_t n = 0; n < f.samples.size(); ++n) {
        if (f.samples.split_of(n) != to) continue;
        const std::int64_t exact = holders.exact(n, from), near = holders.near(n, from);
        if (exact >= 0) {
          leak.exact.push_back({n, exact});
        } else if (near >= 0) {
          leak.near.push_back({n, near});
        }
      }
      if (!leak.exact.empty() || !leak.near.empty()) out.push_back(std::move(leak));
    }
  }
  return out;
}

}  // namespace taxon::check

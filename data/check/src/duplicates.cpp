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

// A bit for each split that holds the sample's pixels / something that looks like it.
struct Shared {
  std::vector<std::uint8_t> exact, near;

  explicit Shared(const Findings& f) : exact(at(f.samples.size())), near(exact.size()) {
    std::vector<std::int64_t> first(exact.size());
    for (std::size_t n = 0; n < first.size(); ++n) {
      first[n] = static_cast<std::int64_t>(n);
      exact[n] = bit(f, first[n]);
    }
    for (const DuplicateGroup& g : f.duplicates) {
      for (const std::int64_t m : g.samples) {
        first[at(m)] = g.samples.front();
        exact[at(first[at(m)])] |= bit(f, m);
      }
    }
    for (const Pair& p : f.near) {
      near[at(p.a)] |= exact[at(p.b)];
      near[at(p.b)] |= exact[at(p.a)];
    }
    for (std::size_t n = 0; n < first.size(); ++n) {
      exact[n] = exact[at(first[n])];
      near[n] = near[at(first[n])];
    }
  }
  static std::uint8_t bit(const Findings& f, std::int64_t n) {
    return static_cast<std::uint8_t>(1U << f.samples.split_of(n));
  }
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
  const Shared shared(f);
  const std::vector<std::string>& names = f.samples.splits();
  std::vector<Leak> out;
  for (std::size_t from = 0; from < names.size(); ++from) {
    for (std::size_t to = from + 1; to < names.size(); ++to) {
      Leak leak{names[from], names[to], {}, {}};
      for (std::int64_t n = 0; n < f.samples.size(); ++n) {
        if (f.samples.split_of(n) != to) continue;
        if ((shared.exact[at(n)] >> from & 1) != 0) {
          leak.exact.push_back(n);
        } else if ((shared.near[at(n)] >> from & 1) != 0) {
          leak.near.push_back(n);
        }
      }
      if (!leak.exact.empty() || !leak.near.empty()) out.push_back(std::move(leak));
    }
  }
  return out;
}

}  // namespace taxon::check

// See names.h.
#include "names.h"

#include <set>

namespace taxon::check {

std::string name_of(const Samples& samples, std::int64_t n) {
  const std::string id = samples.id(n), split(samples.split_name(n));
  const bool said = id.starts_with(split + "/");
  return said || samples.splits().size() == 1 ? id : split + ": " + id;
}

std::string change_of(const Samples& samples, const SuspiciousLabel& s) {
  const auto name = [&](std::int64_t c) {
    return samples.class_names()[static_cast<std::size_t>(c)];
  };
  if (s.about >= 0) return (s.suggested == 1 ? "+" : "-") + name(s.about);
  return name(s.given) + " -> " + name(s.suggested);
}

std::vector<Pair> leaking_pairs(const Findings& f) {
  std::vector<Pair> out;
  std::set<std::int64_t> shown;
  for (const Pair& p : f.near) {
    const bool leaks = f.samples.split_of(p.a) != f.samples.split_of(p.b);
    if (leaks && shown.insert(p.b).second) out.push_back(p);
  }
  return out;
}

}  // namespace taxon::check

// See samples.h.
#include <taxon/check/samples.h>

#include <algorithm>

namespace taxon::check {

Samples::Samples(const Splits& data) : task_(data.task), class_names_(data.class_names) {
  std::int64_t begin = 0;
  for (const auto& [name, part] :
       {std::pair{"train", data.train}, std::pair{"val", data.val}, std::pair{"test", data.test}}) {
    if (!part) continue;
    names_.emplace_back(name);
    parts_.push_back(part);
    begins_.push_back(begin);
    begin += part->size();
  }
}

std::size_t Samples::split_of(std::int64_t n) const {
  std::size_t split = parts_.size() - 1;
  while (split > 0 && n < begins_[split]) --split;
  return split;
}

bool Samples::has_label(std::int64_t n, std::int64_t c) const {
  if (task_ == Task::single) return label(n) == c;
  return part(split_of(n)).labels(index_of(n))[static_cast<std::size_t>(c)] != 0;
}

bool Samples::same_labels(std::int64_t a, std::int64_t b) const {
  if (task_ == Task::single) return label(a) == label(b);
  const auto x = part(split_of(a)).labels(index_of(a)), y = part(split_of(b)).labels(index_of(b));
  return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

std::string Samples::label_text(std::int64_t n) const {
  std::string out;
  for (std::int64_t c = 0; c < classes(); ++c) {
    if (!has_label(n, c)) continue;
    if (!out.empty()) out += " | ";
    out += class_names_[static_cast<std::size_t>(c)];
  }
  return out.empty() ? "(none)" : out;
}

}  // namespace taxon::check

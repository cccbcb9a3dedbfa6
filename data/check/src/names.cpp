// See names.h.
#include "names.h"

#include <taxon/base/text.h>
#include <taxon/base/utf8.h>

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

std::string judged(const LabelFindings& labels) {
  if (!labels.skipped.empty()) return "not judged: " + printable(labels.skipped);
  const std::string agree = fixed(100 * labels.accuracy, 1);
  const std::string of = text("of ", labels.judged, " judged, by ");
  switch (labels.source) {
    case LabelSource::none:
      return "not judged: --labels none";
    case LabelSource::fast:
      return text(of, "a quick look (agrees with ", agree, " % of labels)");
    case LabelSource::train:
      return text(of, "cross-validation (agrees with ", agree, " %)");
    case LabelSource::file:
      break;
  }
  return text(of, "the predictions given (agree with ", agree, " %)");
}

}  // namespace taxon::check

// Suspicious labels, of one class a sample and of several.
#include "findings.h"

#include <algorithm>

namespace taxon::check {
namespace {

std::size_t at(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

LabelFindings of_classes(const Samples& samples, const Probabilities& p) {
  LabelFindings out;
  std::vector<std::int64_t> given;
  std::int64_t agree = 0;
  const std::size_t classes = at(samples.classes());
  for (std::size_t i = 0; i < p.samples.size(); ++i) {
    given.push_back(samples.label(p.samples[i]));
    const auto row = std::span(p.values).subspan(i * classes, classes);
    agree += std::max_element(row.begin(), row.end()) - row.begin() == given.back() ? 1 : 0;
  }
  for (const LabelIssue& issue : label_issues({samples.classes(), given, p.values})) {
    out.suspicious.push_back({p.samples[at(issue.sample)], issue.given, issue.suggested, -1,
                              issue.given_probability, issue.suggested_probability, issue.margin});
  }
  out.accuracy = static_cast<double>(agree) / static_cast<double>(given.size());
  return out;
}

// Each label by itself: given or not, probable or not.
LabelFindings of_labels(const Samples& samples, const Probabilities& p) {
  LabelFindings out;
  std::int64_t agree = 0;
  const std::size_t classes = at(samples.classes());
  for (std::int64_t c = 0; c < samples.classes(); ++c) {
    std::vector<std::int64_t> given;
    std::vector<double> both;
    for (std::size_t i = 0; i < p.samples.size(); ++i) {
      const double probable = p.values[i * classes + at(c)];
      given.push_back(samples.has_label(p.samples[i], c) ? 1 : 0);
      both.insert(both.end(), {1 - probable, probable});
      agree += (probable > 0.5) == (given.back() == 1) ? 1 : 0;
    }
    for (const LabelIssue& issue : label_issues({2, given, both})) {
      out.suspicious.push_back({p.samples[at(issue.sample)], issue.given, issue.suggested, c,
                                issue.given_probability, issue.suggested_probability,
                                issue.margin});
    }
  }
  std::stable_sort(out.suspicious.begin(), out.suspicious.end(),
                   [](const auto& a, const auto& b) { return a.margin < b.margin; });
  out.accuracy = static_cast<double>(agree) / static_cast<double>(p.values.size());
  return out;
}

}  // namespace

LabelFindings suspicious_labels(const Samples& samples, const Probabilities& p) {
  LabelFindings out;
  if (p.samples.empty()) {
    out.skipped = "no sample has probabilities";
  } else if (samples.task() == Task::single && samples.classes() < 2) {
    out.skipped = "there is one class only";
  } else {
    out = samples.task() == Task::single ? of_classes(samples, p) : of_labels(samples, p);
  }
  out.judged = static_cast<std::int64_t>(p.samples.size());
  return out;
}

}  // namespace taxon::check

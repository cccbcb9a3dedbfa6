// See confident.h.
#include <taxon/base/error.h>
#include <taxon/check/confident.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace taxon::check {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

void validate(const LabelledProbabilities& d) {
  if (d.classes < 1 || d.probability.size() != d.given.size() * at(d.classes)) {
    fail<OptionError>("confident learning: ", d.probability.size(), " probabilities for ",
                      d.given.size(), " samples of ", d.classes, " classes");
  }
  for (const std::int64_t label : d.given) {
    if (label < 0 || label >= d.classes) {
      fail<OptionError>("confident learning: label ", label, ", expected 0 to ", d.classes - 1);
    }
  }
  for (const double p : d.probability) {
    if (!(p >= 0 && p <= 1)) {
      fail<OptionError>("confident learning: probability ", p, ", expected 0 to 1");
    }
  }
}

std::vector<double> thresholds(const LabelledProbabilities& d, std::vector<std::int64_t>& counts) {
  std::vector<double> sum(at(d.classes), 0);
  counts.assign(at(d.classes), 0);
  for (std::size_t i = 0; i < d.given.size(); ++i) {
    const std::size_t c = at(d.given[i]);
    sum[c] += d.probability[i * at(d.classes) + c];
    ++counts[c];
  }
  for (std::size_t c = 0; c < sum.size(); ++c) {
    sum[c] = counts[c] > 0 ? sum[c] / static_cast<double>(counts[c]) : 2;
  }
  return sum;
}

// The class of which the row is confident, or -1. Thresholds are means of such probabilities: what
// equals one but for rounding reaches it.
std::int64_t confident_class(std::span<const double> p, const std::vector<double>& threshold) {
  std::int64_t best = -1;
  for (std::size_t c = 0; c < p.size(); ++c) {
    if (p[c] < threshold[c] - 1e-12) continue;
    if (best < 0 || p[c] > p[at(best)]) best = static_cast<std::int64_t>(c);
  }
  return best;
}

std::int64_t best_other(std::span<const double> p, std::int64_t given) {
  std::int64_t best = -1;
  for (std::int64_t c = 0; c < static_cast<std::int64_t>(p.size()); ++c) {
    if (c != given && (best < 0 || p[at(c)] > p[at(best)])) best = c;
  }
  return best;
}

std::span<const double> row(const LabelledProbabilities& d, std::size_t i) {
  return d.probability.subspan(i * at(d.classes), at(d.classes));
}

// Marks the `wanted` samples of `members` with the least key (equal ones: the first).
void mark_least(std::vector<std::size_t> members, const std::vector<double>& key,
                std::int64_t wanted, std::vector<bool>& marked) {
  std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    return key[a] != key[b] ? key[a] < key[b] : a < b;
  });
  members.resize(std::min(members.size(), at(std::max<std::int64_t>(wanted, 0))));
  for (const std::size_t i : members) marked[i] = true;
}

// Samples pruned by class and by noise rate.
std::vector<bool> pruned(const LabelledProbabilities& d, const ConfidentJoint& joint) {
  const std::size_t classes = at(d.classes), n = d.given.size();
  std::vector<std::vector<std::size_t>> of_class(classes);
  for (std::size_t i = 0; i < n; ++i) of_class[at(d.given[i])].push_back(i);
  std::vector<bool> by_class(n, false), by_rate(n, false);
  std::vector<double> key(n);
  for (std::size_t i = 0; i < classes; ++i) {
    double wrong = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      const double expected = joint.joint[i * classes + j] * static_cast<double>(n);
      if (j == i || expected == 0) continue;
      wrong += expected;
      for (const std::size_t s : of_class[i]) key[s] = row(d, s)[i] - row(d, s)[j];
      mark_least(of_class[i], key, std::llround(expected), by_rate);
    }
    for (const std::size_t s : of_class[i]) key[s] = row(d, s)[i];
    mark_least(of_class[i], key, std::llround(wrong), by_class);
  }
  for (std::size_t i = 0; i < n; ++i) by_class[i] = by_class[i] && by_rate[i];
  return by_class;
}

}  // namespace

ConfidentJoint confident_joint(const LabelledProbabilities& d) {
  validate(d);
  const std::size_t classes = at(d.classes);
  ConfidentJoint out;
  std::vector<std::int64_t> labelled;
  out.threshold = thresholds(d, labelled);
  out.count.assign(classes * classes, 0);
  for (std::size_t i = 0; i < d.given.size(); ++i) {
    const std::int64_t j = confident_class(row(d, i), out.threshold);
    if (j >= 0) ++out.count[at(d.given[i]) * classes + at(j)];
  }
  out.joint.assign(classes * classes, 0);
  const auto all = static_cast<double>(std::max<std::size_t>(d.given.size(), 1));
  for (std::size_t i = 0; i < classes; ++i) {
    const auto begin = out.count.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto sum = static_cast<double>(
        std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(classes), std::int64_t{0}));
    const double share = static_cast<double>(labelled[i]) / all;
    for (std::size_t j = 0; j < classes; ++j) {
      const auto count = static_cast<double>(out.count[i * classes + j]);
      out.joint[i * classes + j] = sum > 0 ? count / sum * share : (i == j ? share : 0);
    }
  }
  return out;
}

std::vector<LabelIssue> label_issues(const LabelledProbabilities& d) {
  const std::vector<bool> listed = pruned(d, confident_joint(d));
  std::vector<LabelIssue> out;
  for (std::size_t i = 0; i < listed.size() && d.classes > 1; ++i) {
    if (!listed[i]) continue;
    const auto p = row(d, i);
    LabelIssue issue{static_cast<std::int64_t>(i), d.given[i], best_other(p, d.given[i]), 0, 0, 0};
    issue.given_probability = p[at(issue.given)];
    issue.suggested_probability = p[at(issue.suggested)];
    issue.margin = issue.given_probability - issue.suggested_probability;
    if (issue.margin < 0) out.push_back(issue);
  }
  std::sort(out.begin(), out.end(), [](const LabelIssue& a, const LabelIssue& b) {
    return a.margin != b.margin ? a.margin < b.margin : a.sample < b.sample;
  });
  return out;
}

}  // namespace taxon::check

// check_data: one look at every sample, then one finding after the other.
#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include "findings.h"
#include "near.h"
#include "progress.h"

#include <algorithm>
#include <iterator>

namespace taxon::check {
namespace {

// Below, most of what a quick look would call wrong are mistakes of its own.
// Of several labels most are absent, so that it agrees easily.
double least_agreement(const Samples& samples) {
  return samples.task() == Task::single ? 0.8 : 0.95;
}

void judge_fast(Findings& f, const Looks& looks, const CheckOptions& options) {
  f.labels = suspicious_labels(f.samples, fast_probabilities(f.samples, looks, options));
  f.labels.source = LabelSource::fast;
  if (f.labels.skipped.empty() && f.labels.accuracy < least_agreement(f.samples)) {
    f.labels.suspicious.clear();
    f.labels.skipped = text("the quick look agrees with only ", fixed(100 * f.labels.accuracy, 1),
                            " % of them, too few to tell; --labels train can");
  }
}

void find_near(Findings& f, const Looks& looks, CheckOptions options) {
  const std::vector<std::int64_t> members = comparable(looks, f.duplicates);
  if (options.raise_near) {
    const double raised = usual_threshold(looks, members, options);
    f.near_raised = raised > options.near;
    options.near = raised;
  }
  f.near = near_pairs(looks, members, options);
  f.near_threshold = options.near;
  f.near_capped = f.near.size() > most_near;
  if (f.near_capped) f.near.resize(most_near);
  for (Pair& p : f.near) p.same_labels = f.samples.same_labels(p.a, p.b);
}

std::vector<Conflict> find_conflicts(const Findings& f) {
  std::vector<Conflict> out;
  for (const DuplicateGroup& g : f.duplicates) {
    for (std::size_t k = 1; k < g.samples.size(); ++k) {
      if (!f.samples.same_labels(g.samples[0], g.samples[k])) {
        out.push_back({g.samples[0], g.samples[k], 1, false, false});
      }
    }
  }
  std::copy_if(f.near.begin(), f.near.end(), std::back_inserter(out),
               [](const Pair& p) { return !p.same_labels; });
  return out;
}

}  // namespace

std::string_view name_of(LabelSource source) {
  switch (source) {
    case LabelSource::none:
      return "none";
    case LabelSource::fast:
      return "fast";
    case LabelSource::train:
      return "train";
    case LabelSource::file:
      return "file";
  }
  return "";
}

void judge_labels(Findings& findings, const CheckOptions& options) {
  findings.labels =
      suspicious_labels(findings.samples, read_probabilities(findings.samples, options));
  findings.labels.source = options.labels;
}

Findings check_data(const Splits& data, const CheckOptions& options) {
  Findings f(data);
  f.name = data.name;
  f.where = data.where;
  f.format = data.format;
  f.warnings = data.warnings;
  f.near_threshold = options.near;
  // Predictions that cannot be used are told before a minute has passed.
  if (options.labels == LabelSource::file) judge_labels(f, options);
  const bool fast = options.labels == LabelSource::fast;
  Looks looks = look_at_all(f.samples, fast || options.outliers, options);
  f.balance = class_balance(f.samples);
  f.missing = missing_classes(f.samples, f.balance);
  f.sizes = image_sizes(looks);
  f.duplicates = exact_duplicates(f.samples, looks);
  if (options.near > 0) find_near(f, looks, options);
  f.conflicts = find_conflicts(f);
  f.leaks = find_leaks(f);
  if (fast) judge_fast(f, looks, options);
  if (options.outliers) f.outliers = find_outliers(f.samples, looks, options);
  f.unreadable = std::move(looks.unreadable);
  return f;
}

}  // namespace taxon::check

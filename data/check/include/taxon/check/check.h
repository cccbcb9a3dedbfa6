// What is wrong, or odd, with a data set: found without a model, but for labels, which out-of-fold
// probabilities judge.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/check/confident.h>
#include <taxon/check/samples.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taxon::check {

/// Where the probabilities that judge labels come from.
enum class LabelSource : std::uint8_t {
  none,  ///< labels are not judged
  /// cross-validated ridge regression on simple features, seconds; says nothing where it agrees
  /// with fewer than 80 % (several labels: 95 %) of them
  fast,
  train,  ///< cross-validated training (train_folds)
  file    ///< a predictions.csv, or the folder of a cross-validation
};
std::string_view name_of(LabelSource source);

struct CheckOptions {
  /// Least similarity of near duplicates, see Pair; 0: they are not looked for.
  double near = 0.92;
  /// Where more than one sample in twenty has a near duplicate, looking alike is what the data are
  /// like (handwritten digits): `near` is raised, at most to 0.995, until there are fewer.
  bool raise_near = true;
  LabelSource labels = LabelSource::fast;
  std::string predictions;  ///< LabelSource::file: predictions.csv or a folder that has one
  std::string label_sep = "|";
  double outlier_z = 6;  ///< least robust z-score of an outlier
  bool outliers = true;
  std::uint64_t seed = 0;
  const std::atomic<bool>* interrupt = nullptr;  ///< when true, Interrupted is thrown
  /// How far a stage is: "images", "near duplicates", "labels", "outliers".
  Callback<void(std::string_view stage, std::int64_t done, std::int64_t all)> on_progress;
};

struct Unreadable {
  std::int64_t sample = 0;
  std::string why;  ///< the error's text, which names the path
};

/// Samples whose decoded pixels are the same, in order; two or more.
struct DuplicateGroup {
  std::vector<std::int64_t> samples;
  bool same_bytes = false;  ///< their files are the same too, byte for byte
  bool same_labels = false;
};

/// Two samples that look alike but are not the same. Of exact duplicates only the first is
/// compared.
struct Pair {
  std::int64_t a = 0, b = 0;  ///< a < b
  /// Correlation, at most 1, of the pictures at 16x16 pixels, their channels' means taken off.
  double similarity = 0;
  bool mirrored = false;  ///< b was flipped left to right
  bool same_labels = false;
};

/// The same picture, or nearly, under different labels: a pair of `near`, or (similarity 1) a
/// group's first sample with another one of it.
using Conflict = Pair;

/// Samples of a later split that an earlier one holds as well.
struct Leak {
  struct Shared {
    std::int64_t sample = 0, of = 0;  ///< in `to`; the first, or the most alike, of `from`
  };
  std::string from, to;             ///< names of splits
  std::vector<Shared> exact, near;  ///< near: of those that are not exact
};

/// A class without a sample in a split.
struct MissingClass {
  std::string split;
  std::int64_t label = 0;
};

struct Balance {
  std::vector<std::vector<std::int64_t>> counts;  ///< [splits][classes]
  std::vector<std::int64_t> total;                ///< [classes]
  std::int64_t most = 0, rarest = 0;              ///< classes; of equal ones the first
  double ratio = 0;  ///< samples of the most frequent class over those of the rarest that has any
};

struct Sizes {
  std::int64_t images = 0;  ///< readable ones
  std::int64_t least_height = 0, least_width = 0, median_height = 0, median_width = 0;
  std::int64_t most_height = 0, most_width = 0;
  std::int64_t different = 0;    ///< number of different sizes
  std::int64_t one_channel = 0;  ///< files of one channel
  std::int64_t grey = 0;         ///< three channels, all alike
  std::int64_t colour = 0;
  std::vector<std::int64_t> constant;   ///< samples of one colour
  std::vector<std::int64_t> tiny;       ///< a side below 16 pixels, where the median has more
  std::vector<std::int64_t> stretched;  ///< one side over 4 times the other
};

/// A label that looks wrong. Several labels: the label `about` is given and should not be, or the
/// other way round.
struct SuspiciousLabel {
  std::int64_t sample = 0;
  std::int64_t given = 0, suggested = 0;  ///< classes; several labels: 0 or 1
  std::int64_t about = -1;                ///< several labels: the class in question
  double given_probability = 0, suggested_probability = 0, margin = 0;  ///< see LabelIssue
};
struct LabelFindings {
  LabelSource source = LabelSource::none;
  std::string skipped;      ///< why labels were not judged, or ""
  std::int64_t judged = 0;  ///< samples that had probabilities
  double accuracy = 0;      ///< share of them whose given label is the most probable
  std::vector<SuspiciousLabel> suspicious;  ///< the worst first
};

/// A sample far from its class.
struct Outlier {
  std::int64_t sample = 0;
  double distance = 0;  ///< mean distance of the five nearest of its class, in feature space
  double z = 0;         ///< (distance - median of the class) / (1.4826 median absolute deviation)
};

struct Findings {
  explicit Findings(const Splits& data) : samples(data) {}

  Samples samples;
  std::string name, where, format;
  std::vector<std::string> warnings;  ///< of opening the data
  std::vector<Unreadable> unreadable;
  std::vector<DuplicateGroup> duplicates;
  std::vector<Pair> near;    ///< the most alike first
  bool near_capped = false;  ///< more than most_near pairs: the rest is left out
  std::vector<Conflict> conflicts;
  std::vector<Leak> leaks;  ///< one a pair of splits that share something
  std::vector<MissingClass> missing;
  Balance balance;
  Sizes sizes;
  LabelFindings labels;
  std::vector<Outlier> outliers;  ///< the farthest first
  double near_threshold = 0;      ///< options' near, or what it was raised to
  bool near_raised = false;
};
inline constexpr std::size_t most_near = 200'000;

/// Looks at every sample once (and again at few of them). Memory: about 2 kB a sample, never the
/// decoded images. Results do not depend on the number of threads. Throws IoError or FormatError
/// for the predictions, Interrupted; a sample that cannot be read is a finding.
Findings check_data(const Splits& data, const CheckOptions& options = {});

/// Judges the labels again, by the probabilities of options.predictions.
void judge_labels(Findings& findings, const CheckOptions& options);

}  // namespace taxon::check

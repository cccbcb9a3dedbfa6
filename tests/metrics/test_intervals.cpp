// Bootstrap intervals: known distributions, the same for any number of threads.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/metrics/intervals.h>
#include <taxon/metrics/proportions.h>

#include "catch.h"

#include <cmath>

using namespace taxon;

namespace {

struct Sample {
  std::vector<std::string> classes = {"a", "b", "c"};
  std::vector<std::int64_t> truth, predicted;
  std::vector<double> probability;
};

Sample sample(std::size_t n, double accuracy) {
  Sample s;
  Rng rng(7);
  for (std::size_t i = 0; i < n; ++i) {
    const auto t = static_cast<std::int64_t>(rng.below(3));
    const std::int64_t p = rng.uniform() < accuracy ? t : (t + 1) % 3;
    s.truth.push_back(t);
    s.predicted.push_back(p);
    for (std::int64_t k = 0; k < 3; ++k) s.probability.push_back(k == p ? 0.6 : 0.2);
  }
  return s;
}

}  // namespace

TEST_CASE("an interval of the accuracy is the binomial's", "[metrics]") {
  const Sample s = sample(2000, 0.8);
  const SingleLabelInput input{s.classes, s.truth, s.predicted, s.probability};
  const Intervals intervals = bootstrap_intervals(input);
  const double accuracy = single_label_metrics(input).accuracy;
  const double half = 1.96 * std::sqrt(accuracy * (1 - accuracy) / 2000);
  const Interval* i = intervals.find("accuracy");
  REQUIRE(i != nullptr);
  CHECK(i->low == Approx(accuracy - half).margin(0.05 * half));
  CHECK(i->high == Approx(accuracy + half).margin(0.05 * half));
  for (const char* name :
       {"balanced_accuracy", "mcc", "cohen_kappa", "macro.f1", "weighted.f1", "top5", "log_loss",
        "brier", "roc_auc_ovr_macro", "average_precision_macro"}) {
    REQUIRE(intervals.find(name) != nullptr);
    CHECK(intervals.find(name)->low <= intervals.find(name)->high);
  }
  const SingleLabelMetrics m = single_label_metrics(input);
  const auto holds = [&](const char* name, double v) {
    const Interval* found = intervals.find(name);
    return found->low < v && v < found->high;
  };
  CHECK(holds("mcc", m.mcc));
  CHECK(holds("cohen_kappa", *m.cohen_kappa));
  CHECK(holds("macro.f1", m.macro.f1));
  CHECK(holds("log_loss", *m.log_loss));
  CHECK(holds("brier", *m.brier));
  CHECK(holds("roc_auc_ovr_macro", *m.roc_auc.macro));
  CHECK(holds("average_precision_macro", *m.average_precision.macro));
}

TEST_CASE("Wilson's interval, as scipy has it", "[metrics]") {
  const auto close = [](Interval i, double low, double high) {
    return i.low == Approx(low).margin(1e-12) && i.high == Approx(high).margin(1e-12);
  };
  CHECK(close(wilson_interval(0.81, 100), 0.7222115462093562, 0.8748524849023126));
  CHECK(close(wilson_interval(0, 20), 0, 0.16112515805281935));
  CHECK(close(wilson_interval(1, 20), 0.8388748419471808, 1));
  CHECK(close(wilson_interval(0.1, 10), 0.017876213095072896, 0.4041500267952385));
  CHECK(wilson_lower(0.95, 100) == Approx(0.9008389147209472).epsilon(1e-12));
  CHECK(wilson_lower(1, 300) == Approx(0.9910621278248719).epsilon(1e-12));
  CHECK_THROWS_AS(wilson_interval(1.1, 10), OptionError);
  CHECK_THROWS_AS(wilson_interval(0.5, 0), OptionError);
  CHECK_THROWS_AS(wilson_lower(0.5, 10, 1), OptionError);
  CHECK(effective_samples({}, 7) == 7);
  CHECK(effective_samples(std::vector<double>{2, 2, 0}, 3) == 2);
  // All right: resamples would not vary.
  const Sample s = sample(50, 1);
  const Intervals all = bootstrap_intervals(SingleLabelInput{s.classes, s.truth, s.predicted, {}});
  CHECK(all.find("accuracy")->low < 0.95);
  CHECK(all.find("accuracy")->high == 1);
}

TEST_CASE("intervals leave a class out whose samples all weigh nothing", "[metrics]") {
  const Sample s = sample(300, 0.7);
  std::vector<double> weight(s.truth.size());
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = s.truth[i] == 2 ? 0 : 1;
  const SingleLabelInput input{s.classes, s.truth, s.predicted, s.probability, {}, weight};
  const SingleLabelMetrics m = single_label_metrics(input);
  const Intervals intervals = bootstrap_intervals(input);
  const std::pair<const char*, double> figures[] = {
      {"roc_auc_ovr_macro", *m.roc_auc.macro},
      {"average_precision_macro", *m.average_precision.macro}};
  for (const auto& [name, value] : figures) {
    CHECK(intervals.find(name)->low < value);
    CHECK(value < intervals.find(name)->high);
  }
}

TEST_CASE("a wider level gives a wider interval, one resample a point", "[metrics]") {
  const Sample s = sample(300, 0.7);
  const SingleLabelInput input{s.classes, s.truth, s.predicted, {}};
  BootstrapOptions narrow, wide, one;
  narrow.level = 0.5;
  wide.level = 0.99;
  one.resamples = 1;
  const auto width = [&](const BootstrapOptions& o) {
    const Interval i = *bootstrap_intervals(input, o).find("accuracy");
    return i.high - i.low;
  };
  CHECK(width(narrow) < width({}));
  CHECK(width({}) < width(wide));
  CHECK(width(one) == width({}));  // a share's does not come from resamples
  const Interval mcc = *bootstrap_intervals(input, one).find("mcc");
  CHECK(mcc.high == mcc.low);
  CHECK(bootstrap_intervals(input).find("log_loss") == nullptr);  // no probabilities
  BootstrapOptions few_steps;
  few_steps.most_steps = 10;
  const SingleLabelInput with{s.classes, s.truth, s.predicted, s.probability};
  CHECK(bootstrap_intervals(with, few_steps).find("roc_auc_ovr_macro") == nullptr);
  CHECK(bootstrap_intervals(with, few_steps).find("log_loss") != nullptr);
  BootstrapOptions bad;
  bad.resamples = 0;
  CHECK_THROWS_AS(bootstrap_intervals(input, bad), OptionError);
  bad.resamples = 10;
  bad.level = 1;
  CHECK_THROWS_AS(bootstrap_intervals(input, bad), OptionError);
}

TEST_CASE("intervals do not depend on threads, but on the seed", "[metrics]") {
  const Sample s = sample(500, 0.7);
  const SingleLabelInput input{s.classes, s.truth, s.predicted, s.probability};
  const int before = num_threads();
  std::vector<Intervals> found;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    found.push_back(bootstrap_intervals(input));
  }
  set_num_threads(before);
  BootstrapOptions other;
  other.seed = 1;
  const Intervals differs = bootstrap_intervals(input, other);
  bool same_seed_differs = false, other_seed_differs = false;
  for (std::size_t i = 0; i < found[0].of.size(); ++i) {
    for (const Intervals& f : found)
      same_seed_differs = same_seed_differs || f.of[i].second.low != found[0].of[i].second.low ||
                          f.of[i].second.high != found[0].of[i].second.high;
    other_seed_differs =
        other_seed_differs || differs.of[i].second.low != found[0].of[i].second.low;
  }
  CHECK_FALSE(same_seed_differs);
  CHECK(other_seed_differs);
}

TEST_CASE("intervals of multi-label figures hold the figures", "[metrics]") {
  Rng rng(11);
  const std::size_t n = 400, c = 4;
  std::vector<std::uint8_t> truth(n * c);
  std::vector<double> p(n * c);
  for (std::size_t i = 0; i < n * c; ++i) {
    truth[i] = rng.uniform() < 0.3 ? 1 : 0;
    p[i] = 0.35 * rng.uniform() + (truth[i] != 0 ? 0.4 : 0.2);
  }
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const MultiLabelInput input{names, truth, {}, p};
  const MultiLabelMetrics m = multi_label_metrics(input);
  const Intervals intervals = bootstrap_intervals(input);
  const std::pair<const char*, double> figures[] = {
      {"subset_accuracy", m.subset_accuracy},
      {"hamming_loss", m.hamming_loss},
      {"micro.f1", m.micro.f1},
      {"macro.f1", m.macro.f1},
      {"samples_avg.f1", m.samples_avg.f1},
      {"mAP", *m.mean_average_precision},
      {"roc_auc_macro", *m.roc_auc.macro},
      {"label_ranking_average_precision", *m.label_ranking_average_precision}};
  for (const auto& [name, value] : figures) {
    REQUIRE(intervals.find(name) != nullptr);
    CHECK(intervals.find(name)->low < value);
    CHECK(value < intervals.find(name)->high);
  }
}

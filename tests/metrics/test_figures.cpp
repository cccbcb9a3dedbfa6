// The figures against constants computed with scikit-learn 1.9, and the undefined cases.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/thresholds.h>

#include "catch.h"

using namespace taxon;

namespace {
const std::vector<std::string> kNames = {"cat", "dog", "bird"};
const std::vector<std::int64_t> kTruth = {0, 1, 2, 2, 1, 0, 2, 1};
const std::vector<double> kProbability = {.5, .25, .25, .25, .5, .25, .25, .25, .5, .5, .25, .25,
                                          .4, .4,  .2,  .9,  .1, 0,   0,   0,   1,  1,  0,   0};

Approx exactly(double v) {
  return Approx(v).epsilon(1e-14);
}

void check_scores(const Scores& s, double precision, double recall, double f1) {
  CHECK(s.precision == exactly(precision));
  CHECK(s.recall == exactly(recall));
  CHECK(s.f1 == exactly(f1));
}
}  // namespace

TEST_CASE("kappa of classes that are numbers goes by their values", "[metrics]") {
  const std::vector<std::int64_t> truth = {0, 1, 2, 0, 1, 2}, predicted = {0, 1, 2, 1, 1, 2};
  const auto quadratic = [&](const std::vector<std::string>& names) {
    return *single_label_metrics({names, truth, predicted, {}, {}}).kappa_quadratic;
  };
  // By value the classes 1, 10, 2 stand at 0, 2, 1.
  const std::vector<std::int64_t> t = {0, 2, 1, 0, 2, 1}, p = {0, 2, 1, 2, 2, 1};
  const std::vector<std::string> letters = {"a", "b", "c"};
  CHECK(quadratic({"1", "10", "2"}) ==
        exactly(*single_label_metrics({letters, t, p, {}, {}}).kappa_quadratic));
  CHECK(quadratic({"1", "2", "x"}) == exactly(quadratic(letters)));
  CHECK(quadratic({"1", "10", "2"}) < quadratic(letters));
}

TEST_CASE("single-label figures equal scikit-learn's", "[metrics]") {
  const SingleLabelMetrics m = single_label_metrics({kNames, kTruth, {}, kProbability, {}});
  CHECK(m.samples == 8);
  CHECK(m.accuracy == 0.625);
  CHECK(m.top5 == 1.0);
  CHECK(m.balanced_accuracy == exactly(2.0 / 3));
  CHECK(*m.log_loss == exactly(5.066380067431108));
  CHECK(m.mcc == exactly(0.5557189302262113));
  CHECK(*m.cohen_kappa == exactly(0.4666666666666667));
  check_scores(m.macro, 0.8, 2.0 / 3, 0.6238095238095238);
  check_scores(m.weighted, 0.85, 0.625, 0.6303571428571428);
  check_scores(m.micro, 0.625, 0.625, 0.625);
  CHECK(m.confusion == std::vector<double>{2, 0, 0, 2, 1, 0, 1, 0, 2});
  const double precision[] = {0.5, 0.7916666666666666, 0.8666666666666667};
  const double auc[] = {0.7916666666666666, 0.7, 0.9333333333333332};
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(m.per_class[k].name == kNames[k]);
    CHECK(*m.per_class[k].average_precision == exactly(precision[k]));
    CHECK(*m.per_class[k].roc_auc == exactly(auc[k]));
    CHECK_FALSE(m.per_class[k].threshold.has_value());
  }
  CHECK(*m.roc_auc.macro == exactly(0.8083333333333332));
  // Bins of the confidences: four of .5 (three right), one of .4 (wrong), .9 and two of 1 (one
  // wrong).
  CHECK(*m.ece == exactly((1.0 + 0.4 + 0.1 + 1.0) / 8));
}

TEST_CASE("undefined single-label figures", "[metrics]") {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  // b is never predicted, c does not occur, d neither.
  const SingleLabelMetrics m = single_label_metrics(
      {names, std::vector<std::int64_t>{0, 0, 1}, std::vector<std::int64_t>{0, 2, 0}, {}, {}});
  CHECK_FALSE(m.per_class[1].precision.has_value());
  CHECK(m.per_class[1].recall == 0.0);
  CHECK(m.per_class[1].f1 == 0.0);
  CHECK(m.per_class[2].precision == 0.0);
  CHECK_FALSE(m.per_class[2].recall.has_value());
  CHECK_FALSE(m.per_class[3].f1.has_value());
  CHECK(m.macro.precision == exactly(0.5 / 4));
  CHECK(m.balanced_accuracy == exactly(0.25));  // of the two classes that occur
  CHECK_FALSE(m.log_loss.has_value());
  CHECK_FALSE(m.top5.has_value());
  CHECK_FALSE(m.ece.has_value());
  CHECK_FALSE(m.roc_auc.macro.has_value());
  CHECK_FALSE(m.per_class[0].average_precision.has_value());

  const std::vector<std::int64_t> same = {1, 1}, mixed = {0, 1};
  const SingleLabelMetrics constant = single_label_metrics({names, same, same, {}, {}});
  CHECK(constant.mcc == 0);
  CHECK_FALSE(constant.cohen_kappa.has_value());
  const SingleLabelMetrics half = single_label_metrics({names, mixed, same, {}, {}});
  CHECK(half.mcc == 0);
  CHECK(half.cohen_kappa == 0.0);
}

TEST_CASE("the AUC of an absent class counts as 0 in the average", "[metrics]") {
  const std::vector<double> p = {.7, .2, .1, .1, .8, .1};
  const SingleLabelMetrics m =
      single_label_metrics({kNames, std::vector<std::int64_t>{0, 1}, {}, p, {}});
  CHECK_FALSE(m.per_class[2].roc_auc.has_value());
  CHECK_FALSE(m.per_class[2].average_precision.has_value());
  CHECK(*m.roc_auc.macro == exactly(2.0 / 3));
}

TEST_CASE("multi-label figures equal scikit-learn's", "[metrics]") {
  const std::vector<std::uint8_t> truth = {1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0};
  const std::vector<double> p = {.9, .6, .4, .2, .7, .1, .5, .3, .5, .1, .2, .3};
  const MultiLabelMetrics m = multi_label_metrics({kNames, truth, {}, p, {}});
  CHECK(m.samples == 4);
  CHECK(m.subset_accuracy == 0.5);
  CHECK(m.hamming_loss == exactly(1.0 / 3));
  CHECK(*m.mean_average_precision == exactly(0.7777777777777777));
  check_scores(m.micro, 0.6, 0.6, 0.6);
  check_scores(m.macro, 0.5, 0.5, 0.5);
  check_scores(m.weighted, 0.6, 0.6, 0.6);
  check_scores(m.samples_avg, 0.5, 0.5, 0.5);
  CHECK(*m.per_class[1].average_precision == exactly(0.8333333333333333));
  CHECK(*m.per_class[2].roc_auc == exactly(2.0 / 3));
  CHECK(m.per_class[0].threshold == 0.5);

  SECTION("thresholds of the classes decide") {
    const MultiLabelMetrics strict =
        multi_label_metrics({kNames, truth, {}, p, std::vector<double>{0.6, 0.3, 0.4}});
    CHECK(strict.per_class[0].recall == 0.5);
    CHECK(strict.per_class[1].recall == 1.0);
    CHECK(strict.per_class[2].precision == 0.5);
    CHECK(strict.per_class[2].threshold == 0.4);
  }
  SECTION("decisions without probabilities") {
    const MultiLabelMetrics given = multi_label_metrics({kNames, truth, truth, {}, {}});
    CHECK(given.subset_accuracy == 1);
    CHECK_FALSE(given.mean_average_precision.has_value());
    CHECK_FALSE(given.per_class[0].threshold.has_value());
  }
  SECTION("a label that never occurs and is never predicted") {
    const MultiLabelMetrics none = multi_label_metrics(
        {kNames, std::vector<std::uint8_t>{1, 0, 0}, {}, std::vector<double>{.9, .1, .1}, {}});
    CHECK_FALSE(none.per_class[1].precision.has_value());
    CHECK_FALSE(none.per_class[1].average_precision.has_value());
    CHECK_FALSE(none.per_class[0].roc_auc.has_value());
    CHECK(*none.mean_average_precision == exactly(1.0 / 3));
    CHECK(none.macro.f1 == exactly(1.0 / 3));
  }
}

TEST_CASE("top-k breaks ties by index, as argmax does", "[metrics]") {
  const std::vector<double> p = {.25, .25, .25, .25};
  for (std::int64_t truth = 0; truth < 4; ++truth)
    for (std::int64_t k = 1; k <= 5; ++k)
      CHECK(top_k_accuracy(p, 4, std::vector<std::int64_t>{truth}, k) == (truth < k ? 1.0 : 0.0));
  CHECK(most_probable(p, 4) == std::vector<std::int64_t>{0});
}

TEST_CASE("log loss clips at the epsilon of double", "[metrics]") {
  CHECK(sample_log_loss(0) == exactly(36.04365338911715));
  CHECK(sample_log_loss(1) == exactly(2.220446049250313e-16));
}

TEST_CASE("calibration bins are closed above", "[metrics]") {
  // 0.2 lies in (0.1, 0.2], 0 in the first bin.
  const std::vector<double> confidence = {0.2, 0.15, 0.0, 0.05};
  const std::vector<std::uint8_t> correct = {1, 0, 0, 0};
  CHECK(expected_calibration_error(confidence, correct, 10) == exactly((0.65 + 0.05) / 4));
}

TEST_CASE("metrics reject what does not fit", "[metrics]") {
  const std::vector<std::int64_t> none, one = {0}, outside = {3};
  const std::vector<double> nan = {0.5, 0.5, std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_AS(single_label_metrics({kNames, none, none, {}, {}}), ShapeError);
  CHECK_THROWS_AS(single_label_metrics({kNames, one, {}, {}, {}}), ShapeError);
  CHECK_THROWS_AS(single_label_metrics({kNames, one, outside, {}, {}}), OptionError);
  CHECK_THROWS_AS(single_label_metrics({kNames, one, {}, nan, {}}), OptionError);
  CHECK_THROWS_AS(multi_label_metrics({kNames, std::vector<std::uint8_t>{1, 0}, {}, {}, {}}),
                  ShapeError);
  CHECK_THROWS_AS(top_k_accuracy(nan, 3, one, 0), OptionError);
}

TEST_CASE("figures are the same for any number of threads", "[metrics]") {
  Rng rng(5);
  constexpr std::size_t n = 300, c = 7;
  std::vector<std::string> names;
  for (std::size_t k = 0; k < c; ++k) names.push_back(std::to_string(k));
  std::vector<double> p(n * c);
  std::vector<std::int64_t> truth(n);
  for (double& v : p) v = rng.uniform();
  for (std::int64_t& t : truth) t = static_cast<std::int64_t>(rng.below(c));
  const int before = num_threads();
  std::vector<double> areas;
  for (int threads = 1; threads <= 3; ++threads) {
    set_num_threads(threads);
    areas.push_back(*single_label_metrics({names, truth, {}, p, {}}).roc_auc.macro);
  }
  set_num_threads(before);
  CHECK(areas[0] == areas[1]);
  CHECK(areas[0] == areas[2]);
}

TEST_CASE("thresholds of best F1") {
  // Label a: sorted 0.9+ 0.8+ 0.6- 0.5+ 0.2-; F1 by count 1..5: 1/2, 4/5, 2/3, 6/7, 3/4.
  // Label b: no sample has it. Label c: ties must be judged alike. Label d: all have it.
  const std::vector<double> p = {0.9, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4, 0.9, 0.8, 0.3,
                                 0.4, 0.5, 0.5, 0.3, 0.1, 0.5, 0.6, 0.3, 0.4, 0.7};
  const std::vector<std::uint8_t> truth = {1, 0, 1, 1, 0, 0, 1, 1, 1, 0,
                                           0, 1, 1, 0, 0, 1, 0, 0, 1, 1};
  const auto t = tuned_thresholds(p, truth, 4);
  REQUIRE(t.size() == 4);
  CHECK(t[0] == Approx(0.35));
  CHECK(t[1] == 0.5);
  CHECK(t[2] == Approx(0.25));
  CHECK(t[3] == Approx(0.05));
  CHECK_THROWS_AS(tuned_thresholds(p, truth, 3), ShapeError);
  CHECK_THROWS_AS(tuned_thresholds({}, {}, 3), ShapeError);

  // Against every cut there is.
  std::vector<double> q;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 200; ++i) {
    q.push_back((i * 37 % 101) / 101.0);
    y.push_back(i * 53 % 97 < 30 + i * 37 % 101 / 2 ? 1 : 0);
  }
  const auto f1 = [&](double threshold) {
    double hits = 0, said = 0, has = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      said += q[i] >= threshold ? 1 : 0;
      has += y[i];
      hits += q[i] >= threshold && y[i] != 0 ? 1 : 0;
    }
    return 2 * hits / (said + has);
  };
  double best = 0;
  for (const double cut : q) best = std::max(best, f1(cut));
  CHECK(f1(tuned_thresholds(q, y, 1)[0]) == best);
}

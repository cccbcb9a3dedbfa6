// Confident learning against examples computed by hand from the paper's equations, and against
// labels that were flipped.
#include <taxon/base/error.h>
#include <taxon/base/random.h>
#include <taxon/check/confident.h>

#include "catch.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace taxon;
using namespace taxon::check;

namespace {

// Eight samples, two classes. Labelled 0: p_0 = .9 .8 .7 .2, so t_0 = .65; labelled 1: p_1 = .9 .8
// .6 .3, so t_1 = .65.
const std::vector<std::int64_t> given{0, 0, 0, 0, 1, 1, 1, 1};
const std::vector<double> probability{.9, .1, .8, .2, .7, .3, .2, .8,
                                      .1, .9, .2, .8, .4, .6, .7, .3};

}  // namespace

TEST_CASE("thresholds, counts and the joint of an example done by hand") {
  const ConfidentJoint j = confident_joint({2, given, probability});
  CHECK(j.threshold[0] == Approx(0.65).margin(1e-12));
  CHECK(j.threshold[1] == Approx(0.65).margin(1e-12));
  // Row 6 (.4, .6) reaches neither threshold and counts nowhere.
  CHECK(j.count == std::vector<std::int64_t>{3, 1, 1, 2});
  // Rows scaled to 4 labels each: 3, 1, 4/3, 8/3; of 8.
  CHECK(j.joint[0] == Approx(3.0 / 8));
  CHECK(j.joint[1] == Approx(1.0 / 8));
  CHECK(j.joint[2] == Approx(4.0 / 3 / 8));
  CHECK(j.joint[3] == Approx(8.0 / 3 / 8));
}

TEST_CASE("the labels pruned in an example done by hand") {
  const auto issues = label_issues({2, given, probability});
  // n Q[0][1] = 1 and n Q[1][0] = 4/3, rounded 1: one of each class. Margins -.6 and -.4.
  REQUIRE(issues.size() == 2);
  CHECK(issues[0].sample == 3);
  CHECK(issues[0].given == 0);
  CHECK(issues[0].suggested == 1);
  CHECK(issues[0].margin == Approx(-0.6));
  CHECK(issues[1].sample == 7);
  CHECK(issues[1].given_probability == Approx(0.3));
  CHECK(issues[1].suggested_probability == Approx(0.7));
}

TEST_CASE("equal probabilities: the first class of equal ones, the first sample of equal ones") {
  // t = (.5, .5) for both; every row reaches both thresholds and goes to class 0.
  const std::vector<std::int64_t> labels{0, 1, 1};
  const std::vector<double> p(6, 0.5);
  const ConfidentJoint j = confident_joint({2, labels, p});
  CHECK(j.count == std::vector<std::int64_t>{1, 0, 2, 0});
  CHECK(label_issues({2, labels, p}).empty());  // no other class is more probable
}

TEST_CASE("a class without samples and a single class") {
  const std::vector<std::int64_t> labels{0, 0};
  const std::vector<double> p{.1, .9, .2, .8};
  const ConfidentJoint j = confident_joint({2, labels, p});
  CHECK(j.threshold[1] > 1);  // nothing is counted as a class that no one was given
  CHECK(j.joint == std::vector<double>{1, 0, 0, 0});
  CHECK(label_issues({2, labels, p}).empty());
  CHECK(label_issues({1, labels, std::vector<double>{.1, .9}}).empty());
  CHECK(label_issues({2, {}, {}}).empty());
}

TEST_CASE("what does not fit is refused") {
  CHECK_THROWS_AS(confident_joint({2, given, std::vector<double>{.1}}), OptionError);
  const std::vector<std::int64_t> beyond{2};
  CHECK_THROWS_AS(confident_joint({2, beyond, std::vector<double>{.5, .5}}), OptionError);
  const std::vector<std::int64_t> one{0};
  CHECK_THROWS_AS(confident_joint({2, one, std::vector<double>{.5, 1.5}}), OptionError);
  CHECK_THROWS_AS(confident_joint({2, one, std::vector<double>{.5, std::nan("")}}), OptionError);
}

TEST_CASE("flipped labels are found among confident probabilities") {
  constexpr std::int64_t classes = 10, n = 5000;
  Rng rng(7);
  std::vector<std::int64_t> labels;
  std::vector<double> p;
  std::set<std::int64_t> flipped;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto truth = static_cast<std::int64_t>(rng.below(classes));
    // A model that is right 94 times of 100, and less sure where it is wrong.
    const bool right = rng.uniform() < 0.94;
    const std::int64_t says =
        right ? truth : (truth + 1 + static_cast<std::int64_t>(rng.below(9))) % classes;
    const double top = right ? 0.75 + 0.24 * rng.uniform() : 0.35 + 0.5 * rng.uniform();
    for (std::int64_t c = 0; c < classes; ++c) p.push_back(c == says ? top : (1 - top) / 9);
    const bool flip = rng.uniform() < 0.05;
    if (flip) flipped.insert(i);
    labels.push_back(flip ? (truth + 1 + static_cast<std::int64_t>(rng.below(9))) % classes
                          : truth);
  }
  std::int64_t hits = 0;
  const auto issues = label_issues({classes, labels, p});
  for (const LabelIssue& issue : issues) hits += flipped.contains(issue.sample) ? 1 : 0;
  CHECK(static_cast<double>(hits) >= 0.8 * static_cast<double>(flipped.size()));
  CHECK(static_cast<double>(hits) >= 0.6 * static_cast<double>(issues.size()));
  for (std::size_t i = 1; i < issues.size(); ++i) CHECK(issues[i - 1].margin <= issues[i].margin);
}

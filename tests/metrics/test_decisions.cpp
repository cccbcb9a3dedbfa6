// What is decided on a validation split: temperature, thresholds, prediction sets, silence.
#include <taxon/base/error.h>
#include <taxon/base/random.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/selective.h>
#include <taxon/metrics/temperature.h>
#include <taxon/metrics/thresholds.h>

#include "catch.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace taxon;

namespace {

// Samples whose classes are drawn from the softmax of their logits: a model of temperature 1.
struct Drawn {
  std::vector<float> logits;
  std::vector<double> probability;
  std::vector<std::int64_t> truth;
};

Drawn draw(std::size_t n, std::size_t classes, std::uint64_t seed) {
  Drawn d;
  Rng rng(seed);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> z(classes);
    double sum = 0;
    for (double& v : z) {
      v = 2 * rng.normal();
      d.logits.push_back(static_cast<float>(v));
      sum += std::exp(v);
    }
    double at = rng.uniform() * sum;
    std::size_t k = 0;
    while (k + 1 < classes && at >= std::exp(z[k])) at -= std::exp(z[k++]);
    d.truth.push_back(static_cast<std::int64_t>(k));
    for (const double v : z) d.probability.push_back(std::exp(v) / sum);
  }
  return d;
}

double loss(const Drawn& d, std::size_t classes, double temperature) {
  double total = 0;
  for (std::size_t i = 0; i < d.truth.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < classes; ++k)
      sum += std::exp(static_cast<double>(d.logits[i * classes + k]) / temperature);
    const auto t = static_cast<std::size_t>(d.truth[i]);
    total += std::log(sum) - static_cast<double>(d.logits[i * classes + t]) / temperature;
  }
  return total;
}

}  // namespace

TEST_CASE("the temperature that was put in is found again", "[metrics]") {
  Drawn d = draw(20000, 5, 1);
  CHECK(fit_temperature(d.logits, 5, d.truth) == Approx(1).epsilon(0.03));
  for (float& v : d.logits) v *= 3;
  const double t = fit_temperature(d.logits, 5, d.truth);
  CHECK(t == Approx(3).epsilon(0.03));
  // It is the minimum: a little to either side the loss is larger.
  CHECK(loss(d, 5, t) < loss(d, 5, 1.001 * t));
  CHECK(loss(d, 5, t) < loss(d, 5, t / 1.001));

  std::vector<std::uint8_t> labels;
  std::vector<float> logits;
  Rng rng(2);
  for (int i = 0; i < 20000; ++i) {
    const double z = 2 * rng.normal();
    labels.push_back(rng.uniform() < 1 / (1 + std::exp(-z)) ? 1 : 0);
    logits.push_back(static_cast<float>(z / 2));
  }
  CHECK(fit_temperature(logits, labels) == Approx(0.5).epsilon(0.05));
}

TEST_CASE("temperatures stay within bounds", "[metrics]") {
  const std::vector<float> right = {5, 0, 0, 5}, wrong = {0, 5, 5, 0}, one = {1, 2};
  const std::vector<std::int64_t> truth = {0, 1}, zero = {0, 0};
  // Two samples that are right, or wrong, do not make certain of everything or nothing.
  CHECK(fit_temperature(right, 2, truth) < 1);
  CHECK(fit_temperature(right, 2, truth) > 0.5);
  CHECK(fit_temperature(wrong, 2, truth) > 1);
  std::vector<float> many_wrong;
  std::vector<std::int64_t> many;
  for (int i = 0; i < 1000; ++i) {
    many_wrong.insert(many_wrong.end(), {0, 5});
    many.push_back(0);
  }
  CHECK(fit_temperature(many_wrong, 2, many) == kMostTemperature);
  CHECK(fit_temperature(one, 1, zero) == 1);
  CHECK_THROWS_AS(fit_temperature(right, 3, truth), ShapeError);
  const std::vector<float> nan = {0, std::numeric_limits<float>::quiet_NaN(), 0, 0};
  CHECK_THROWS_AS(fit_temperature(nan, 2, truth), OptionError);
}

TEST_CASE("probabilities before temperature are found again", "[metrics]") {
  const std::vector<double> z = {2, -1, 0.5, 0, 0, 3};
  const auto softmax = [&](double t) {
    std::vector<double> p(z.size());
    for (std::size_t row = 0; row < z.size(); row += 3) {
      double sum = 0;
      for (std::size_t i = row; i < row + 3; ++i) sum += p[i] = std::exp(z[i] / t);
      for (std::size_t i = row; i < row + 3; ++i) p[i] /= sum;
    }
    return p;
  };
  const auto sigmoid = [&](double t) {
    std::vector<double> p;
    for (const double v : z) p.push_back(1 / (1 + std::exp(-v / t)));
    return p;
  };
  for (const double t : {0.3, 1.0, 4.0}) {
    const auto one = without_temperature(softmax(t), 3, t, false);
    const auto several = without_temperature(sigmoid(t), 3, t, true);
    for (std::size_t i = 0; i < z.size(); ++i) {
      CHECK(one[i] == Approx(softmax(1)[i]).epsilon(1e-12));
      CHECK(several[i] == Approx(sigmoid(1)[i]).epsilon(1e-12));
    }
  }
  CHECK(without_temperature(std::vector<double>{1, 0}, 2, 3, false) == std::vector<double>{1, 0});
  CHECK(without_temperature(std::vector<double>{1, 0}, 2, 3, true) == std::vector<double>{1, 0});
  CHECK_THROWS_AS(without_temperature(std::vector<double>{1, 0}, 3, 1, false), ShapeError);
  CHECK_THROWS_AS(without_temperature(std::vector<double>{1, 0}, 2, 0, false), OptionError);
}

TEST_CASE("thresholds reach the wanted precision or recall", "[metrics]") {
  // Sorted: .9 yes, .8 no, .7 yes, .6 yes, .4 no, .3 yes, .1 no.
  const std::vector<double> p = {.9, .8, .7, .6, .4, .3, .1};
  const std::vector<std::uint8_t> y = {1, 0, 1, 1, 0, 1, 0};
  const auto tuned = [&](const char* aim) { return tuned_thresholds(p, y, 1, parse_aim(aim))[0]; };
  CHECK(tuned("f1") == Approx(0.2));              // 4 of 6: F1 0.8
  CHECK(tuned("precision=0.75") == Approx(0.5));  // 3 of 4, the lowest with it
  CHECK(tuned("precision=1") == Approx(0.85));    // the first alone
  CHECK(tuned("recall=0.5") == Approx(0.65));     // two of four
  CHECK(tuned("recall=1") == Approx(0.2));
  const std::vector<std::uint8_t> late = {0, 0, 1, 1, 0, 1, 0};
  CHECK(tuned_thresholds(p, late, 1, parse_aim("precision=0.9"))[0] ==
        Approx(0.5));  // best: 2 of 4
  const std::vector<std::uint8_t> none(7, 0);
  CHECK(tuned_thresholds(p, none, 1, parse_aim("recall=1"))[0] == 0.5);
  std::vector<std::size_t> missed;
  tuned_thresholds(p, late, 1, parse_aim("precision=0.9"), &missed);
  CHECK(missed == std::vector<std::size_t>{0});
  missed.clear();
  tuned_thresholds(p, y, 1, parse_aim("precision=0.75"), &missed);
  CHECK(missed.empty());
  tuned_thresholds(p, none, 1, parse_aim("f1"), &missed);
  CHECK(missed.size() == 1);
  // A probability of 0 never counts: two of the four can be found.
  const std::vector<double> some = {.9, 0, .7, 0, .4, 0, .1};
  missed.clear();
  CHECK(tuned_thresholds(some, y, 1, parse_aim("recall=0.5"), &missed)[0] == Approx(0.55));
  CHECK(missed.empty());
  CHECK(tuned_thresholds(some, y, 1, parse_aim("recall=0.75"), &missed)[0] == Approx(0.05));
  CHECK(missed.size() == 1);
  for (const char* bad : {"f2", "precision", "precision=", "precision=2", "recall=0", "recall=x"})
    CHECK_THROWS_AS(parse_aim(bad), OptionError);
}

TEST_CASE("prediction sets hold the truth as often as asked", "[metrics]") {
  const Drawn calibrating = draw(2000, 10, 3), fresh = draw(20000, 10, 4);
  const Conformal c =
      Conformal::fit(probability_of_truth(calibrating.probability, 10, calibrating.truth));
  const auto truth = probability_of_truth(fresh.probability, 10, fresh.truth);
  for (const double wanted : {0.5, 0.8, 0.9, 0.95, 0.99}) {
    const SetFigures f = set_figures(c, wanted, fresh.probability, truth);
    CHECK(f.coverage == Approx(wanted).margin(0.015));
    CHECK(f.mean_size >= f.coverage);
  }
  CHECK(c.threshold(0.9) > c.threshold(0.95));
  // The ceil((n + 1) q)-th: of 9 samples nine tenths need the ninth, more than that needs all.
  const Conformal nine = Conformal::fit(std::vector<double>{.9, .8, .7, .6, .5, .4, .3, .2, .1});
  CHECK(nine.threshold(0.9) == Approx(0.1));
  CHECK(nine.threshold(0.5) == Approx(0.5));
  CHECK(nine.threshold(0.95) == 0);
  CHECK(Conformal::from_levels(nine.levels()).threshold(0.9) == nine.threshold(0.9));
  CHECK_THROWS_AS(nine.threshold(1), OptionError);
  CHECK_THROWS_AS(nine.threshold(0), OptionError);
  CHECK_THROWS_AS(Conformal().threshold(0.5), OptionError);
  CHECK_THROWS_AS(Conformal::from_levels({0.5F}), OptionError);
  CHECK_THROWS_AS(Conformal::fit({}), ShapeError);
}

TEST_CASE("the truth of several labels is the least probable one", "[metrics]") {
  const std::vector<double> p = {.9, .2, .5, .1, .3, .4};
  const std::vector<std::uint8_t> y = {1, 0, 1, 0, 0, 0};
  CHECK(probability_of_truth(p, 3, y) == std::vector<double>{.5, 1});
}

TEST_CASE("accuracy pays for silence", "[metrics]") {
  const std::vector<double> confidence = {.9, .9, .8, .7, .6};
  const std::vector<std::uint8_t> correct = {1, 1, 0, 1, 0};
  const std::vector<SelectivePoint> curve = selective_curve(confidence, correct);
  REQUIRE(curve.size() == 4);  // the two of .9 together
  CHECK(curve[0].threshold == .9);
  CHECK(curve[0].coverage == Approx(.4));
  CHECK(curve[0].accuracy == 1);
  CHECK(curve.back().coverage == 1);
  CHECK(curve.back().accuracy == Approx(.6));
  // Wilson's one-sided bounds of two right of two and of three of four.
  CHECK(curve[0].at_least == Approx(0.42503060900634637));
  CHECK(curve[2].at_least == Approx(0.3561680085985064));
  CHECK(point_for_accuracy(curve, .35)->threshold == .7);
  CHECK(point_for_accuracy(curve, .4)->threshold == .9);
  CHECK(point_for_accuracy(curve, 0)->coverage == 1);
  CHECK(point_for_accuracy(curve, .5) == nullptr);
  const auto answers = answer_figures(curve, .35, confidence, correct);
  REQUIRE(answers.has_value());
  CHECK(answers->answered == Approx(.8));
  CHECK(answers->accuracy == Approx(.75));
  CHECK_FALSE(answer_figures(curve, .5, confidence, correct).has_value());
  const std::vector<double> many = [] {
    std::vector<double> v;
    for (int i = 0; i < 5000; ++i) v.push_back(i / 5000.0);
    return v;
  }();
  CHECK(selective_curve(many, std::vector<std::uint8_t>(5000, 1)).size() == 100);
  CHECK_THROWS_AS(selective_curve({}, {}), ShapeError);
}

TEST_CASE("a promised accuracy is kept on other samples", "[metrics]") {
  // Confidences that are their own probability of being right.
  const auto draw_answers = [](std::uint64_t seed, std::size_t n) {
    Rng rng(seed);
    std::pair<std::vector<double>, std::vector<std::uint8_t>> out;
    for (std::size_t i = 0; i < n; ++i) {
      out.first.push_back(0.5 + 0.5 * rng.uniform());
      out.second.push_back(rng.uniform() < out.first.back() ? 1 : 0);
    }
    return out;
  };
  const auto [fresh, fresh_right] = draw_answers(1000, 40000);
  int kept = 0, promised = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto [confidence, right] = draw_answers(seed, 1000);
    const auto curve = selective_curve(confidence, right);
    const auto answers = answer_figures(curve, 0.9, fresh, fresh_right);
    if (!answers) continue;
    ++promised;
    kept += answers->accuracy >= 0.9 ? 1 : 0;
  }
  CHECK(promised == 100);
  CHECK(kept >= 85);
}

TEST_CASE("the points of a curve", "[metrics]") {
  const std::vector<double> p = {.1, .8, .8, .4};
  const std::vector<std::uint8_t> y = {0, 1, 0, 1};
  const std::vector<CurvePoint> curve = score_curve(p, y);
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].threshold == .8);
  CHECK(curve[0].true_positive_rate == .5);
  CHECK(curve[0].false_positive_rate == .5);
  CHECK(curve[0].precision == .5);
  CHECK(curve[1].true_positive_rate == 1);
  CHECK(curve[1].precision == Approx(2.0 / 3));
  CHECK(curve[2].false_positive_rate == 1);
  const std::vector<CurvePoint> weighted = score_curve(p, y, std::vector<double>{1, 3, 1, 0});
  CHECK(weighted[0].precision == .75);
  CHECK(weighted[0].true_positive_rate == 1);
}

TEST_CASE("shares of a confusion matrix", "[metrics]") {
  const std::vector<double> m = {3, 1, 0, 0};
  CHECK(normalized(m, 2, Normalize::row) == std::vector<double>{.75, .25, 0, 0});
  CHECK(normalized(m, 2, Normalize::column) == std::vector<double>{1, 1, 0, 0});
  CHECK(normalized(m, 2, Normalize::all) == std::vector<double>{.75, .25, 0, 0});
  CHECK_THROWS_AS(normalized(m, 3, Normalize::all), ShapeError);
}

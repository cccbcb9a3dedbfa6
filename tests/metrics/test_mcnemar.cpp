// McNemar's test against published values and the binomial distribution written out.
#include <taxon/base/error.h>
#include <taxon/metrics/mcnemar.h>
#include <taxon/metrics/pairing.h>

#include <vector>

#include "catch.h"

using namespace taxon;

TEST_CASE("McNemar's test: exact below 25 differing samples") {
  CHECK(mcnemar(0, 0).p_value == 1);
  CHECK(mcnemar(12, 12).p_value == 1);
  CHECK(mcnemar(5, 1).p_value == Approx(0.21875).epsilon(1e-14));  // 2 (1 + 6) / 64
  CHECK(mcnemar(3, 12).p_value == Approx(0.03515625).epsilon(1e-14));
  CHECK(mcnemar(10, 14).p_value == Approx(0.5412561893463135).epsilon(1e-13));
  CHECK(mcnemar(0, 24).p_value == Approx(1.1920928955078125e-07).epsilon(1e-14));  // 2 / 2^24
  CHECK(mcnemar(4, 20).exact);
  CHECK(mcnemar(4, 20).statistic == 4);
  CHECK(mcnemar(20, 4).p_value == mcnemar(4, 20).p_value);
}

TEST_CASE("McNemar's test: chi-squared with Edwards' correction from 25 on") {
  // A textbook example: of 314 pairs, 121 and 59 changed sides.
  const McNemar known = mcnemar(121, 59);
  CHECK_FALSE(known.exact);
  CHECK(known.statistic == Approx(20.672222222222224).epsilon(1e-14));
  CHECK(known.p_value == Approx(5.450094825427123e-06).epsilon(1e-10));
  CHECK(mcnemar(20, 5).statistic == Approx(7.84).epsilon(1e-14));
  CHECK(mcnemar(20, 5).p_value == Approx(0.005110260660855864).epsilon(1e-10));
  CHECK(mcnemar(30, 30).p_value == 1);
  CHECK(mcnemar(12, 13).p_value == 1);
}

TEST_CASE("McNemar's test counts samples") {
  const std::vector<std::uint8_t> first{1, 1, 0, 0, 1, 2}, second{1, 0, 1, 0, 0, 1};
  const McNemar m = mcnemar(first, second);
  CHECK(m.both == 2);
  CHECK(m.first_only == 2);
  CHECK(m.second_only == 1);
  CHECK(m.neither == 1);
  CHECK(m.p_value == 1);
  CHECK_THROWS_AS(mcnemar(first, std::vector<std::uint8_t>{1}), ShapeError);
  CHECK_THROWS_AS(mcnemar(-1, 3), OptionError);
}

TEST_CASE("predictions are paired by id, or line by line", "[metrics]") {
  Predictions a, b;
  a.classes = {"cat", "dog"};
  b.classes = {"dog", "cat"};  // another order of the classes
  a.truth = {0, 1, 1};
  a.predicted = {0, 0, 1};
  b.truth = {0, 0, 1};
  b.predicted = {0, 1, 1};
  a.id = {"x", "y", "z"};
  b.id = {"y", "z", "x"};
  const PredictionPair pair = paired(a, b);
  CHECK(pair.first == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(pair.second == std::vector<std::uint8_t>{1, 1, 0});
  // Of one id the first goes with the first, the second with the second.
  Predictions twice = a, again = a;
  twice.id = again.id = {"x", "x", "z"};
  twice.truth = again.truth = {0, 1, 1};
  again.predicted = {0, 1, 1};
  CHECK(matching_rows(twice, again) == std::vector<std::size_t>{0, 1, 2});
  CHECK(paired(twice, again).second == std::vector<std::uint8_t>{1, 1, 1});
  again.id = {"x", "z", "z"};
  CHECK(matching_rows(twice, again) == std::vector<std::size_t>{0, kNoRow, 1});
  b.id = {"y", "z", "other"};
  CHECK(paired(a, b).first.size() == 2);
  b.id = {"1", "2", "3"};
  CHECK_THROWS_AS(paired(a, b), OptionError);  // none in common
  b.id = {"x", "y", "z"};
  CHECK_THROWS_AS(paired(a, b), OptionError);  // labelled otherwise
  b.id.clear();
  b.truth = {1, 0, 0};
  CHECK(paired(a, b).second == std::vector<std::uint8_t>{0, 0, 0});
  b.truth.push_back(0);
  b.predicted.push_back(0);
  CHECK_THROWS_AS(paired(a, b), OptionError);  // more of them, and no ids
  Predictions several;
  several.multi_label = true;
  several.classes = {"cat"};
  several.truth_labels = several.predicted_labels = {1};
  CHECK_THROWS_AS(paired(a, several), OptionError);
  Predictions others = several;
  others.classes = {"dog", "cat"};
  others.truth_labels = others.predicted_labels = {0, 1};
  CHECK(paired(several, others).first == std::vector<std::uint8_t>{1});
  others.truth_labels = {1, 1};
  CHECK_THROWS_AS(paired(several, others), OptionError);
  CHECK(paired(several, several).first == std::vector<std::uint8_t>{1});
}

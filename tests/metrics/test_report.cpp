// The text report has scikit-learn's layout, metrics.json the contract's keys.
#include <taxon/metrics/report.h>

#include "catch.h"

#include <nlohmann/json.hpp>

using namespace taxon;

namespace {

const std::vector<std::string> kNames = {"cat", "dog", "bird"};
const std::vector<std::int64_t> kTruth = {0, 1, 2, 2, 1, 0, 2, 1},
                                kPredicted = {0, 1, 2, 0, 0, 0, 2, 0};

SingleLabelMetrics example() {
  return single_label_metrics({kNames, kTruth, kPredicted, {}, {}});
}

std::vector<std::string> keys(const nlohmann::ordered_json& j) {
  std::vector<std::string> out;
  for (const auto& item : j.items()) out.push_back(item.key());
  return out;
}

}  // namespace

TEST_CASE("the report is scikit-learn's, character by character", "[metrics]") {
  CHECK(classification_report(example()) ==
        "              precision    recall  f1-score   support\n"
        "\n"
        "         cat     0.4000    1.0000    0.5714         2\n"
        "         dog     1.0000    0.3333    0.5000         3\n"
        "        bird     1.0000    0.6667    0.8000         3\n"
        "\n"
        "    accuracy                         0.6250         8\n"
        "   macro avg     0.8000    0.6667    0.6238         8\n"
        "weighted avg     0.8500    0.6250    0.6304         8\n");
  const std::vector<std::uint8_t> truth = {1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0};
  const std::vector<std::uint8_t> predicted = {1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0};
  const std::vector<std::string> names = {"a", "b", "c"};
  CHECK(classification_report(multi_label_metrics({names, truth, predicted, {}, {}})) ==
        "              precision    recall  f1-score   support\n"
        "\n"
        "           a     1.0000    1.0000    1.0000         2\n"
        "           b     0.5000    0.5000    0.5000         2\n"
        "           c     0.0000    0.0000    0.0000         1\n"
        "\n"
        "   micro avg     0.6000    0.6000    0.6000         5\n"
        "   macro avg     0.5000    0.5000    0.5000         5\n"
        "weighted avg     0.6000    0.6000    0.6000         5\n"
        " samples avg     0.5000    0.5000    0.5000         5\n");
}

TEST_CASE("undefined values are dashes, named once", "[metrics]") {
  const std::vector<std::int64_t> truth = {0, 0, 2}, predicted = {0, 0, 0};
  const std::vector<std::string> names = {"a", "\xC3\xA4rger \xC3\xBC", "a longer name"};
  CHECK(classification_report(single_label_metrics({names, truth, predicted, {}, {}}), 2) ==
        "               precision    recall  f1-score   support\n"
        "\n"
        "            a       0.67      1.00      0.80         2\n"
        "      \xC3\xA4rger \xC3\xBC          -         -         -         0\n"
        "a longer name          -      0.00      0.00         1\n"
        "\n"
        "     accuracy                           0.67         3\n"
        "    macro avg       0.22      0.33      0.27         3\n"
        " weighted avg       0.44      0.67      0.53         3\n"
        "\n"
        "warning: undefined (nothing to divide by), shown as '-' and averaged as 0: precision, "
        "recall, f1-score of '\xC3\xA4rger \xC3\xBC'; precision of 'a longer name'\n");
}

TEST_CASE("metrics.json has the keys of the contract", "[metrics]") {
  const auto j = nlohmann::ordered_json::parse(metrics_json(example()));
  CHECK(keys(j) == std::vector<std::string>{"task",
                                            "samples",
                                            "accuracy",
                                            "top5",
                                            "balanced_accuracy",
                                            "log_loss",
                                            "brier",
                                            "ece",
                                            "ece_equal_mass",
                                            "mce",
                                            "mcc",
                                            "cohen_kappa",
                                            "kappa_linear",
                                            "kappa_quadratic",
                                            "hamming_loss",
                                            "macro",
                                            "weighted",
                                            "micro",
                                            "roc_auc_ovr_macro",
                                            "roc_auc_ovr_weighted",
                                            "roc_auc_micro",
                                            "roc_auc_ovo_macro",
                                            "roc_auc_ovo_weighted",
                                            "average_precision_macro",
                                            "average_precision_weighted",
                                            "average_precision_micro",
                                            "per_class",
                                            "confusion_matrix",
                                            "reliability"});
  CHECK(j["task"] == "single");
  CHECK(j["samples"] == 8);
  CHECK(j["log_loss"].is_null());
  CHECK(keys(j["macro"]) == std::vector<std::string>{"precision", "recall", "f1", "jaccard"});
  CHECK(keys(j["per_class"][0]) == std::vector<std::string>{"name", "precision", "recall", "f1",
                                                            "support", "average_precision",
                                                            "roc_auc", "jaccard"});
  CHECK(j["confusion_matrix"][1] == std::vector<int>{2, 1, 0});

  const std::vector<std::uint8_t> labels = {1, 0, 1};
  const auto multi = nlohmann::ordered_json::parse(
      metrics_json(multi_label_metrics({kNames, labels, labels, {}, {}}), 2));
  CHECK(keys(multi) == std::vector<std::string>{"task",
                                                "samples",
                                                "subset_accuracy",
                                                "hamming_loss",
                                                "mAP",
                                                "log_loss",
                                                "ece",
                                                "coverage_error",
                                                "label_ranking_average_precision",
                                                "label_ranking_loss",
                                                "micro",
                                                "macro",
                                                "weighted",
                                                "samples_avg",
                                                "roc_auc_macro",
                                                "roc_auc_weighted",
                                                "roc_auc_micro",
                                                "average_precision_weighted",
                                                "average_precision_micro",
                                                "per_class",
                                                "reliability"});
  CHECK(multi["task"] == "multi");
  CHECK(multi["per_class"][1]["f1"].is_null());
  CHECK(multi["per_class"][1]["threshold"].is_null());
}

TEST_CASE("worst confusions and the table", "[metrics]") {
  const SingleLabelMetrics m = example();
  const std::vector<Confusion> worst = worst_confusions(m);
  REQUIRE(worst.size() == 2);
  CHECK(worst[0].truth == 1);
  CHECK(worst[0].predicted == 0);
  CHECK(worst[0].count == 2);
  CHECK(worst[0].share == Approx(2.0 / 3));
  CHECK(worst[1].truth == 2);
  CHECK(worst_confusions(m, 1).size() == 1);
  CHECK(confusion_table(m) ==
        "true \\ predicted  cat  dog  bird\n"
        "             cat    2    0     0\n"
        "             dog    2    1     0\n"
        "            bird    1    0     2\n");
  CHECK(confusion_table(m, Normalize::row) ==
        "true \\ predicted    cat   dog  bird\n"
        "             cat  100.0   0.0   0.0\n"
        "             dog   66.7  33.3   0.0\n"
        "            bird   33.3   0.0  66.7\n");
  Figures figures;
  figures.single = m;
  CHECK(metrics_text(figures).find("dog -> cat  (66.7 % of dog)") != std::string::npos);
}

TEST_CASE("a class without an area is named where others have one", "[metrics]") {
  const std::vector<std::string> names = {"always", "b"};
  const std::vector<std::uint8_t> truth = {1, 1, 1, 0};
  const std::vector<double> p = {.9, .8, .7, .4};
  Figures f;
  f.multi = multi_label_metrics({names, truth, {}, p});
  CHECK(metrics_text(f).find("averaged as 0: ROC AUC of 'always'\n") != std::string::npos);
  CHECK(classification_report(*f.multi).find("ROC AUC") == std::string::npos);
}

TEST_CASE("the labels that are wrong most often", "[metrics]") {
  const std::vector<std::string> names = {"a", "b", "c"};
  const std::vector<std::uint8_t> truth = {1, 0, 1, 1, 1, 0}, predicted = {0, 1, 1, 0, 1, 0};
  Figures f;
  f.multi = multi_label_metrics({names, truth, predicted, {}, {}});
  const std::string report = metrics_text(f);
  CHECK(report.find(
            "most mistakes\n missed   added  label\n      2       0  a\n      0       1  b\n") !=
        std::string::npos);
  CHECK(report.find("  c\n") == std::string::npos);
}

TEST_CASE("names do not control the terminal", "[metrics]") {
  const std::vector<std::int64_t> truth = {0, 1, 0}, predicted = {1, 1, 0};
  const std::vector<std::string> names = {"a\x1b[31m", "b\nc"};
  Figures f;
  f.single = single_label_metrics({names, truth, predicted, {}, {}});
  for (const std::string& text : {metrics_text(f), confusion_table(*f.single)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("b\\x0ac") != std::string::npos);
  }
}

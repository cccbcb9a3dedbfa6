// Plots and other tools' formats.
#include <taxon/base/error.h>
#include <taxon/metrics/exchange.h>
#include <taxon/metrics/plots.h>

#include "catch.h"

#include <nlohmann/json.hpp>

using namespace taxon;

namespace {

Predictions example() {
  Predictions p;
  p.classes = {"a<b", "\"c\" & d", "e"};
  p.truth = {0, 1, 2, 0};
  p.probability = {.7, .2, .1, .1, .8, .1, .5, .2, .3, .6, .3, .1};
  p.path = {"x/1.png", "x.y/2", "", "x/3.tar.jpg"};
  return p;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("plots are whole SVG with escaped names", "[metrics]") {
  const auto plots = all_plots(example());
  REQUIRE(plots.size() == 4);
  for (const auto& [name, svg] : plots) {
    INFO(name);
    CHECK(svg.rfind("<svg xmlns=", 0) == 0);
    CHECK(svg.substr(svg.size() - 7) == "</svg>\n");
    CHECK(count(svg, "<text") == count(svg, "</text>"));
    CHECK(svg.find("a<b") == std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
  }
  CHECK(plots[0].first == "confusion_matrix.svg");
  CHECK(plots[0].second.find("a&lt;b") != std::string::npos);
  CHECK(plots[0].second.find("&quot;c&quot; &amp; d") != std::string::npos);
  CHECK(count(plots[0].second, "<rect") == 1 + 9);
  CHECK(plots[2].first == "roc.svg");
  CHECK(count(plots[2].second, "<path") == 3 + 1);
  CHECK(plots[2].second.find("all together") != std::string::npos);
}

TEST_CASE("plots of what there is", "[metrics]") {
  Predictions p = example();
  p.predicted = {0, 1, 0, 0};
  p.probability.clear();
  CHECK(all_plots(p).size() == 1);  // the matrix alone
  CHECK_THROWS_AS(roc_svg(p), OptionError);
  p.classes[2] = "caf\xe9";  // Latin-1
  CHECK(confusion_svg(single_label_metrics(p)).find("caf\xEF\xBF\xBD<") != std::string::npos);
  CHECK_THROWS_AS(reliability_svg(single_label_metrics(p).reliability, false), OptionError);
  Predictions many;
  for (int k = 0; k < 60; ++k) many.classes.push_back("class " + std::to_string(k));
  for (std::int64_t k = 0; k < 60; ++k) {
    many.truth.push_back(k);
    for (std::int64_t j = 0; j < 60; ++j) many.probability.push_back(j == k ? 0.41 : 0.01);
  }
  CHECK(roc_svg(many).find("each of 60 classes") != std::string::npos);
  CHECK(confusion_svg(single_label_metrics(many)).find("class 1") == std::string::npos);
  Predictions labels;
  labels.multi_label = true;
  labels.classes = {"a", "b"};
  labels.truth_labels = {1, 0, 1, 1};
  labels.probability = {.9, .2, .6, .7};
  const auto plots = all_plots(labels);
  REQUIRE(plots.size() == 3);
  CHECK(plots[0].first == "reliability.svg");
  CHECK(plots[0].second.find("probability of a label") != std::string::npos);
}

TEST_CASE("labels.json of FiftyOne", "[metrics]") {
  const auto j = nlohmann::json::parse(fiftyone_labels(example()));
  CHECK(j["classes"].size() == 3);
  REQUIRE(j["labels"].size() == 3);  // the sample without a path is left out
  CHECK(j["labels"]["x/1"]["label"] == 0);
  CHECK(j["labels"]["x/1"]["confidence"] == .7);
  CHECK(j["labels"]["x.y/2"]["label"] == 1);
  CHECK(j["labels"]["x/3.tar"]["label"] == 0);
  Predictions multi;
  multi.multi_label = true;
  multi.classes = {"a", "b"};
  multi.truth_labels = {1, 0};
  multi.probability = {.9, .8};
  multi.path = {"p.png"};
  CHECK(nlohmann::json::parse(fiftyone_labels(multi))["labels"] ==
        nlohmann::json::parse(
            R"({"p": [{"label": 0, "confidence": 0.9}, {"label": 1, "confidence": 0.8}]})"));
  multi.path = {"/data/p.png"};  // as FiftyOne's importer has it, a path is the file itself
  CHECK(nlohmann::json::parse(fiftyone_labels(multi))["labels"].contains("/data/p.png"));
  CHECK(names_files(multi));
  multi.path.clear();
  CHECK_FALSE(names_files(multi));
  CHECK_THROWS_AS(fiftyone_labels(multi), OptionError);
}

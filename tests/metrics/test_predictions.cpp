// predictions.csv: what is written reads back, what others write is understood, and errors name
// file, line, column, what was found and what was expected.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/random.h>
#include <taxon/metrics/at_threshold.h>
#include <taxon/metrics/predictions.h>

#include "catch.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>

using namespace taxon;

namespace {

Predictions parse(const std::string& text, std::optional<bool> multi = std::nullopt) {
  PredictionsOptions options;
  options.multi_label = multi;
  return parse_predictions(text, "p.csv", options);
}

std::string error_of(const std::string& text, std::optional<bool> multi = std::nullopt) {
  try {
    parse(text, multi);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "no error";
}

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

std::vector<float> softmax_like(Rng& rng, std::size_t n, std::size_t c) {
  std::vector<float> p(n * c);
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    std::vector<double> e(c);
    for (double& v : e) sum += v = std::exp(3 * rng.normal());
    for (std::size_t k = 0; k < c; ++k) p[i * c + k] = static_cast<float>(e[k] / sum);
  }
  return p;
}

}  // namespace

TEST_CASE("metrics of the written file equal those of the predictions bit for bit", "[metrics]") {
  Rng rng(11);
  constexpr std::size_t n = 60, c = 4;
  Predictions p;
  p.classes = {"plain", "with, comma", "with \"quote\"", " spaced "};
  p.probability = as_written(softmax_like(rng, n, c));
  SECTION("single-label") {
    for (std::size_t i = 0; i < n; ++i) p.truth.push_back(static_cast<std::int64_t>(rng.below(c)));
    for (std::size_t i = 0; i < n; ++i) p.path.push_back("a,b/" + std::to_string(i) + "\n.png");
  }
  SECTION("multi-label") {
    p.multi_label = true;
    p.classes[3] = "last";
    for (std::size_t i = 0; i < n * c; ++i)
      p.truth_labels.push_back(static_cast<std::uint8_t>(rng.below(2)));
    for (double& v : p.probability) v = std::min(1.0, 2 * v);
  }
  complete(p);
  const auto folder = std::filesystem::temp_directory_path() /
                      ("taxon-predictions-" + std::to_string(mix(n, p.multi_label ? 1 : 0)));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "predictions.csv").string();
  write_predictions(path, p);
  Predictions back = read_predictions(path);
  std::filesystem::remove_all(folder);
  CHECK(back.multi_label == p.multi_label);
  CHECK(back.classes == p.classes);
  CHECK(back.path == (p.path.empty() ? std::vector<std::string>(n) : p.path));
  CHECK(back.truth == p.truth);
  CHECK(back.predicted == p.predicted);
  CHECK(back.truth_labels == p.truth_labels);
  CHECK(back.predicted_labels == p.predicted_labels);
  CHECK(back.probability == p.probability);
  CHECK(back.confidence == p.confidence);
  back.threshold = p.threshold;  // not in the file
  CHECK(metrics_json(back) == metrics_json(p));
}

TEST_CASE("a float is written in its shortest form", "[metrics]") {
  const std::vector<double> v = as_written(std::vector<float>{0.1F, 1.0F, 0.33333334F, 1e-30F});
  CHECK(v == std::vector<double>{0.1, 1.0, 0.33333334, 1e-30});
}

TEST_CASE("the header and rows of predictions.csv", "[metrics]") {
  Predictions p;
  p.classes = {"cat", "dog"};
  p.truth = {1};
  p.path = {"d/1.png"};
  p.probability = {0.25, 0.75};
  complete(p);
  CHECK(predictions_csv(p) ==
        "id,path,true,predicted,confidence,loss,prob_cat,prob_dog\n"
        "0,d/1.png,dog,dog,0.75,0.287682,0.25,0.75\n");
}

TEST_CASE("anyone's predictions are read", "[metrics]") {
  SECTION("only true and predicted: classes sorted by name") {
    const Predictions p = parse("true,predicted\r\nzebra,ant\r\nant,ant\r\n");
    CHECK_FALSE(p.multi_label);
    CHECK(p.classes == std::vector<std::string>{"ant", "zebra"});
    CHECK(p.truth == std::vector<std::int64_t>{1, 0});
    CHECK(p.predicted == std::vector<std::int64_t>{0, 0});
    CHECK(p.probability.empty());
  }
  SECTION("only probabilities: classes as they stand, other columns and blank lines ignored") {
    const Predictions p =
        parse("\xEF\xBB\xBFmodel,prob_b,true,prob_a\n\nm, 0.75 ,a,.25\nm,1e-3,\"b\",0.999\n");
    CHECK(p.classes == std::vector<std::string>{"b", "a"});
    CHECK(p.truth == std::vector<std::int64_t>{1, 0});
    CHECK(p.predicted.empty());
    CHECK(p.probability == std::vector<double>{0.75, 0.25, 1e-3, 0.999});
    CHECK(single_label_metrics(p).accuracy == 0);
  }
  SECTION("several labels") {
    const Predictions p = parse("true,predicted\na|b,a\n,b\n\"c\",c | a\n");
    CHECK(p.multi_label);
    CHECK(p.classes == std::vector<std::string>{"a", "b", "c"});
    CHECK(p.truth_labels == std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0, 0, 0, 1});
    CHECK(p.predicted_labels == std::vector<std::uint8_t>{1, 0, 0, 0, 1, 0, 1, 0, 1});
  }
  SECTION("probabilities that do not sum to one are of several labels") {
    CHECK(parse("true,prob_a,prob_b\na,0.9,0.8\nb,0.1,0.2\n").multi_label);
  }
  SECTION("a class name may hold the separator") {
    CHECK_FALSE(parse("true,prob_a|b,prob_c\na|b,0.9,0.1\n").multi_label);
  }
  SECTION("another separator") {
    PredictionsOptions options;
    options.label_separator = ";";
    CHECK(parse_predictions("true,predicted\na;b,a\n", "p", options).classes.size() == 2);
  }
  SECTION("a confidence column gives the calibration error") {
    const Predictions p = parse("true,predicted,confidence\na,a,0.75\nb,b,0.75\n");
    CHECK(*single_label_metrics(p).ece == Approx(0.25));
  }
}

TEST_CASE("errors of predictions.csv", "[metrics]") {
  mentions(error_of(""), "p.csv: empty, expected a header");
  mentions(error_of("true,predicted\n"), "p.csv: no predictions");
  mentions(error_of("ture,predicted\na,b\n"), "p.csv:1: no column 'true' (did you mean 'ture'?)");
  mentions(error_of("true,id\na,b\n"), "p.csv:1: found neither a column 'predicted'");
  mentions(error_of("true,predicted,true\na,b,c\n"), "p.csv:1: column 'true' stands twice");
  mentions(error_of("true,predicted\na,b\na\n"), "p.csv:3: found 1 cells, expected the header's 2");
  mentions(error_of("true,predicted\n\"a,b\n"),
           "p.csv:2: a quoted cell begins here and never ends");
  mentions(error_of("true,predicted\n\"a\"x,b\n"), "p.csv:2: found 'x' after a closing quote");
  const std::string header = "true,prob_cat,prob_dog\n";
  mentions(error_of(header + "cat,0.5,0.5\nbird,0.5,0.5\n"),
           "p.csv:3: column 'true': found 'bird', expected one of the 2 classes");
  mentions(error_of(header + "cta,0.5,0.5\n"), "did you mean 'cat'?");
  mentions(error_of(header + ",0.5,0.5\n"), "expected a class name");
  mentions(error_of(header + "\"cat\n\",0.5,0.5\n", false), "p.csv:2: column 'true'");
  for (const char* bad : {"x", "", "nan", "-0.5", "1.5", "0.5 0.5", "inf", "0,5"}) {
    const std::string cell = std::string(bad).find(',') == std::string::npos
                                 ? std::string(bad)
                                 : "\"" + std::string(bad) + "\"";
    mentions(error_of(header + "cat,0.5," + cell + "\n"), "p.csv:2: column 'prob_dog': found '" +
                                                              std::string(bad) +
                                                              "', expected a number from 0 to 1");
  }
  CHECK_THROWS_AS(read_predictions("/nonexistent/p.csv"), IoError);
}

TEST_CASE("columns that do not fit each other are refused", "[metrics]") {
  Predictions p;
  p.classes = {"a", "b"};
  p.truth = {0, 1};
  CHECK_THROWS_AS(complete(p), ShapeError);
  p.probability = {0.5, 0.5};
  CHECK_THROWS_AS(complete(p), ShapeError);
  p.probability = {0.5, 0.5, 0.1, 0.9};
  complete(p);
  CHECK(p.predicted == std::vector<std::int64_t>{0, 1});
  CHECK_THROWS_AS(multi_label_metrics(p), OptionError);
}

namespace {

// A file in the temporary folder, gone at the end of a test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) : path_(name()) {
    write_file_atomic(path_, text);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  static std::string name() {
    static int count = 0;
    return (std::filesystem::temp_directory_path() /
            ("taxon-csv-" + std::to_string(::getpid()) + "-" + std::to_string(count++)))
        .string();
  }
  std::string path_;
};

// About 20 MB: more than two blocks of the reader.
std::string many_rows(std::size_t rows, const std::string& end, bool quotes) {
  std::string out = "id,true,predicted,confidence,note" + end;
  for (std::size_t i = 0; i < rows; ++i) {
    out += std::to_string(i) + (i % 3 == 0 ? ",cat," : ",dog,") + (i % 5 == 0 ? "cat" : "dog");
    out += ",0." + std::to_string(1 + i % 9) + ",";
    if (quotes && i % 7 == 0) {
      out += "\"a, \"\"quoted\"\"" + end + "line\"";
    } else {
      out += "some words that make the row longer than it needs to be";
    }
    out += end;
  }
  return out;
}

}  // namespace

TEST_CASE("files of several blocks are read whole", "[metrics]") {
  constexpr std::size_t rows = 250'000;
  for (const char* end : {"\n", "\r\n", "\r"})
    for (const bool quotes : {false, true}) {
      const TemporaryFile file(many_rows(rows, end, quotes));
      const Predictions p = read_predictions(file.path());
      CHECK(p.classes == std::vector<std::string>{"cat", "dog"});
      REQUIRE(p.truth.size() == rows);
      REQUIRE(p.confidence.size() == rows);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        const bool right = p.truth[i] == (i % 3 == 0 ? 0 : 1) &&
                           p.predicted[i] == (i % 5 == 0 ? 0 : 1) && p.id[i] == std::to_string(i) &&
                           p.confidence[i] == static_cast<double>(1 + i % 9) / 10;
        wrong += right ? 0 : 1;
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("an error in a far block names its line", "[metrics]") {
  const auto error_in = [](const std::string& text) {
    const TemporaryFile file(text);
    try {
      read_predictions(file.path());
    } catch (const FormatError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string rows = many_rows(250'000, "\n", false);
  mentions(error_in(rows + "1,cat,dog,1.5,x\n"), ":250002: column 'confidence': found '1.5'");
  mentions(error_in(rows + "1,cat,dog\n" + rows), ":250002: found 3 cells");
  mentions(error_in(rows + "1,cat,dog,,x\n"), ":250002: column 'confidence': found ''");
  mentions(error_in(rows + "1,\"cat,dog,,x\n"), ":250002: a quoted cell begins here");
}

TEST_CASE("other formats than comma-separated UTF-8 are recognised", "[metrics]") {
  mentions(error_of("true;predicted\na;b\n"), "separated by semicolons, expected commas");
  mentions(error_of("true\tpredicted\na\tb\n"), "separated by tabs, expected commas");
  mentions(error_of(std::string("\xFF\xFEt\0r\0u\0e\0\n\0", 12)),
           "p.csv:1: this is UTF-16, expected UTF-8");
}

TEST_CASE("a label that holds the separator is not written", "[metrics]") {
  Predictions p;
  p.multi_label = true;
  p.classes = {"a|b", "c"};
  p.truth_labels = p.predicted_labels = {1, 0};
  CHECK_THROWS_AS(predictions_csv(p), OptionError);
  CHECK(predictions_csv(p, ";").find("a|b,a|b") != std::string::npos);
}

TEST_CASE("weights and sums of predictions.csv", "[metrics]") {
  const Predictions p = parse("true,predicted,weight\na,a,3\na,b,1\n");
  CHECK(p.weight == std::vector<double>{3, 1});
  CHECK(single_label_metrics(p).accuracy == 0.75);
  mentions(error_of("true,predicted,weight\na,b,-1\n"), "column 'weight': found '-1'");
  mentions(error_of("true,prob_a,prob_b\na,0.5,0.5\na,0.7,0.5\na,0.5,0.5\n"),
           "the probabilities of prediction 2 sum to 1.2, expected 1");
  CHECK(parse("true,prob_a,prob_b\na,0.33,0.66\n").probability.size() == 2);  // rounded off
  mentions(error_of("true,prob_a,prob_b\na,0.5,0.5\na,0.33,0.64\n"), "sum to 0.97, expected 1");
  CHECK(parse("true,prob_a,prob_b,prob_c,prob_d,prob_e\na,0.2,0.2,0.2,0.2,0.22\n").truth.size() ==
        1);
  mentions(error_of("true,predicted,weight\na,b,inf\n"), "column 'weight': found 'inf'");
  CHECK(parse("true,prob_a,prob_b\na,1,1e-400\n").probability == std::vector<double>{1, 0});
  mentions(error_of("true,prob_a,prob_b\na,0.9,0.9\n", false), "--task multi");
}

TEST_CASE("figures at one threshold", "[metrics]") {
  Predictions p;
  p.classes = {"a", "b"};
  p.truth = {0, 1, 1, 0};
  p.probability = {.9, .1, .4, .6, .7, .3, .5, .5};
  const ThresholdFigures f = threshold_figures(p, .5);
  CHECK(f.per_class[0].true_positives == 2);  // .9 and .5
  CHECK(f.per_class[0].false_positives == 1);
  CHECK(f.per_class[0].true_negatives == 1);
  CHECK(f.per_class[0].precision == Approx(2.0 / 3));
  CHECK(f.per_class[0].false_positive_rate == .5);
  CHECK(f.per_class[1].true_positives == 1);
  CHECK(f.per_class[1].false_positives == 1);  // .5
  CHECK(f.per_class[1].false_negatives == 1);
  CHECK(f.micro.true_positives == 3);
  CHECK(f.answered == 1.0);
  CHECK(f.answered_accuracy == .75);
  const ThresholdFigures high = threshold_figures(p, .8);
  CHECK(high.answered == .25);
  CHECK(high.answered_accuracy == 1.0);
  CHECK_FALSE(high.per_class[1].precision.has_value());
  CHECK(high.macro_precision == .5);
  CHECK_FALSE(threshold_figures(p, 1).answered_accuracy.has_value());
  CHECK_THROWS_AS(threshold_figures(p, 1.5), OptionError);
  p.probability.clear();
  CHECK_THROWS_AS(threshold_figures(p, .5), OptionError);
  // At a class's own threshold the figures of several labels are those of metrics.json.
  Predictions multi = parse("true,prob_a,prob_b\na|b,0.9,0.8\nb,0.6,0.2\n,0.7,0.1\n");
  multi.threshold = {.6, .6};
  const MultiLabelMetrics m = multi_label_metrics(multi);
  const ThresholdFigures same = threshold_figures(multi, .6);
  CHECK(same.micro.f1 == m.micro.f1);
  CHECK(same.macro_f1 == m.macro.f1);
  CHECK(same.per_class[0].precision == m.per_class[0].precision);
}

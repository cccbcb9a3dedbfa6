// Cross-validation: a run a fold, predictions of every sample, figures, going on.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/train/folds.h>

#include "train_test.h"

#include <algorithm>
#include <set>

using namespace taxon;

namespace {

// 9 and 6 pictures in class folders, without splits.
void write_pictures(const Folder& folder) {
  std::uint64_t seed = 0;
  write_halves(folder / "data", 9, 6, seed);
}

std::vector<TrainSetting> settings(const Folder& folder, const std::string& out) {
  return {{"data", folder / "data"},
          {"model", "mlp"},
          {"size", "8"},
          {"epochs", "2"},
          {"batch", "4"},
          {"lr", "0.02"},
          {"folds", "3"},
          {"out", folder / out}};
}

Predictions predictions(const std::string& bias) {
  Predictions p;
  p.classes = {"a", "b"};
  p.truth = {0, 0, 1, 1};
  p.predicted = bias == "all a" ? std::vector<std::int64_t>{0, 0, 0, 0} : p.truth;
  return p;
}

}  // namespace

TEST_CASE("a fold's figures: mean, deviation of the sample, worst") {
  const auto figures = fold_figures({predictions(""), predictions("all a"), predictions("")});
  REQUIRE(figures.size() == 4);
  CHECK(figures[0].name == "accuracy");
  CHECK(figures[0].values == std::vector<double>{1, 0.5, 1});
  CHECK(figures[0].mean == Approx(2.5 / 3).epsilon(1e-12));
  CHECK(figures[0].deviation == Approx(0.5 / std::sqrt(3.0)).epsilon(1e-12));
  CHECK(figures[0].worst == 0.5);
  CHECK(figures[3].name == "log_loss");
}

TEST_CASE("every sample is predicted by the run that did not train on it") {
  const Folder folder;
  write_pictures(folder);
  std::vector<std::int64_t> done;
  RunCallbacks callbacks;
  callbacks.on_fold = [&](std::int64_t fold, const std::string&, const Predictions& p) {
    done.push_back(fold);
    CHECK(p.samples() == 5);
  };
  const FoldsResult result = train_folds(settings(folder, "cv"), callbacks);
  CHECK(done == std::vector<std::int64_t>{1, 2, 3});
  CHECK(result.folder == folder / "cv");
  CHECK(result.predictions.samples() == 15);
  const std::set<std::string> ids(result.predictions.id.begin(), result.predictions.id.end());
  CHECK(ids.size() == 15);
  double mean = 0;
  for (int i = 1; i <= 3; ++i) {
    const std::string run = folder / ("cv/fold-" + std::to_string(i));
    CHECK(file_exists(run + "/best.safetensors"));
    mean += single_label_metrics(read_predictions(run + "/predictions.csv")).accuracy / 3;
  }
  CHECK(result.figures.front().mean == Approx(mean).epsilon(1e-12));
  const Predictions written = read_predictions(folder / "cv/predictions.csv");
  CHECK(written.id == result.predictions.id);
  CHECK(written.probability == result.predictions.probability);
  CHECK(read_text(folder / "cv/metrics.json") == metrics_json(written, 2) + "\n");
  CHECK(read_text(folder / "cv/folds.json").find("\"worst\"") != std::string::npos);

  // A fold is a run of its own, which repeats bit for bit, alone or in the whole.
  auto one = settings(folder, "alone");
  one.emplace_back("fold", "2");
  train_run(one);
  const std::string weights = "/last.safetensors";
  CHECK(read_file(folder / ("alone" + weights)) == read_file(folder / ("cv/fold-2" + weights)));
}

TEST_CASE("an interrupted cross-validation goes on to the same predictions") {
  const Folder folder;
  write_pictures(folder);
  const FoldsResult whole = train_folds(settings(folder, "whole"));
  std::atomic<bool> interrupt{false};
  std::int64_t fold = 0;
  RunCallbacks callbacks;
  callbacks.on_start = [&](const RunStart& s) { fold = s.options.fold; };
  callbacks.on_step = [&](const StepReport& r) { interrupt = fold == 2 && r.epoch == 2; };
  const FoldsResult part = train_folds(settings(folder, "part"), callbacks, &interrupt);
  REQUIRE(part.interrupted);
  CHECK(file_exists(folder / "part/fold-1/metrics.json"));
  CHECK_FALSE(file_exists(folder / "part/fold-3"));
  CHECK_FALSE(file_exists(folder / "part/folds.json"));
  std::filesystem::create_directories(folder / "part/fold-3");  // as a kill may leave it
  CHECK(is_folds_folder(part.folder));
  CHECK_FALSE(is_folds_folder(folder / "part/fold-1"));
  const FoldsResult rest = resume_folds(part.folder, {{"threads", "1"}});
  CHECK(rest.predictions.probability == whole.predictions.probability);
  CHECK(read_file(folder / "part/predictions.csv") == read_file(folder / "whole/predictions.csv"));
  CHECK(read_file(folder / "part/folds.json") == read_file(folder / "whole/folds.json"));
  REQUIRE_THROWS_AS(resume_folds(part.folder, {{"lr", "1"}}), OptionError);
  REQUIRE_THROWS_AS(resume_run(part.folder), OptionError);
}

TEST_CASE("folds that cannot be are refused before a folder is made") {
  const Folder folder;
  write_pictures(folder);
  const auto error = [&](const std::string& name, const std::string& value) {
    auto given = settings(folder, "none");
    given.emplace_back(name, value);
    try {
      train_folds(given);
    } catch (const OptionError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error("folds", "7").find("class 'bottom' has 6 samples") != std::string::npos);
  CHECK(error("folds", "1").find("--folds is 1, expected 2 or more") != std::string::npos);
  CHECK(error("val_fraction", "0.1").find("exclude each other") != std::string::npos);
  CHECK(error("fold", "4").find("fold 4 of 3") != std::string::npos);
  CHECK(error("folds", "0").find("folds is 0") != std::string::npos);
  CHECK_FALSE(file_exists(folder / "none"));
  auto given = settings(folder, "none");
  REQUIRE_THROWS_AS(train_run(given), OptionError);
}

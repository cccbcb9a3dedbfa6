// The figure on val that decides which model is the best.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/layers/layers.h>
#include <taxon/train/run.h>

#include "train_test.h"

#include <algorithm>

using namespace taxon;

namespace {

// Says class 0 of everything.
class Constant final : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    std::vector<float> logits;
    for (std::int64_t i = 0; i < x.dim(0); ++i) {
      logits.push_back(1);
      logits.push_back(0);
    }
    return Tensor::from(logits, Shape{x.dim(0), 2});
  }
  std::string str() const override { return "Constant"; }
};

// `rare` samples of the class bottom beside nine of top.
void write_uneven(const Folder& folder, std::int64_t rare) {
  std::uint64_t seed = 0;
  for (const std::string split : {"train", "val"})
    write_halves(folder / ("data/" + split), 9, rare, seed);
}

std::vector<TrainSetting> settings(const Folder& folder, const std::string& best) {
  return {{"data", folder / "data"},
          {"model", "mlp"},
          {"size", "8"},
          {"epochs", "6"},
          {"batch", "4"},
          {"lr", "0.0004"},
          {"seed", "2"},
          {"best", best},
          {"loss", "ce"},
          {"out", folder / "run"}};
}

}  // namespace

TEST_CASE("an epoch's figures tell a guess of the larger class from an answer") {
  LoaderOptions o;
  o.batch = 3;
  o.preprocess.height = o.preprocess.width = 8;
  std::vector<std::int64_t> uneven;  // 4 of the class "top", 1 of "bottom"
  for (const std::int64_t i : {0, 2, 4, 6, 1}) uneven.push_back(i);
  Loader loader(subset(halves(8, 3), uneven), o);
  Constant module;
  EpochResult r;
  REQUIRE(evaluate_epoch(module, *make_loss("ce", false), loader, r, nullptr));
  CHECK(r.score(BestMetric::accuracy) == 0.8);
  CHECK(r.score(BestMetric::balanced_accuracy) == 0.5);
  CHECK(r.score(BestMetric::macro_f1) == Approx(0.5 * 8.0 / 9.0).epsilon(1e-12));
  CHECK(std::isnan(r.score(BestMetric::mean_ap)));
}

TEST_CASE("a metric has a name and a task") {
  CHECK(parse_best("auto", Task::single) == BestMetric::accuracy);
  CHECK(parse_best("auto", Task::multi) == BestMetric::mean_ap);
  for (const BestMetric m :
       {BestMetric::accuracy, BestMetric::balanced_accuracy, BestMetric::macro_f1}) {
    CHECK(parse_best(name_of(m), Task::single) == m);
    REQUIRE_THROWS_AS(parse_best(name_of(m), Task::multi), OptionError);
  }
  for (const BestMetric m : {BestMetric::mean_ap, BestMetric::f1_micro, BestMetric::f1_macro}) {
    CHECK(parse_best(name_of(m), Task::multi) == m);
    REQUIRE_THROWS_AS(parse_best(name_of(m), Task::single), OptionError);
  }
}

TEST_CASE("the chosen figure decides best, patience and target") {
  const Folder folder;
  write_uneven(folder, 3);
  const RunResult run = train_run(settings(folder, "balanced_accuracy"));
  CHECK(run.selected);
  CHECK(run.best == BestMetric::balanced_accuracy);
  const auto& results = run.progress.results;
  double highest = -1;
  std::int64_t first = 0;
  for (const EpochResult& r : results) {
    if (r.balanced_accuracy > highest) first = r.epoch;
    highest = std::max(highest, r.balanced_accuracy);
  }
  CHECK(run.progress.best == highest);
  CHECK(run.progress.best_epoch == first);
  CHECK(std::any_of(results.begin(), results.end(),
                    [](const EpochResult& r) { return r.top1 != r.balanced_accuracy; }));

  const std::string csv = read_text(run.folder + "/results.csv");
  CHECK(csv.find(",lr,metrics/balanced_accuracy\n") != std::string::npos);
  // A checkpoint keeps the figures.
  const RunResult again = resume_run(run.folder);
  CHECK(again.progress.results.back().balanced_accuracy == results.back().balanced_accuracy);
  CHECK(again.progress.results.back().macro_f1 == results.back().macro_f1);

  std::vector<TrainSetting> target = settings(folder, "balanced_accuracy");
  target.emplace_back("target", "0.6");
  const RunResult stopped = train_run(target);
  for (const EpochResult& r : stopped.progress.results) {
    const bool last = r.epoch == stopped.progress.epoch;
    CHECK((r.balanced_accuracy >= 0.6) == (last && stopped.stopped_early));
  }
}

TEST_CASE("a figure other than the default needs a val split") {
  const Folder folder;
  write_uneven(folder, 3);
  std::filesystem::rename(folder / "data/val", folder / "data/test");
  CHECK_FALSE(train_run(settings(folder, "accuracy")).selected);
  REQUIRE_THROWS_AS(train_run(settings(folder, "macro_f1")), OptionError);
}

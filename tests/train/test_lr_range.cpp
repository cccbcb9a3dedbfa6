// The learning-rate range test: where it stops, what it picks, and that a run uses it.
#include "catch.h"

#include <taxon/base/file.h>
#include <taxon/base/interrupted.h>
#include <taxon/layers/layers.h>
#include <taxon/train/lr_range.h>
#include <taxon/train/run.h>

#include "train_test.h"

#include <cmath>

using namespace taxon;

namespace {

// `hopeless`: a linear model on blended images, which no rate fits and a large one throws far off.
TrainerParts parts(std::int64_t batch = 8, bool hopeless = false) {
  Init init;
  init.seed = 3;
  auto net = std::make_shared<Sequential>();
  net->add<Flatten>();
  if (!hopeless) net->add<Linear>(8 * 8 * 3, 8, init).add<ReLU>();
  net->add<Linear>(hopeless ? 8 * 8 * 3 : 8, 2, init);
  TrainerParts out;
  out.model = net;
  SgdOptions sgd;
  sgd.momentum = 0.9;
  out.optimizer = std::make_unique<Sgd>(param_groups(*net, 0), 1, sgd);
  out.loss = make_loss("ce", false);
  out.watch_loss = make_loss("ce", false);
  LoaderOptions o;
  o.batch = batch;
  o.shuffle = true;
  o.mixup = hopeless ? 1 : 0;
  o.preprocess.height = o.preprocess.width = 8;
  out.train = std::make_unique<Loader>(halves(64, 1), o);
  return out;
}

// A loss that falls by a logistic curve around `middle`, in the logarithm of the rate.
LrRange curve(double middle, double high) {
  LrRange out;
  for (int i = 0; i < 100; ++i) {
    const double lr = 1e-6 * std::pow(high / 1e-6, i / 99.0);
    const double loss = 2.3 - 2 / (1 + std::pow(middle / lr, 2));
    out.steps.push_back({lr, loss, loss});
  }
  return out;
}

void write_pictures(const Folder& folder) {
  for (const std::string split : {"train", "val"}) {
    for (std::int64_t label = 0; label < 2; ++label) {
      const std::string to = folder / ("data/" + split + (label == 0 ? "/top" : "/bottom"));
      std::filesystem::create_directories(to);
      for (std::int64_t i = 0; i < 8; ++i) {
        const auto seed = static_cast<std::uint64_t>(i + 100 * label);
        save_png(half_image(label, seed), to + "/" + std::to_string(i) + ".png");
      }
    }
  }
}

}  // namespace

TEST_CASE("the choice is the steepest fall, or a tenth of where it ends") {
  LrRange steep = curve(0.01, 10);
  choose_lr(steep);
  CHECK(steep.steepest == Approx(0.01).epsilon(0.15));
  CHECK(steep.lr == Approx(steep.steepest).epsilon(0.05));
  LrRange late = curve(0.5, 1);
  choose_lr(late);
  CHECK(late.steepest > 0.3);
  CHECK(late.lr == 0.1);
  LrRange flat;
  for (int i = 0; i < 9; ++i) flat.steps.push_back({std::pow(10.0, i), 1.0 + i, 1.0 + i});
  CHECK_THROWS_AS(choose_lr(flat), TrainingError);
  LrRange none;
  CHECK_THROWS_AS(choose_lr(none), TrainingError);
}

TEST_CASE("rates rise until the loss diverges; the chosen one trains") {
  const LrRange r = lr_range_test(parts(), {});
  REQUIRE(r.steps.size() > 50);
  CHECK(r.steps[0].lr == 1e-6);
  CHECK(r.steps[1].lr == Approx(1e-6 * std::pow(1e7, 1.0 / 99)));
  CHECK(r.steps[0].smoothed == Approx(r.steps[0].loss));
  CHECK(r.lr > 1e-4);
  CHECK(r.lr <= r.steps.back().lr / 10 * 1.05);
  CHECK(r.csv().rfind("lr,loss,smoothed\n1e-06,", 0) == 0);
  CHECK(r.text().rfind("--lr auto: ", 0) == 0);
  CHECK(r.plot().find('*') != std::string::npos);

  LrRangeOptions wide;
  wide.high = 1e6;
  const LrRange d = lr_range_test(parts(8, true), wide);
  CHECK(d.diverged);
  CHECK(d.steps.size() < 100);

  // Updates of two batches: as many rates as with one batch of their size.
  LrRangeOptions two;
  two.accumulate = 2;
  const LrRange a = lr_range_test(parts(4), two);
  REQUIRE(a.steps.size() == r.steps.size());
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK(a.steps[i].lr == r.steps[i].lr);
    CHECK(a.steps[i].loss == Approx(r.steps[i].loss).epsilon(1e-3));
  }
  const std::atomic<bool> interrupt{true};
  CHECK_THROWS_AS(lr_range_test(parts(), {}, &interrupt), Interrupted);
}

TEST_CASE("a run with --lr auto trains as one with the number that was picked") {
  const Folder folder;
  write_pictures(folder);
  std::vector<TrainSetting> given = {
      {"data", folder / "data"}, {"model", "resnet8"},   {"size", "8"},
      {"epochs", "2"},           {"batch", "4"},         {"lr", "auto"},
      {"freeze", "1"},           {"out", folder / "run"}};
  RunCallbacks callbacks;
  double found = 0, used = 0;
  callbacks.on_lr_range = [&](const LrRange& range, const std::string&) { found = range.lr; };
  callbacks.on_start = [&](const RunStart& s) { used = s.options.lr; };
  const RunResult automatic = train_run(given, callbacks);
  CHECK(found > 0);
  CHECK(used == found);
  CHECK(file_exists(automatic.folder + "/lr_range.csv"));
  const std::string args = read_text(automatic.folder + "/args.toml");
  CHECK(args.find(text("lr = ", found)) != std::string::npos);

  // The model that is trained was not touched.
  given[5].second = text(found);
  const RunResult same = train_run(given);
  const auto last = [](const RunResult& r) { return read_file(r.folder + "/last.safetensors"); };
  const bool untouched = last(same) == last(automatic);
  CHECK(untouched);

  // Interrupted while it looks: it looks again.
  given[5].second = "auto";
  std::atomic<bool> interrupt{true};
  const RunResult stopped = train_run(given, {}, &interrupt);
  REQUIRE(stopped.interrupted);
  CHECK(read_text(stopped.folder + "/args.toml").find("lr = \"auto\"") != std::string::npos);
  const RunResult rest = resume_run(stopped.folder);
  const bool again = last(rest) == last(automatic);
  CHECK(again);
  CHECK(read_text(rest.folder + "/args.toml").find(text("lr = ", found)) != std::string::npos);
}

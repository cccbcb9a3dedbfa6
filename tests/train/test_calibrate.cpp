// What val decides once a run is trained: temperature, prediction sets, silence, thresholds.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/data/sources.h>
#include <taxon/metrics/curves.h>
#include <taxon/models/classifier.h>
#include <taxon/train/calibrate.h>
#include <taxon/train/run.h>

#include "train_test.h"

using namespace taxon;

namespace {

// train/val/test of class folders; every fourth picture of val and test lies in the wrong one.
void write_pictures(const Folder& folder, bool with_val) {
  std::uint64_t seed = 0;
  for (const std::string split : {"train", "val", "test"}) {
    if (split == "val" && !with_val) continue;
    for (std::int64_t label = 0; label < 2; ++label) {
      const std::string to = folder / ("data/" + split + (label == 0 ? "/top" : "/bottom"));
      std::filesystem::create_directories(to);
      for (std::int64_t i = 0; i < 12; ++i) {
        const bool wrong = split != "train" && i % 4 == 0;
        save_png(half_image(wrong ? 1 - label : label, ++seed),
                 to + "/" + std::to_string(i) + ".png");
      }
    }
  }
}

std::vector<TrainSetting> settings(const Folder& folder) {
  return {{"data", folder / "data"}, {"model", "mlp"}, {"size", "8"},
          {"epochs", "6"},           {"batch", "4"},   {"lr", "0.05"},
          {"label_smoothing", "0"},  {"seed", "2"},    {"out", folder / "run"}};
}

double val_loss(LoadedModel& model, const Folder& folder) {
  const Predictions p = evaluate(*model.model, model.meta, open_dataset(folder / "data", {}).val);
  return log_loss(p.probability, 2, p.truth);
}

}  // namespace

TEST_CASE("a run with a val split is calibrated on it") {
  const Folder folder;
  write_pictures(folder, true);
  const RunResult run = train_run(settings(folder));
  LoadedModel best = load_model(run.folder + "/best.safetensors");
  REQUIRE_FALSE(best.meta.conformal.empty());
  REQUIRE_FALSE(best.meta.selective.empty());
  CHECK(best.meta.selective.back().coverage == 1);
  // A quarter of val is wrong to a model that is sure of itself: it must become less sure.
  CHECK(best.meta.temperature > 1.5);
  // Before the temperature: what the model says without it.
  REQUIRE(run.figures.ece_before.has_value());
  const double calibrated = val_loss(best, folder);
  best.meta.temperature = 1;
  CHECK(calibrated < val_loss(best, folder));
  const Predictions plain =
      evaluate(*best.model, best.meta, open_dataset(folder / "data", {}).test);
  CHECK(*run.figures.ece_before == Approx(single_label_metrics(plain).ece.value()).margin(1e-4));
  const std::string json = read_text(run.folder + "/metrics.json");
  for (const char* key : {"\"calibration\"", "\"temperature\"", "\"prediction_sets\""})
    CHECK(json.find(key) != std::string::npos);
  CHECK(run.figures.sets.size() == 3);
  // The golden pair was made anew.
  const LoadedModel saved = load_model(run.folder + "/best.safetensors");
  CHECK(verify_golden(*saved.model, saved.meta) == 0);

  ClassifierOptions options;
  options.coverage = 0.5;
  options.accuracy = 0.5;  // what 18 right of 24 promise
  const Classifier classifier = Classifier::load(run.folder + "/best.safetensors", options);
  const Classification answer = classifier.classify(folder / "data/train/top/1.png");
  CHECK(answer.set.size() <= 2);
  for (const Label& l : answer.set)
    CHECK(static_cast<double>(l.probability) >= saved.meta.conformal.threshold(0.5));
  options.accuracy = 1;  // which no number of samples can promise
  CHECK_THROWS_AS(Classifier::load(run.folder + "/best.safetensors", options), OptionError);
}

TEST_CASE("--no-calibrate and data without val leave confidences as they are") {
  const Folder folder;
  const bool with_val = GENERATE(true, false);
  write_pictures(folder, with_val);
  std::vector<TrainSetting> given = settings(folder);
  if (with_val) given.emplace_back("no_calibrate", "true");
  std::string notes;
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { notes += note + "\n"; };
  const RunResult run = train_run(given, callbacks);
  const LoadedModel best = load_model(run.folder + "/best.safetensors");
  CHECK(best.meta.temperature == 1);
  CHECK(best.meta.conformal.empty());
  CHECK(best.meta.selective.empty());
  CHECK(run.figures.sets.empty());
  CHECK((notes.find("confidences are not calibrated") != std::string::npos) == !with_val);
  ClassifierOptions options;
  options.coverage = 0.9;
  CHECK_THROWS_AS(Classifier::load(run.folder + "/best.safetensors", options), OptionError);
}

TEST_CASE("thresholds of classes keep answers back") {
  const Folder folder;
  write_pictures(folder, true);
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("thresholds", "precision=1");
  std::string notes;
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { notes += note + "\n"; };
  const RunResult run = train_run(given, callbacks);
  // A quarter of val lies in the wrong folder: no threshold leaves right answers alone.
  CHECK(notes.find("or none that reach a precision of 1") != std::string::npos);
  LoadedModel best = load_model(run.folder + "/best.safetensors");
  REQUIRE(best.meta.thresholds.size() == 2);
  REQUIRE(run.figures.by_thresholds.has_value());
  CHECK(run.figures.by_thresholds->answered < 1);
  best.meta.thresholds = {1, 1};
  save_model(folder / "never.safetensors", *best.model, best.meta);
  const Classifier classifier = Classifier::load(folder / "never.safetensors");
  CHECK(classifier.classify(folder / "data/train/top/1.png").abstained);
  CHECK(read_text(run.folder + "/metrics.json").find("answers_by_thresholds") != std::string::npos);
}

TEST_CASE("a recall that answers cannot reach is not promised") {
  const Folder folder;
  write_pictures(folder, true);
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("thresholds", "recall=1");
  std::string notes;
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { notes += note + "\n"; };
  const RunResult run = train_run(given, callbacks);
  // A quarter of val lies in the wrong folder: some of a class are answered with the other, however
  // low the threshold is.
  CHECK(notes.find("or none that reach a recall of 1") != std::string::npos);
  REQUIRE(run.figures.by_thresholds.has_value());
  for (const AnswerFigures& promise : run.figures.answers)
    CHECK(promise.answered <= run.figures.by_thresholds->answered);
}

TEST_CASE("thresholds of several labels follow their aim") {
  const auto threshold_for = [](const char* aim) {
    ModelSpec spec;
    spec.name = "mlp";
    spec.height = spec.width = 8;
    spec.channels = 3;
    spec.classes = 2;
    spec.task = Task::multi;
    LoadedModel model{build_model(spec, 3), {}};
    model.model->eval();
    model.meta.spec = model.model->spec();
    model.meta.classes = {"top", "bottom"};
    model.meta.preprocess.height = model.meta.preprocess.width = 8;
    model.meta.preprocess.channels = 3;
    CalibrateOptions options;
    options.aim = parse_aim(aim);
    calibrate(model, halves(40, 5, Task::multi), options);
    CHECK(model.meta.thresholds.size() == 2);
    CHECK_FALSE(model.meta.conformal.empty());
    return model.meta.thresholds[0];
  };
  CHECK(threshold_for("recall=1") <= threshold_for("recall=0.5"));
  CHECK(threshold_for("recall=1") <= threshold_for("f1"));
}

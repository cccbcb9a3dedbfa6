// Whole runs: the folder's files, recipes and settings, fine-tuning, evaluation by class name.
#include "catch.h"

#include <taxon/base/file.h>
#include <taxon/data/sources.h>
#include <taxon/models/model_file.h>
#include <taxon/train/evaluate.h>
#include <taxon/train/recipe.h>
#include <taxon/train/run.h>

#include "train_test.h"

using namespace taxon;

namespace {

// train/val/test of class folders with `n` pictures each.
void write_pictures(const Folder& folder, std::int64_t n) {
  std::uint64_t seed = 0;
  for (const std::string split : {"train", "val", "test"}) {
    for (std::int64_t label = 0; label < 2; ++label) {
      const std::string to = folder / ("data/" + split + (label == 0 ? "/top" : "/bottom"));
      std::filesystem::create_directories(to);
      for (std::int64_t i = 0; i < n; ++i) {
        save_png(half_image(label, ++seed), to + "/" + std::to_string(i) + ".png");
      }
    }
  }
}

std::vector<TrainSetting> settings(const Folder& folder) {
  return {{"data", folder / "data"},
          {"model", "mlp"},
          {"size", "8"},
          {"epochs", "3"},
          {"batch", "4"},
          {"lr", "0.02"},
          {"seed", "2"},
          {"out", folder / "run"}};
}

}  // namespace

TEST_CASE("a run leaves the files of the contract") {
  const Folder folder;
  write_pictures(folder, 6);
  const RunResult result = train_run(settings(folder));
  CHECK_FALSE(result.interrupted);
  CHECK(result.folder == folder / "run");
  CHECK(result.split == "test");
  CHECK(result.predictions.samples() == 12);
  CHECK(result.progress.results.size() == 3);
  for (const char* file : {"args.toml", "results.csv", "best.safetensors", "last.safetensors",
                           "checkpoint.safetensors", "predictions.csv", "metrics.json"}) {
    CHECK(file_exists(result.folder + "/" + file));
  }
  CHECK(read_text(result.folder + "/results.csv") ==
        results_csv(result.progress.results, Task::single));

  // Loaded again, the best model says the same; classes are matched by name.
  LoadedModel best = load_model(result.folder + "/best.safetensors");
  DataOptions options;
  const Splits data = open_dataset(folder / "data", options);
  EvaluateOptions evaluation;
  evaluation.batch = 4;
  const Predictions again = evaluate(*best.model, best.meta, data.test, evaluation);
  CHECK(again.probability == result.predictions.probability);
  CHECK(verify_golden(*best.model, best.meta) == 0.0);

  // A second run with the same settings gets a folder of its own and the same weights.
  const RunResult second = train_run(settings(folder));
  CHECK(second.folder == folder / "run-2");
  CHECK(read_file(second.folder + "/last.safetensors") ==
        read_file(result.folder + "/last.safetensors"));
}

TEST_CASE("a run that is interrupted at once goes on to the same weights") {
  const Folder folder;
  write_pictures(folder, 6);
  const RunResult whole = train_run(settings(folder));
  std::atomic<bool> interrupt{true};
  const RunResult part = train_run(settings(folder), {}, &interrupt);
  REQUIRE(part.interrupted);
  CHECK(part.progress.step == 0);
  const RunResult rest = resume_run(part.folder);
  CHECK_FALSE(rest.interrupted);
  CHECK(rest.predictions.probability == whole.predictions.probability);
  REQUIRE_THROWS_AS(resume_run(part.folder, {{"lr", "1"}}), OptionError);
  REQUIRE_THROWS_AS(resume_run(folder / "nothing"), IoError);
}

TEST_CASE("balanced sampling goes on to the same weights wherever it was interrupted") {
  const Folder folder;
  write_pictures(folder, 6);
  for (int i = 1; i < 6; ++i) {
    std::filesystem::remove(folder / ("data/train/top/" + std::to_string(i) + ".png"));
  }
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("augment", "standard");
  const std::string plain = train_run(given).folder;
  given.emplace_back("sampling", "balanced");
  const RunResult whole = train_run(given);
  const auto weights = [](const std::string& run) { return read_file(run + "/last.safetensors"); };
  CHECK(weights(whole.folder) != weights(plain));
  std::atomic<bool> interrupt{false};
  RunCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& r) { interrupt = r.epoch == 2; };
  const RunResult part = train_run(given, callbacks, &interrupt);
  REQUIRE(part.interrupted);
  resume_run(part.folder);
  CHECK(weights(part.folder) == weights(whole.folder));
}

TEST_CASE("settings overrule the recipe, and the recipe the defaults") {
  const Folder folder;
  write_pictures(folder, 2);
  DataOptions options;
  const Splits data = open_dataset(folder / "data", options);
  TrainOptions base;
  base.seed = 9;
  const TrainOptions r = recipe(data, "", base).options;
  CHECK_FALSE(r.model.empty());
  CHECK(r.seed == 9);
  RunCallbacks callbacks;
  TrainOptions used;
  callbacks.on_start = [&](const RunStart& start) { used = start.options; };
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("schedule", "linear");
  train_run(given, callbacks);
  CHECK(used.schedule == "linear");
  CHECK(used.epochs == 3);
  CHECK(used.precision == "f32");
  CHECK(used.weight_decay == recipe(data, "mlp", base).options.weight_decay);
}

TEST_CASE("a recipe says what it chose and why") {
  const Folder folder;
  write_pictures(folder, 2);
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("lr", "0.25");
  const Recipe r = explain_run(given);
  const auto choice = [&](const std::string& option) {
    for (const Choice& c : r.choices) {
      if (c.option == option) return c;
    }
    FAIL("no choice of " << option);
    return Choice{};
  };
  CHECK(choice("lr").value == "0.25");
  CHECK(choice("lr").why == "given");
  CHECK(choice("schedule").why == "recipe for any data, mlp models");
  CHECK(choice("schedule").value == r.options.schedule);
  CHECK(choice("size").why == "given");
  CHECK(r.options.lr == 0.25);
}

TEST_CASE("options that need val say so where there is none") {
  const Folder folder;
  write_pictures(folder, 2);
  std::filesystem::remove_all(folder / "data/val");
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("patience", "2");
  REQUIRE_THROWS_AS(train_run(given), OptionError);
  CHECK_FALSE(file_exists(folder / "run"));
}

TEST_CASE("a run keeps its augmentation file, and repeats and goes on without the first one") {
  const Folder folder;
  write_pictures(folder, 6);
  write_file_atomic(folder / "my.toml", "preset = \"light\"\nhue = 0.1\n");
  std::vector<TrainSetting> given = settings(folder);
  given.emplace_back("augment", folder / "my.toml");
  const RunResult first = train_run(given);
  std::filesystem::remove(folder / "my.toml");
  const std::string kept = first.folder + "/augment.toml";
  CHECK(read_text(kept).find("hue = 0.1\n") != std::string::npos);

  auto again = settings_from_toml(read_text(first.folder + "/args.toml"), "args.toml");
  again.emplace_back("out", folder / "again");
  const RunResult second = train_run(again);
  CHECK(read_text(second.folder + "/augment.toml") == read_text(kept));
  CHECK(second.progress.results.back().train_loss == first.progress.results.back().train_loss);

  std::filesystem::rename(first.folder, folder / "moved");
  CHECK(resume_run(folder / "moved", {}).split == "test");
}

TEST_CASE("mixup and CutMix train, with losses that take shares of classes") {
  const Folder folder;
  write_pictures(folder, 6);
  const auto with = [&](const std::string& loss, const char* out) {
    std::vector<TrainSetting> given = settings(folder);
    given.emplace_back("mixup", "0.2");
    given.emplace_back("cutmix", "1");
    given.emplace_back("loss", loss);
    given.emplace_back("out", folder / out);
    return given;
  };
  for (const char* loss : {"ce", "bce", "focal"}) {
    CHECK(std::isfinite(train_run(with(loss, loss)).progress.results.back().train_loss));
  }
  try {
    train_run(with("asl", "asl"));
    CHECK(false);
  } catch (const OptionError& e) {
    CHECK(std::string(e.what()) ==
          "--mixup makes targets that are shares of classes, which --loss asl does not take; "
          "expected --loss ce or bce or focal");
  }
  CHECK_FALSE(file_exists(folder / "asl"));
}

TEST_CASE("fine-tuning takes another model's weights under a head for the classes") {
  const Folder folder;
  write_pictures(folder, 6);
  const RunResult first = train_run(settings(folder));
  std::filesystem::create_directories(folder / "data/train/side");
  for (int i = 0; i < 4; ++i) {
    save_png(half_image(i % 2, 99), folder / ("data/train/side/" + std::to_string(i) + ".png"));
  }
  std::vector<TrainSetting> given = settings(folder);
  given[1].second = first.folder + "/best.safetensors";
  given[2].second = "0";
  const RunResult tuned = train_run(given);
  CHECK(tuned.predictions.classes == std::vector<std::string>{"bottom", "side", "top"});
}

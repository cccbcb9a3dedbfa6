// Whole runs on the stand-in for a GPU.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/core/devices.h>
#include <taxon/models/model_file.h>
#include <taxon/train/run.h>

#include "host_backend.h"
#include "train/train_test.h"

using namespace taxon;
using namespace taxon::test;
using Catch::Contains;

namespace {

void write_pictures(const Folder& folder) {
  std::uint64_t seed = 0;
  for (const std::string split : {"train", "val", "test"})
    write_halves(folder / ("data/" + split), 12, 12, seed);
}

std::vector<TrainSetting> settings(const Folder& folder, const std::string& device) {
  return {{"data", folder / "data"},
          {"model", "resnet8"},
          {"size", "8"},
          {"epochs", "3"},
          {"batch", "8"},
          {"lr", "0.02"},
          {"seed", "2"},
          {"device", device},
          {"out", folder / device}};
}

}  // namespace

TEST_CASE("a run on a GPU is one on the CPU up to rounding, and its model runs anywhere") {
  const Folder folder;
  write_pictures(folder);
  const RunResult expected = train_run(settings(folder, "cpu"));
  const RunResult run = train_run(settings(folder, "cuda"));
  REQUIRE(run.progress.results.size() == expected.progress.results.size());
  for (std::size_t i = 0; i < run.progress.results.size(); ++i)
    CHECK(run.progress.results[i].train_loss ==
          Approx(expected.progress.results[i].train_loss).epsilon(1e-3));
  CHECK(run.figures.single.value().accuracy == expected.figures.single.value().accuracy);
  const LoadedModel model = load_model(run.folder + "/best.safetensors");
  CHECK(model.model->device() == cpu);
  CHECK(verify_golden(*model.model, model.meta) < 1e-4);
}

TEST_CASE("--fast is a switch of a run on a GPU") {
  const Folder folder;
  write_pictures(folder);
  auto given = settings(folder, "cuda");
  given.emplace_back("fast", "true");
  bool was_fast = false;
  std::string notes;
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { notes += note + "\n"; };
  callbacks.on_epoch = [&](const EpochResult&, bool) { was_fast = was_fast || host_is_fast; };
  train_run(given, callbacks);
  CHECK(was_fast);
  CHECK_FALSE(host_is_fast);
  CHECK_THAT(notes, Contains("--fast: results may differ between two runs"));
  given = settings(folder, "cpu");
  given.emplace_back("fast", "true");
  CHECK_THROWS_WITH(train_run(given), Contains("--fast is for GPUs"));
}

TEST_CASE("a batch too large for the memory is told with one to try") {
  const Folder folder;
  write_pictures(folder);
  auto given = settings(folder, "cuda");
  given.emplace_back("model", "resnet18");
  given.emplace_back("size", "256");
  host_most_bytes = std::size_t{16} << 20;  // more than any weight, less than a map of features
  CHECK_THROWS_WITH(train_run(given),
                    Contains("cuda:0: out of memory: ") && Contains("try --batch 4 in place of 8"));
  host_most_bytes = std::size_t{4} << 30;
}

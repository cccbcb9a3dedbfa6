// A whole training run: data, recipe, model, training, test, and the folder that holds it all.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/metrics/predictions.h>
#include <taxon/train/lr_range.h>
#include <taxon/train/options.h>
#include <taxon/train/trainer.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace taxon {

class Group;

/// What a run is about, once it is known and before the first step.
struct RunStart {
  std::string folder;
  TrainOptions options;  ///< as used: the recipe's, overruled by the settings
  std::string data;      ///< the data's name
  std::string model;
  std::int64_t parameters = 0, train_samples = 0, val_samples = 0, test_samples = 0, classes = 0;
  std::int64_t height = 0, width = 0, channels = 0;
  Task task = Task::single;
  std::string tuned_from;        ///< the model file whose weights are a start, or ""
  std::int64_t old_classes = 0;  ///< its classes, where its head was replaced for other ones; or 0
  std::int64_t from_epoch = 0, from_batch = 0;  ///< resumed: what was done already
};

struct RunCallbacks {
  Callback<void(const LrRange&, const std::string& file)> on_lr_range;  ///< before on_start
  Callback<void(const RunStart&)> on_start;
  Callback<void(const StepReport&)> on_step;
  Callback<void(const EpochResult&, bool best)> on_epoch;
  Callback<void(std::int64_t done, std::int64_t all)> on_test;
  Callback<void(const std::string&)> on_note;  ///< what a person should know
  /// Of a cross-validation: a fold is done, its run's folder, what it says of its part.
  Callback<void(std::int64_t fold, const std::string& folder, const Predictions&)> on_fold;
};

struct RunResult {
  std::string folder;
  bool interrupted = false;
  bool stopped_early = false;
  Progress progress;
  bool selected = false;  ///< a val split decided which model is best, by:
  BestMetric best = BestMetric::accuracy;
  std::string split;        ///< that the predictions are of: "test", "val", or "" for none
  Predictions predictions;  ///< of the best model
  Figures figures;          ///< of the predictions
};

/// Trains as the settings say (the rest by recipe) into a fresh folder, `out` or
/// runs/<data>-<model>, with -2, -3, ... if that is there. Files: args.toml, results.csv, (with
/// --lr auto) lr_range.csv, best.safetensors, last.safetensors, checkpoint.safetensors,
/// predictions.csv, metrics.json, embedding.csv. Throws OptionError, IoError, FormatError,
/// TrainingError; the last good model stays in the folder.
/// `group`: the processes that train together, each of which makes this call, or nullptr. The first
/// one writes the files, which all must be able to read, and has the predictions.
RunResult train_run(const std::vector<TrainSetting>& settings, const RunCallbacks& callbacks = {},
                    const std::atomic<bool>* interrupt = nullptr, Group* group = nullptr);

/// Goes on with an interrupted run. Ends with the same weights, bit for bit, as a run that was
/// never interrupted (one version, one instruction set). `settings` may hold threads and data_dir
/// only (OptionError otherwise).
RunResult resume_run(const std::string& folder, const std::vector<TrainSetting>& settings = {},
                     const RunCallbacks& callbacks = {},
                     const std::atomic<bool>* interrupt = nullptr, Group* group = nullptr);

/// results.csv of the contract: columns as Ultralytics writes them; and what decides best, where it
/// is none of them.
std::string results_csv(const std::vector<EpochResult>& results, Task task,
                        BestMetric best = BestMetric::accuracy);

}  // namespace taxon

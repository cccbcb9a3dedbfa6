// A training run from settings to the last file in its folder.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/parallel.h>
#include <taxon/metrics/classification.h>
#include <taxon/train/augment_file.h>
#include <taxon/train/evaluate.h>
#include <taxon/train/folds.h>
#include <taxon/train/run.h>

#include "checkpoint.h"
#include "run_folder.h"
#include "setup.h"

#include <optional>

namespace taxon {
namespace {

class Run {
 public:
  Run(Setup setup, std::string folder, const RunCallbacks& callbacks,
      const std::atomic<bool>* interrupt)
      : setup_(std::move(setup)),
        folder_(std::move(folder)),
        files_(folder_),
        callbacks_(callbacks),
        interrupt_(interrupt),
        fingerprint_(setup_.data.fingerprint()),
        best_(parse_best(setup_.options.best, setup_.data.task)) {
    TrainerParts parts = make_parts(setup_);
    result_model_ = parts.average ? std::static_pointer_cast<Model>(parts.average) : setup_.model;
    const std::int64_t batches = parts.train->batches();
    trainer_.emplace(std::move(parts), make_trainer_options(setup_, batches));
  }

  RunResult go(std::optional<Checkpoint> from) {
    if (from) restore(std::move(*from));
    announce();
    if (!file_exists(files_.checkpoint)) {  // a kill in the first epoch leaves a whole run too
      save_model_to(files_.last);
      save_progress();
    }
    RunResult result;
    result.folder = folder_;
    result.interrupted = fit() == Trainer::Outcome::interrupted;
    result.progress = trainer_->progress();
    result.stopped_early = result.progress.stopped;
    result.selected = setup_.select;
    result.best = best_;
    if (!result.interrupted) test(result);
    return result;
  }

 private:
  Trainer::Outcome fit() {
    try {
      return trainer_->fit(trainer_callbacks(), interrupt_);
    } catch (const TrainingError& e) {
      const auto epoch = trainer_->progress().epoch;
      fail<TrainingError>(e.what(), "; the last good model is ", files_.last, " (",
                          epoch > 0 ? text("epoch ", epoch) : "untrained",
                          "); a lower --lr may help");
    }
  }

  void note(const std::string& message) const {
    if (callbacks_.on_note) callbacks_.on_note(message);
  }

  void restore(Checkpoint from) {
    if (from.data != fingerprint_) {
      fail<FormatError>(files_.checkpoint, ": the run was trained on other data than ",
                        setup_.data.where, " holds now");
    }
    const std::string isa(name_of(active_isa()));
    if (from.isa != isa) {
      note(text("the run began with ", from.isa, " and goes on with ", isa,
                ": results differ in rounding from an uninterrupted run"));
    }
    trainer_->restore(from.state, std::move(from.progress));
  }

  void announce() const {
    for (const std::string& warning : setup_.data.warnings) note(warning);
    if (!setup_.select) {
      note(text(
          "no val split: all of train is used, best is last",
          setup_.watch ? ", and the figures of each epoch are test's, for watching only" : ""));
    }
    if (setup_.options.sampling == "balanced" && setup_.options.class_weights == "balanced") {
      note("--sampling balanced and --class-weights balanced: rare classes are made up for twice");
    }
    if (!callbacks_.on_start) return;
    RunStart s;
    s.folder = folder_;
    s.options = setup_.options;
    s.data = setup_.data.name;
    s.model = setup_.meta.spec.name;
    s.parameters = setup_.model->parameter_count();
    s.train_samples = setup_.data.train->size();
    s.val_samples = setup_.data.val ? setup_.data.val->size() : 0;
    s.test_samples = setup_.data.test ? setup_.data.test->size() : 0;
    s.classes = static_cast<std::int64_t>(setup_.meta.classes.size());
    s.height = setup_.meta.preprocess.height;
    s.width = setup_.meta.preprocess.width;
    s.channels = setup_.meta.preprocess.channels;
    s.task = setup_.data.task;
    s.from_epoch = trainer_->progress().epoch;
    s.from_batch = trainer_->progress().batch;
    callbacks_.on_start(s);
  }

  Trainer::Callbacks trainer_callbacks() {
    Trainer::Callbacks c;
    c.on_step = callbacks_.on_step;
    c.on_epoch = [this](const EpochResult& result, bool best) { epoch_done(result, best); };
    c.on_checkpoint = [this] { save_progress(); };
    return c;
  }

  // The checkpoint comes last (see Trainer): a kill before it repeats the epoch and writes the same
  // files again.
  void epoch_done(const EpochResult& result, bool best) {
    save_model_to(files_.last);
    if (best) save_model_to(files_.best);
    write_file_atomic(files_.results,
                      results_csv(trainer_->progress().results, setup_.data.task, best_));
    if (callbacks_.on_epoch) callbacks_.on_epoch(result, best);
  }

  void save_model_to(const std::string& path) {
    result_model_->eval();
    ModelMeta meta = setup_.meta;
    const DatasetPtr& from = setup_.watch ? setup_.watch : setup_.data.train;
    meta.golden = make_golden(*result_model_, meta, from->image(0));
    save_model(path, *result_model_, meta);
  }

  void save_progress() const {
    Checkpoint c;
    c.progress = trainer_->progress();
    c.state = trainer_->state();
    c.data = fingerprint_;
    c.isa = name_of(active_isa());
    save_checkpoint(files_.checkpoint, c);
  }

  // From what label probability on an image has a label: decided on val alone.
  void tune_thresholds(LoadedModel& best, const EvaluateOptions& options) const {
    if (best.meta.spec.task != Task::multi) return;
    if (!setup_.data.val) {
      note("no val split: every label counts from a probability of 0.5");
      return;
    }
    const Predictions val = evaluate(*best.model, best.meta, setup_.data.val, options);
    const auto classes = static_cast<std::int64_t>(val.classes.size());
    const auto thresholds = best_f1_thresholds(val.probability, val.truth_labels, classes);
    best.meta.thresholds.assign(thresholds.begin(), thresholds.end());
    save_model(files_.best, *best.model, best.meta);
  }

  void test(RunResult& result) {
    result.split = setup_.data.test ? "test" : setup_.data.val ? "val" : "";
    if (result.split.empty()) {
      note("no test and no val split: there is nothing to measure the model on");
      return;
    }
    if (result.split == "val" && setup_.options.fold == 0)
      note("no test split: the final figures are val's");
    LoadedModel best = load_model(files_.best);
    EvaluateOptions options;
    options.batch = setup_.options.batch;
    options.interrupt = interrupt_;
    try {
      tune_thresholds(best, options);
      options.on_progress = callbacks_.on_test;
      result.predictions =
          evaluate(*best.model, best.meta, setup_.data.split(result.split), options);
    } catch (const Interrupted&) {
      result.interrupted = true;
      return;
    }
    write_predictions(files_.predictions, result.predictions, setup_.options.label_sep);
    write_file_atomic(files_.metrics, metrics_json(result.predictions, 2) + "\n");
  }

  Setup setup_;
  std::string folder_;
  RunFiles files_;
  const RunCallbacks& callbacks_;
  const std::atomic<bool>* interrupt_;
  std::uint64_t fingerprint_;
  BestMetric best_;
  std::shared_ptr<Model> result_model_;
  std::optional<Trainer> trainer_;
};

// While a run lasts that asks for it; a program's own choice stays otherwise.
class ExactConv {
 public:
  explicit ExactConv(bool on) : before_(exact_conv()) { set_exact_conv(on || before_); }
  ~ExactConv() { set_exact_conv(before_); }
  ExactConv(const ExactConv&) = delete;
  ExactConv& operator=(const ExactConv&) = delete;

 private:
  bool before_;
};

void use_threads(const TrainOptions& options) {
  if (options.threads > 0) set_num_threads(static_cast<int>(options.threads));
}

// A fold's run is one; all of them are train_folds().
void one_run(const TrainOptions& options) {
  if (all_folds(options)) {
    fail<OptionError>("one run: folds is ", options.folds, " without a fold, expected one of them");
  }
}

}  // namespace

RunResult train_run(const std::vector<TrainSetting>& settings, const RunCallbacks& callbacks,
                    const std::atomic<bool>* interrupt) {
  Splits data;
  TrainOptions options = resolve_options(settings, data);
  one_run(options);
  use_threads(options);
  const ExactConv convolutions(options.exact_conv);
  Setup setup = make_setup(options, std::move(data), "");
  const std::string name = setup.data.name + "-" + setup.meta.spec.name;
  std::string folder = make_run_folder(options.out.empty() ? "runs/" + name : options.out);
  const RunFiles files(folder);
  if (is_augment_file(options.augment)) {  // the run repeats, whatever becomes of the file
    write_file_atomic(files.augment, to_toml(setup.augment));
    options.augment = files.augment;
  }
  write_file_atomic(files.args, to_toml(options));
  return Run(std::move(setup), std::move(folder), callbacks, interrupt).go(std::nullopt);
}

TrainOptions options_of_run(const std::string& folder, const std::vector<TrainSetting>& settings) {
  const RunFiles files(folder);
  if (!file_exists(files.args)) {
    fail<IoError>(folder, " is not the folder of a run: there is no ", files.args);
  }
  TrainOptions options;
  for (const auto& [name, value] : settings_from_toml(read_text(files.args), files.args)) {
    set_option(options, name, value);
  }
  for (const auto& [name, value] : settings) {
    if (name != "threads" && name != "data_dir") {
      fail<OptionError>("--resume goes on with the run's own options; --", name,
                        " cannot be changed (only --threads and --data-dir)");
    }
    set_option(options, name, value);
  }
  if (file_exists(files.augment)) options.augment = files.augment;  // the folder may have moved
  return options;
}

RunResult resume_run(const std::string& folder, const std::vector<TrainSetting>& settings,
                     const RunCallbacks& callbacks, const std::atomic<bool>* interrupt) {
  const RunFiles files(folder);
  const TrainOptions options = options_of_run(folder, settings);
  one_run(options);
  use_threads(options);
  const ExactConv convolutions(options.exact_conv);
  remove_leftovers(folder);
  std::optional<Checkpoint> checkpoint;
  if (file_exists(files.checkpoint)) checkpoint = load_checkpoint(files.checkpoint);
  Setup setup = make_setup(options, open_data(options), checkpoint ? files.last : "");
  return Run(std::move(setup), folder, callbacks, interrupt).go(std::move(checkpoint));
}

}  // namespace taxon

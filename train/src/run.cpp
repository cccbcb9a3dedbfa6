// A training run from settings to the last file in its folder.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/parallel.h>
#include <taxon/core/devices.h>
#include <taxon/core/group.h>
#include <taxon/metrics/exchange.h>
#include <taxon/metrics/report.h>
#include <taxon/train/augment_file.h>
#include <taxon/train/calibrate.h>

#include <taxon/train/folds.h>
#include <taxon/train/run.h>

#include "checkpoint.h"
#include "device_group.h"
#include "event_file.h"
#include "frozen.h"
#include "run_folder.h"
#include "setup.h"

#include <algorithm>
#include <chrono>
#include <cmath>
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
    average_ = std::static_pointer_cast<Model>(parts.average);
    const std::int64_t batches = parts.train->batches();
    train_options_ = parts.train->options();
    if (parts.watch) watch_options_ = parts.watch->options();
    trainer_.emplace(std::move(parts), make_trainer_options(setup_, batches));
  }

  RunResult go(std::optional<Checkpoint> from) {
    if (from) restore(std::move(*from));
    announce();
    if (setup_.options.tensorboard && writes()) events_.emplace(folder_);
    if (!file_exists(files_.checkpoint)) {  // a kill in the first epoch leaves a whole run too
      save_model_to(files_.last);
      save_progress();
    }
    RunResult result;
    result.folder = folder_;
    result.interrupted = !compute_features() || fit() == Trainer::Outcome::interrupted;
    result.progress = trainer_->progress();
    result.stopped_early = result.progress.stopped;
    result.selected = setup_.select;
    result.best = best_;
    if (!result.interrupted && writes()) test(result);
    return result;
  }

 private:
  // Of several processes, the first one.
  bool writes() const { return setup_.group == nullptr || setup_.group->first(); }

  // What a frozen backbone makes of images that never change. False: interrupted.
  bool compute_features() {
    if (!trainer_->frozen()) return true;
    const auto begin = std::chrono::steady_clock::now();
    try {
      HeadParts head =
          make_head_parts(setup_, train_options_, watch_options_, average_, interrupt_);
      const std::int64_t train = head.train ? head.train->dataset().size() : 0;
      const std::int64_t watch = head.watch ? head.watch->dataset().size() : 0;
      if (train + watch > 0) {
        note(text("the backbone is frozen: features of ", train, " train and ", watch,
                  setup_.select ? " val" : " test", " images are computed once",
                  train == 0 ? " (those of train change: --augment none)" : ""));
      }
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      trainer_->use_features(std::move(head), took.count());
    } catch (const Interrupted&) {
      return false;
    }
    return true;
  }

  Trainer::Outcome fit() {
    try {
      return trainer_->fit(trainer_callbacks(), interrupt_);
    } catch (const OutOfMemoryError& e) {
      const std::int64_t batch = setup_.options.batch;
      if (batch < 2) throw;
      fail<OutOfMemoryError>(e.what(), "; what a step needs grows with the batch: try --batch ",
                             batch / 2, " in place of ", batch);
    } catch (const TrainingError& e) {
      const auto epoch = trainer_->progress().epoch;
      fail<TrainingError>(e.what(), "; the last good model is ", files_.last, " (",
                          epoch > 0 ? text("epoch ", epoch) : "untrained", "); ", advice());
    }
  }

  std::string advice() const {
    const TrainOptions& o = setup_.options;
    std::string out = text("try --lr ", o.lr / 10);
    if (o.clip_norm == 0) out += ", --clip-norm 1";
    if (o.warmup == 0 && o.epochs > 1) out += ", --warmup 1";
    return out + " or --lr auto";
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
    if (setup_.group != nullptr) note(text(setup_.group->size(), " processes train together"));
    if (setup_.options.fast)
      note("--fast: results may differ between two runs, and f32 products round to TF32 (10 bits)");
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
    s.tuned_from = setup_.tuned_from;
    s.old_classes = setup_.old_classes;
    s.from_epoch = trainer_->progress().epoch;
    s.from_batch = trainer_->progress().batch;
    callbacks_.on_start(s);
  }

  Trainer::Callbacks trainer_callbacks() {
    Trainer::Callbacks c;
    c.on_step = callbacks_.on_step;
    c.on_epoch = [this](const EpochResult& result, bool best) {
      epoch_done(result, best);
      tell_unrecorded();
    };
    c.on_checkpoint = [this] { save_progress(); };
    return c;
  }

  // The checkpoint comes last (see Trainer): a kill before it repeats the epoch and writes the same
  // files again.
  void epoch_done(const EpochResult& result, bool best) {
    if (!writes()) return;
    save_model_to(files_.last);
    if (best) save_model_to(files_.best);
    write_file_atomic(files_.results,
                      results_csv(trainer_->progress().results, setup_.data.task, best_));
    if (events_) events_->add(result.epoch, scalars(result));
    if (callbacks_.on_epoch) callbacks_.on_epoch(result, best);
  }

  // By the names of results.csv; what was not measured is left out.
  static Scalars scalars(const EpochResult& r) {
    Scalars out = {{"train/loss", r.train_loss},
                   {"val/loss", r.loss},
                   {"metrics/accuracy_top1", r.top1},
                   {"metrics/accuracy_top5", r.top5},
                   {"metrics/balanced_accuracy", r.balanced_accuracy},
                   {"metrics/macro_f1", r.macro_f1},
                   {"metrics/mAP", r.mean_ap},
                   {"metrics/f1_micro", r.f1_micro},
                   {"metrics/f1_macro", r.f1_macro},
                   {"lr", r.lr}};
    std::erase_if(out, [](const auto& named) { return std::isnan(named.second); });
    return out;
  }

  // Once.
  void tell_unrecorded() {
    const std::string& why = trainer_->recorded().why_not();
    if (why.empty() || std::exchange(told_unrecorded_, true)) return;
    note("steps are given to the GPU kernel by kernel, which is slower: " + why);
  }

  void save_model_to(const std::string& path) {
    if (!writes()) return;
    Model& model = static_cast<Model&>(trainer_->result());
    model.eval();
    ModelMeta meta = setup_.meta;
    const DatasetPtr& from = setup_.watch ? setup_.watch : setup_.data.train;
    const DType precision = model.precision();
    model.set_precision(DType::f32);  // that of a model that was loaded
    meta.golden = make_golden(model, meta, from->image(0));
    model.set_precision(precision);
    save_model(path, model, meta);
  }

  void save_progress() const {
    if (!writes()) return;
    Checkpoint c;
    c.progress = trainer_->progress();
    c.state = trainer_->state();
    c.data = fingerprint_;
    c.isa = name_of(active_isa());
    save_checkpoint(files_.checkpoint, c);
  }

  // What val decides: confidences, thresholds.
  void calibrate_best(LoadedModel& best, const EvaluateOptions& evaluation) const {
    const bool multi = best.meta.spec.task == Task::multi;
    if (!setup_.data.val) {
      note(text("no val split: ", multi ? "every label counts from a probability of 0.5, " : "",
                "confidences are not calibrated"));
      return;
    }
    const std::string& aim = setup_.options.thresholds;
    if (!multi && aim.empty() && setup_.options.no_calibrate) return;
    CalibrateOptions options;
    options.evaluate = evaluation;
    options.confidences = !setup_.options.no_calibrate;
    if (!aim.empty()) options.aim = parse_aim(aim);
    for (const std::string& said : calibrate(best, setup_.data.val, options)) note(said);
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
    FeatureSample features;
    options.batch = setup_.options.batch;
    options.interrupt = interrupt_;
    try {
      calibrate_best(best, options);
      options.on_progress = callbacks_.on_test;
      options.features = &features;
      result.predictions =
          evaluate(*best.model, best.meta, setup_.data.split(result.split), options);
    } catch (const Interrupted&) {
      result.interrupted = true;
      return;
    }
    result.figures = model_figures(best.meta, result.predictions);
    write_predictions(files_.predictions, result.predictions, setup_.options.label_sep);
    if (names_files(result.predictions))
      write_file_atomic(files_.labels, fiftyone_labels(result.predictions));
    write_file_atomic(files_.metrics, metrics_json(result.figures, 2) + "\n");
    write_file_atomic(files_.embedding, embedding_csv(result.predictions, features));
  }

  Setup setup_;
  std::string folder_;
  RunFiles files_;
  const RunCallbacks& callbacks_;
  const std::atomic<bool>* interrupt_;
  std::uint64_t fingerprint_;
  bool told_unrecorded_ = false;
  std::shared_ptr<Model> average_;  // null without averaged weights
  LoaderOptions train_options_, watch_options_;
  BestMetric best_;
  std::optional<EventFile> events_;
  std::optional<Trainer> trainer_;
};

// A switch of the whole program, on while a run lasts that asks for it; a program's own choice
// stays otherwise.
class Switch {
 public:
  Switch(bool on, bool before, void (*set)(bool)) : before_(before), set_(set) {
    set_(on || before_);
  }
  ~Switch() { set_(before_); }
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

 private:
  const bool before_;
  void (*const set_)(bool);
};

// With --lr auto: tries rates on a copy of the model and writes down the choice. False:
// interrupted.
bool find_lr(Setup& s, const RunFiles& files, const RunCallbacks& callbacks,
             const std::atomic<bool>* interrupt) {
  if (s.options.lr != TrainOptions::lr_auto) return true;
  if (callbacks.on_note)
    callbacks.on_note("--lr auto: trying learning rates on a copy of the model");
  Setup copy = with_copied_model(s);
  copy.group = nullptr;  // of several processes each does it all, and finds the same
  LrRangeOptions options;
  options.accumulate = s.options.accumulate;
  options.clip_norm = s.options.clip_norm;
  try {
    const LrRange range = lr_range_test(make_parts(copy), options, interrupt);
    s.options.lr = range.lr;
    if (s.group != nullptr && !s.group->first()) return true;
    write_file_atomic(files.lr_range, range.csv());
    if (callbacks.on_lr_range) callbacks.on_lr_range(range, files.lr_range);
  } catch (const Interrupted&) {
    return false;
  }
  return true;
}

RunResult interrupted_before(const std::string& folder) {
  RunResult out;
  out.folder = folder;
  out.interrupted = true;
  return out;
}

void use_threads(const TrainOptions& options) {
  if (options.threads > 0) set_num_threads(static_cast<int>(options.threads));
}

// Keeps a copy of a file that an option names, so that the run repeats whatever becomes of it.
void keep(std::string& option, const std::string& copy, bool is_file) {
  if (!is_file) return;
  write_file_atomic(copy, read_text(option));
  option = copy;
}

// A fold's run is one; all of them are train_folds().
void one_run(const TrainOptions& options) {
  if (all_folds(options)) {
    fail<OptionError>("one run: folds is ", options.folds, " without a fold, expected one of them");
  }
}

}  // namespace

namespace {

// A fresh folder with what repeats the run: its options, and copies of the files that they name.
std::string begin_folder(const Setup& setup, TrainOptions& options) {
  const std::string name = setup.data.name + "-" + setup.meta.spec.name;
  std::string folder = make_run_folder(options.out.empty() ? "runs/" + name : options.out);
  const RunFiles files(folder);
  if (is_augment_file(options.augment)) {  // the run repeats, whatever becomes of the file
    write_file_atomic(files.augment, to_toml(setup.augment));
    options.augment = files.augment;
  }
  keep(options.sampling, files.sampling,
       options.sampling != "shuffle" && options.sampling != "balanced");
  keep(options.class_weights, files.class_weights,
       options.class_weights != "none" && options.class_weights != "balanced");
  write_file_atomic(files.args, to_toml(options));
  return folder;
}

}  // namespace

namespace {

// Several processes with GPUs sum there if all of them can.
void join_devices(Setup& s, const RunCallbacks& callbacks) {
  if (s.group == nullptr || s.model->device() == cpu) return;
  std::string why;
  s.gpus = join_gpus(*s.group, s.model->device(), why);
  if (s.gpus) s.group = s.gpus.get();
  if (!s.gpus && callbacks.on_note) callbacks.on_note("gradients are summed on the CPU: " + why);
}

}  // namespace

RunResult train_run(const std::vector<TrainSetting>& settings, const RunCallbacks& callbacks,
                    const std::atomic<bool>* interrupt, Group* group) {
  Splits data;
  TrainOptions options = resolve_options(settings, data);
  one_run(options);
  use_threads(options);
  const Switch exact(options.exact_conv, exact_conv(), set_exact_conv);
  const Switch any_algorithm(options.fast, fast(), set_fast);
  Setup setup = make_setup(options, std::move(data), "", group);
  join_devices(setup, callbacks);
  check_run(setup);
  const bool writes = group == nullptr || group->first();
  std::string folder = writes ? begin_folder(setup, options) : "";
  if (group != nullptr) folder = group->broadcast(folder);
  const RunFiles files(folder);
  if (!find_lr(setup, files, callbacks, interrupt)) return interrupted_before(folder);
  if (writes && options.lr != setup.options.lr) {
    options.lr = setup.options.lr;
    write_file_atomic(files.args, to_toml(options));
  }
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
      std::string flag = name;
      std::replace(flag.begin(), flag.end(), '_', '-');
      fail<OptionError>("--resume goes on with the run's own options; --", flag,
                        " cannot be changed (only --threads and --data-dir)");
    }
    set_option(options, name, value);
  }
  // The folder may have moved.
  if (file_exists(files.augment)) options.augment = files.augment;
  if (file_exists(files.sampling)) options.sampling = files.sampling;
  if (file_exists(files.class_weights)) options.class_weights = files.class_weights;
  return options;
}

RunResult resume_run(const std::string& folder, const std::vector<TrainSetting>& settings,
                     const RunCallbacks& callbacks, const std::atomic<bool>* interrupt,
                     Group* group) {
  const RunFiles files(folder);
  const TrainOptions options = options_of_run(folder, settings);
  one_run(options);
  use_threads(options);
  const Switch exact(options.exact_conv, exact_conv(), set_exact_conv);
  const Switch any_algorithm(options.fast, fast(), set_fast);
  const bool writes = group == nullptr || group->first();
  if (writes) remove_leftovers(folder);
  std::optional<Checkpoint> checkpoint;
  if (file_exists(files.checkpoint)) checkpoint = load_checkpoint(files.checkpoint);
  Setup setup = make_setup(options, open_data(options), checkpoint ? files.last : "", group);
  join_devices(setup, callbacks);
  if (group != nullptr) group->broadcast("");  // all have read what the first may write from now on
  if (!find_lr(setup, files, callbacks, interrupt)) return interrupted_before(folder);
  if (writes && options.lr != setup.options.lr) {
    TrainOptions kept = options_of_run(folder, {});
    kept.lr = setup.options.lr;
    write_file_atomic(files.args, to_toml(kept));
  }
  return Run(std::move(setup), folder, callbacks, interrupt).go(std::move(checkpoint));
}

}  // namespace taxon

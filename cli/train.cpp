// taxon train: trains, resumes or repeats a run.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/metrics/report.h>
#include <taxon/train/folds.h>
#include <taxon/train/mpi.h>
#include <taxon/train/recipe.h>
#include <taxon/train/run.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "progress.h"
#include "report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <thread>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon train DATA [options]

Trains a classifier and writes a run folder: best, last and checkpoint models,
results.csv, predictions.csv, metrics.json, args.toml, report.html. Without
options, a recipe for the data decides; what it chose is in args.toml.

Data      --data-dir DIR  --val-fraction X  --task auto|single|multi
          --label-sep S (default |)  --augment none|light|standard|trivial|FILE
          --mixup X  --cutmix X  --size N (pixels)  --resize crop|squash|letterbox
          --sampling shuffle|balanced|FILE.csv (class,weight)
          --folds K (cross-validation: OUT/fold-1 ...)  --fold N (that one alone)
Model     --model NAME|FILE: mlp lenet cnn resnet8/20/32/44/56/110
          resnet18/34/50/101/152 airnet[-small|-wide], or a model file to fine-tune
          --freeze N|backbone  --unfreeze N (epochs)  --stem auto|imagenet|small
          --shortcut auto|A|B  --ema X  --swa N (epoch)  --tta none|flip|shift|flip-shift
Training  --epochs N  --batch N  --lr X|auto  --optimizer sgd|adamw|muon
          --momentum X  --weight-decay X  --no-norm-decay (spares biases and norms)
          --schedule cosine|onecycle|step|linear|triangle|constant  --warmup N (epochs)
          --loss ce|focal|bce|asl  --class-weights none|balanced|FILE
          --label-smoothing X  --norm-bias-lr X (factor)  --lookahead N (steps)
          --layer-decay X (factor)  --clip-norm X  --accumulate N (batches a step)
Choice    --best accuracy|balanced_accuracy|macro_f1, or with several labels
          mean_ap|f1_micro|f1_macro: what decides on val, for
          --patience N (epochs without gain)  --target X  --no-calibrate
          --thresholds f1|precision=X|recall=X (of each label, on val)
Run       --out DIR (never overwritten)  --resume RUN  --config FILE.toml
          --seed N  --threads N  --precision auto|f32|bf16  --device D
          --exact-conv (no Winograd)  --fast (GPU: TF32, any algorithm)  --tensorboard
          --sync-norm (mpirun: batch norm over the batch of all processes)
Output    --json (events on stdout)  --quiet
          --explain (what would be used, and why; trains nothing)
Ctrl-C leaves a run that --resume goes on with, bit for bit.

Example:
  taxon train fashion-mnist --epochs 3 --seed 1
  taxon train photos/ --model resnet18 --size 96 --patience 5
)";

struct Request {
  std::vector<TrainSetting> settings;
  std::string resume;
  bool json = false, quiet = false, explain = false;
};

// Options of the table in the order given on the command line's side: after those of --config.
std::optional<Request> parse(const std::vector<std::string>& args) {
  Request request;
  std::map<std::string_view, std::string> values;
  std::map<std::string_view, bool> flags;
  std::string config;
  Arguments arguments(train_verb);
  for (const TrainOptionRow& row : train_option_table()) {
    if (row.name == "data") {
      arguments.positional("DATA", values[row.name], false);
    } else if (std::holds_alternative<bool TrainOptions::*>(row.field)) {
      arguments.flag(row.flag(), flags[row.name]);
    } else {
      arguments.option(row.flag(), values[row.name]);
    }
  }
  arguments.option("--resume", request.resume);
  arguments.option("--config", config);
  arguments.flag("--explain", request.explain);
  arguments.flag("--json", request.json);
  arguments.flag("--quiet", request.quiet);
  if (!arguments.parse(args)) return std::nullopt;

  if (!config.empty()) request.settings = settings_from_toml(read_text(config), config);
  TrainOptions check;
  for (const TrainOptionRow& row : train_option_table()) {
    const bool is_flag = flags.count(row.name) > 0;
    if (row.name == "data" ? values[row.name].empty() : !arguments.given(row.flag())) continue;
    const std::string value = !is_flag ? values[row.name] : flags[row.name] ? "true" : "false";
    set_option(check, row.name, value);  // a wrong value is wrong usage, whatever the data are
    request.settings.emplace_back(row.name, value);
  }
  return request;
}

nlohmann::json number(double v) {
  return std::isfinite(v) ? nlohmann::json(v) : nlohmann::json(nullptr);
}

nlohmann::ordered_json epoch_event(const EpochResult& r, Task task, bool best, std::int64_t fold) {
  nlohmann::ordered_json j;
  j["event"] = "epoch";
  if (fold > 0) j["fold"] = fold;
  j["epoch"] = r.epoch;
  j["train_loss"] = number(r.train_loss);
  j["val_loss"] = number(r.loss);
  if (task == Task::multi) {
    j["mAP"] = number(r.mean_ap);
    j["f1_micro"] = number(r.f1_micro);
    j["f1_macro"] = number(r.f1_macro);
  } else {
    j["accuracy_top1"] = number(r.top1);
    j["accuracy_top5"] = number(r.top5);
    j["balanced_accuracy"] = number(r.balanced_accuracy);
    j["macro_f1"] = number(r.macro_f1);
  }
  j["lr"] = number(r.lr);
  j["images_per_s"] = number(r.images_per_s);
  j["seconds"] = number(r.seconds);
  j["best"] = best;
  return j;
}

void emit(const nlohmann::ordered_json& event) {
  print(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  std::fflush(stdout);
}

// What would be used, and why; nothing is trained.
void explain(const Request& request) {
  const Recipe r = explain_run(request.settings);
  if (request.json) {
    nlohmann::ordered_json event;
    event["event"] = "recipe";
    for (const Choice& c : r.choices) {
      event["options"].push_back({{"option", c.option}, {"value", c.value}, {"why", c.why}});
    }
    emit(event);
    return;
  }
  for (const Choice& c : r.choices) {
    std::string line = "--" + c.option;
    std::replace(line.begin(), line.end(), '_', '-');
    line.resize(std::max<std::size_t>(line.size() + 1, 19), ' ');
    line += c.value;
    line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
    print(line + c.why + "\n");
  }
}

// What a run says, to a person or as events.
class Reporter {
 public:
  explicit Reporter(const Request& request)
      : json_(request.json), quiet_(request.quiet), out_(request.json ? stderr : stdout) {
    for (const auto& [name, value] : request.settings)
      if (name == "data_dir") data_dir_ = value;
  }

  RunCallbacks callbacks() {
    RunCallbacks c;
    c.on_lr_range = [this](const LrRange& range, const std::string& file) { found(range, file); };
    c.on_start = [this](const RunStart& s) { start(s); };
    c.on_note = [this](const std::string& note) { say("note: " + note); };
    c.on_step = [this](const StepReport& r) {
      if (view_) view_->step(r);
    };
    c.on_epoch = [this](const EpochResult& r, bool best) {
      if (json_) emit(epoch_event(r, task_, best, fold_));
      if (view_) view_->epoch(r, best);
    };
    c.on_fold = [this](std::int64_t fold, const std::string& folder, const Predictions& p) {
      fold_done(fold, folder, p);
    };
    c.on_test = [this](std::int64_t n, std::int64_t all) {
      if (view_) view_->test(n, all);
    };
    return c;
  }

  void finish(const RunResult& result) {
    using nlohmann::json;
    if (view_) view_->clear();
    if (result.interrupted) {
      say_how_to_go_on(result.folder);
      return;
    }
    const Progress& p = result.progress;
    if (result.stopped_early) say(text("stopped after epoch ", p.epoch));
    if (result.selected) {
      say(text("best: epoch ", p.best_epoch, ", ", name_of(result.best), " on val ",
               fixed(p.best, 4)));
    }
    if (!result.split.empty()) say("\n" + metrics_text(result.figures));
    say("run: " + result.folder);
    const std::string report = result.split.empty() ? "" : report_of(result.folder);
    if (json_) {
      nlohmann::ordered_json event;
      event["event"] = "done";
      event["run"] = result.folder;
      event["metrics"] = result.split.empty()
                             ? nlohmann::ordered_json(nullptr)
                             : nlohmann::ordered_json::parse(metrics_json(result.figures));
      event["best"] = {{"epoch", p.best_epoch},
                       {"metric", result.selected ? json(name_of(result.best)) : json(nullptr)},
                       {"value", result.selected ? json(p.best) : json(nullptr)}};
      event["report"] = report;
      emit(event);
    }
  }

  void finish(const FoldsResult& result) {
    if (view_) view_->clear();
    if (result.interrupted) {
      say_how_to_go_on(result.folder);
      return;
    }
    say("\n" + metrics_text(result.predictions));
    say(text(padded("folds", 20), padded("mean", 10), padded("std", 10), "worst"));
    for (const FoldFigure& f : result.figures) {
      say(text(padded(f.name, 20), padded(fixed(f.mean, 4), 10), padded(fixed(f.deviation, 4), 10),
               fixed(f.worst, 4)));
    }
    say("run: " + result.folder);
    const std::string report = report_of(result.folder);
    if (!json_) return;
    nlohmann::ordered_json event;
    event["event"] = "done";
    event["run"] = result.folder;
    event["metrics"] = nlohmann::ordered_json::parse(metrics_json(result.predictions));
    for (const FoldFigure& f : result.figures) {
      event["folds"][f.name] = {
          {"mean", f.mean}, {"std", f.deviation}, {"worst", f.worst}, {"folds", f.values}};
    }
    event["report"] = report;
    emit(event);
  }

  void clear() {
    if (view_) view_->clear();
  }

 private:
  // Makes the report and says where it lies; "" where it could not be made.
  std::string report_of(const std::string& folder) {
    const std::string file = make_report(folder, data_dir_);
    if (!file.empty()) say("report: " + file);
    return file;
  }

  static std::string padded(std::string s, std::size_t width) {
    s.resize(std::max(width, s.size() + 1), ' ');
    return s;
  }

  void say_how_to_go_on(const std::string& folder) const {
    if (!quiet_) complain(text("interrupted; go on with: taxon train --resume ", folder, "\n"));
  }

  void fold_done(std::int64_t fold, const std::string& folder, const Predictions& p) {
    if (view_) view_->clear();
    std::string line = text("fold ", fold, ":");
    for (const FoldFigure& f : fold_figures({p})) line += text("  ", f.name, ' ', fixed(f.mean, 4));
    say(line);
    const std::string report = report_of(folder);
    if (!json_) return;
    nlohmann::ordered_json event;
    event["event"] = "fold";
    event["fold"] = fold;
    event["run"] = folder;
    event["metrics"] = nlohmann::ordered_json::parse(metrics_json(p));
    event["report"] = report;
    emit(event);
  }

  void say(const std::string& line) {
    if (quiet_) return;
    if (view_) view_->clear();
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }

  void start(const RunStart& s) {
    task_ = s.task;
    fold_ = s.options.fold;
    if (fold_ > 0) say(text("\nfold ", fold_, " of ", s.options.folds));
    say(text(s.model, ", ", s.parameters, " parameters, input ", s.height, 'x', s.width, 'x',
             s.channels));
    say(text(s.data, ": ", s.classes, " classes, ", s.train_samples, " train, ", s.val_samples,
             " val, ", s.test_samples, " test"));
    const TrainOptions& o = s.options;
    say(text(o.epochs, " epochs of batch ", o.batch, ", ", o.optimizer, " lr ", o.lr, " ",
             o.schedule, ", weight decay ", o.weight_decay, ", augment ", o.augment, ", seed ",
             o.seed));
    if (!s.tuned_from.empty()) fine_tuning(s);
    say("run: " + s.folder);
    if (s.from_epoch > 0 || s.from_batch > 0) {
      say(text("going on after epoch ", s.from_epoch, ", batch ", s.from_batch));
    }
    if (!quiet_)
      view_.emplace(out_, parse_best(o.best, s.task), s.task, o.epochs, s.val_samples > 0);
  }

  void found(const LrRange& range, const std::string& file) {
    say(range.plot() + "\n" + range.text() + "; " + file);
    if (!json_) return;
    nlohmann::ordered_json event;
    event["event"] = "lr_range";
    event["lr"] = range.lr;
    event["steepest"] = range.steepest;
    event["last"] = range.steps.back().lr;
    event["diverged"] = range.diverged;
    event["file"] = file;
    emit(event);
  }

  void fine_tuning(const RunStart& s) {
    say(text("weights from ", s.tuned_from,
             s.old_classes > 0
                 ? text("; a new head for ", s.classes, " classes (it had ", s.old_classes, ")")
                 : text(", head included")));
    if (!json_) return;
    nlohmann::ordered_json event;
    event["event"] = "fine_tuning";
    event["model"] = s.tuned_from;
    event["new_head"] = s.old_classes > 0;
    event["classes"] = s.classes;
    event["old_classes"] = s.old_classes > 0 ? s.old_classes : s.classes;
    emit(event);
  }

  bool json_, quiet_;
  std::string data_dir_;  ///< as given now: a resumed run's args.toml holds the first one
  std::FILE* out_;
  Task task_ = Task::single;
  std::int64_t fold_ = 0;
  std::optional<ProgressView> view_;
};

bool wants_folds(const Request& request) {
  if (!request.resume.empty()) return is_folds_folder(request.resume);
  TrainOptions options;
  for (const auto& [name, value] : request.settings) set_option(options, name, value);
  return all_folds(options);
}

// One of several processes.
bool train_together(const Request& request, Reporter& reporter, Group& group) {
  if (wants_folds(request)) {
    fail<OptionError>("--folds runs in one process, not in ", group.size(), " of MPI");
  }
  const RunCallbacks callbacks = group.first() ? reporter.callbacks() : RunCallbacks{};
  const RunResult result =
      request.resume.empty()
          ? train_run(request.settings, callbacks, &interrupt_flag(), &group)
          : resume_run(request.resume, request.settings, callbacks, &interrupt_flag(), &group);
  if (group.first()) reporter.finish(result);
  return result.interrupted;
}

// Trains, resumes or repeats; whether it was interrupted.
bool train(const Request& request, Reporter& reporter) {
  const RunCallbacks callbacks = reporter.callbacks();
  const auto go = [&](auto fresh, auto resumed) {
    const auto result =
        request.resume.empty()
            ? fresh(request.settings, callbacks, &interrupt_flag())
            : resumed(request.resume, request.settings, callbacks, &interrupt_flag());
    reporter.finish(result);
    return result.interrupted;
  };
  if (wants_folds(request)) return go(train_folds, resume_folds);
  return go([](const auto&... a) { return train_run(a...); },
            [](const auto&... a) { return resume_run(a...); });
}

int run_with(const std::vector<std::string>& args, Group* group) {
  const auto request = parse(args);
  if (!request) return done;
  if (request->explain) {
    if (!request->resume.empty())
      fail<OptionError>("--explain says what a new run would use; --resume goes on with one");
    if (group == nullptr || group->first()) explain(*request);
    return done;
  }
  Reporter reporter(*request);
  catch_interrupts();
  try {
    const bool stopped = group != nullptr && group->size() > 1
                             ? train_together(*request, reporter, *group)
                             : train(*request, reporter);
    return stopped ? interrupted : done;
  } catch (...) {
    reporter.clear();
    throw;
  }
}

int run(const std::vector<std::string>& args) {
  std::string warning;
  const std::unique_ptr<Group> group = join_mpi(warning);
  if (group == nullptr) {
    if (!warning.empty()) complain("note: " + warning + "\n");
    return run_with(args, nullptr);
  }
  try {
    return run_with(args, group.get());
  } catch (...) {
    // What went wrong in every process is told once, by the first, whose end is that of all.
    if (!group->first()) std::this_thread::sleep_for(std::chrono::seconds(2));
    end_mpi(report_error());
  }
}

}  // namespace

const Verb train_verb{"train", help, run};

}  // namespace taxon::cli

// taxon data check: what is wrong with a data set.
#include "data_check.h"

#include <taxon/base/error.h>
#include <taxon/base/interrupted.h>
#include <taxon/base/text.h>
#include <taxon/check/report.h>
#include <taxon/train/folds.h>

#include "command.h"
#include "progress.h"

#include <algorithm>

namespace taxon::cli {
namespace {

using check::CheckOptions;
using check::Findings;
using check::LabelSource;

LabelSource source_of(const CheckRequest& r) {
  if (!r.predictions.empty()) return LabelSource::file;
  if (r.labels == "none") return LabelSource::none;
  if (r.labels == "fast") return LabelSource::fast;
  if (r.labels == "train") return LabelSource::train;
  fail<OptionError>("--labels is '", r.labels, "'",
                    did_you_mean(r.labels, std::vector<std::string>{"none", "fast", "train"}),
                    ", expected none, fast or train");
}

/// A bar on a terminal, on stderr: stdout is the report's.
class Progress {
 public:
  explicit Progress(bool quiet) : quiet_(quiet), bar_(stderr) {}
  void show(std::string_view stage, std::int64_t done, std::int64_t all) {
    if (quiet_ || !bar_.shown()) return;
    bar_.draw(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(all, 1)),
              std::string(stage), text(done, " of ", all));
  }
  void clear() { bar_.clear(); }
  void line(const std::string& what) {
    bar_.clear();
    if (!quiet_) complain(what + "\n");
  }

 private:
  bool quiet_;
  Bar bar_;
};

std::vector<TrainSetting> settings_of(const CheckRequest& r) {
  std::vector<TrainSetting> s{{"data", r.data},
                              {"folds", std::to_string(r.folds)},
                              {"seed", std::to_string(r.options.seed)},
                              {"label_sep", r.options.label_sep}};
  if (!r.options.data_dir.empty()) s.emplace_back("data_dir", r.options.data_dir);
  if (r.options.task) s.emplace_back("task", std::string(name_of(*r.options.task)));
  if (!r.model.empty()) s.emplace_back("model", r.model);
  if (r.epochs > 0) s.emplace_back("epochs", std::to_string(r.epochs));
  if (!r.out.empty()) s.emplace_back("out", r.out + "/folds");
  return s;
}

// Cross-validated training, and what it says of the labels.
void judge_by_training(const CheckRequest& r, CheckOptions options, Progress& progress,
                       Findings& f) {
  if (!f.unreadable.empty()) {
    f.labels.skipped = "training needs files that can be read; remove those that cannot";
    return;
  }
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { progress.line("note: " + note); };
  callbacks.on_step = [&](const StepReport& s) {
    progress.show(text("training, epoch ", s.epoch), s.batch, s.batches);
  };
  callbacks.on_fold = [&](std::int64_t fold, const std::string& folder, const Predictions&) {
    progress.line(text("fold ", fold, " of ", r.folds, ": ", folder));
  };
  const FoldsResult result = train_folds(settings_of(r), callbacks, &interrupt_flag());
  progress.clear();
  if (result.interrupted) {
    fail<Interrupted>("interrupted; taxon train --resume ", result.folder,
                      " goes on, then check with --predictions ", result.folder);
  }
  options.labels = LabelSource::train;
  options.predictions = result.folder;
  check::judge_labels(f, options);
}

}  // namespace

int check_data(const CheckRequest& r) {
  Progress progress(r.quiet);
  CheckOptions options;
  options.labels = source_of(r);
  options.predictions = r.predictions;
  options.label_sep = r.options.label_sep;
  options.near = r.near_percent / 100;
  options.raise_near = !r.near_given;
  options.seed = r.options.seed;
  options.interrupt = &interrupt_flag();
  options.on_progress = [&](std::string_view stage, std::int64_t done, std::int64_t all) {
    progress.show(stage, done, all);
  };
  catch_interrupts();
  const Splits data = open_dataset(r.data, r.options);
  Findings f = check::check_data(data, options);
  progress.clear();
  if (options.labels == LabelSource::train) judge_by_training(r, options, progress, f);
  if (!r.out.empty()) {
    const check::Written written = check::write_folder(f, r.out);
    progress.line(text(written.folder, ": ", join(written.files, ", ")));
  }
  print(r.json ? check::to_json(f) + "\n" : check::to_text(f, r.all ? -1 : 5));
  return f.unreadable.empty() ? done : some_failed;
}

}  // namespace taxon::cli

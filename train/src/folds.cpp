// Cross-validation: the runs one after the other, and what they come to.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/train/augment_file.h>
#include <taxon/train/folds.h>

#include <nlohmann/json.hpp>

#include "run_folder.h"
#include "setup.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <numeric>

namespace taxon {
namespace {

FoldFigure figure(std::string name, std::vector<double> values, bool loss) {
  FoldFigure f;
  f.name = std::move(name);
  const auto n = static_cast<double>(values.size());
  f.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - f.mean) * (v - f.mean);
  f.deviation = values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  f.worst = loss ? *std::max_element(values.begin(), values.end())
                 : *std::min_element(values.begin(), values.end());
  f.values = std::move(values);
  return f;
}

using NamedValues = std::vector<std::pair<std::string, double>>;

NamedValues figures_of(const Predictions& p) {
  if (p.multi_label) {
    const MultiLabelMetrics m = multi_label_metrics(p);
    return {{"mAP", m.mean_average_precision.value_or(0)},
            {"f1_micro", m.micro.f1},
            {"f1_macro", m.macro.f1}};
  }
  const SingleLabelMetrics m = single_label_metrics(p);
  return {{"accuracy", m.accuracy},
          {"balanced_accuracy", m.balanced_accuracy},
          {"macro_f1", m.macro.f1},
          {"log_loss", m.log_loss.value_or(0)}};
}

template <class Value>
void append(std::vector<Value>& to, const std::vector<Value>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

Predictions joined(const std::vector<Predictions>& folds) {
  Predictions all;
  all.multi_label = folds.front().multi_label;
  all.classes = folds.front().classes;
  for (const Predictions& p : folds) {
    append(all.id, p.id);
    append(all.path, p.path);
    append(all.truth, p.truth);
    append(all.predicted, p.predicted);
    append(all.truth_labels, p.truth_labels);
    append(all.predicted_labels, p.predicted_labels);
    append(all.probability, p.probability);
    append(all.confidence, p.confidence);
    append(all.loss, p.loss);
  }
  return all;
}

std::string folds_json(const FoldsResult& result, const TrainOptions& options,
                       const std::vector<Predictions>& folds) {
  nlohmann::ordered_json j;
  j["folds"] = options.folds;
  j["seed"] = options.seed;
  j["best"] = options.best;
  for (const FoldFigure& f : result.figures) {
    j["figures"][f.name] = {
        {"mean", f.mean}, {"std", f.deviation}, {"worst", f.worst}, {"folds", f.values}};
  }
  for (std::size_t i = 0; i < folds.size(); ++i) {
    j["runs"].push_back(
        {{"fold", i + 1}, {"run", text("fold-", i + 1)}, {"samples", folds[i].samples()}});
  }
  return j.dump(2) + "\n";
}

class Folds {
 public:
  Folds(TrainOptions options, std::string folder, std::vector<TrainSetting> overrides,
        const RunCallbacks& callbacks, const std::atomic<bool>* interrupt)
      : options_(std::move(options)),
        folder_(std::move(folder)),
        overrides_(std::move(overrides)),
        callbacks_(callbacks),
        interrupt_(interrupt) {}

  FoldsResult go() {
    FoldsResult result;
    result.folder = folder_;
    std::vector<Predictions> folds;
    for (std::int64_t i = 1; i <= options_.folds; ++i) {
      const bool stop = interrupt_ != nullptr && interrupt_->load();
      if (stop || !train(i)) {
        result.interrupted = true;
        return result;
      }
      folds.push_back(read(i));
      if (callbacks_.on_fold) callbacks_.on_fold(i, fold_folder(i), folds.back());
    }
    result.figures = fold_figures(folds);
    result.predictions = joined(folds);
    const RunFiles files(folder_);
    write_predictions(files.predictions, result.predictions, options_.label_sep);
    write_file_atomic(files.metrics, metrics_json(result.predictions, 2) + "\n");
    write_file_atomic(folder_ + "/folds.json", folds_json(result, options_, folds));
    return result;
  }

 private:
  std::string fold_folder(std::int64_t i) const { return text(folder_, "/fold-", i); }

  // False: interrupted. A run's metrics are the last that it writes.
  bool train(std::int64_t i) const {
    const RunFiles files(fold_folder(i));
    if (file_exists(files.metrics)) return true;
    if (file_exists(files.args)) {
      return !resume_run(fold_folder(i), overrides_, callbacks_, interrupt_).interrupted;
    }
    std::error_code ignored;  // what a kill left of a run that had not begun
    std::filesystem::remove_all(fold_folder(i), ignored);
    TrainOptions options = options_;
    options.fold = i;
    options.out = fold_folder(i);
    std::vector<TrainSetting> settings;
    for (const TrainOptionRow& row : train_option_table()) {
      settings.emplace_back(row.name, get_option(options, row));
    }
    append(settings, overrides_);
    return !train_run(settings, callbacks_, interrupt_).interrupted;
  }

  Predictions read(std::int64_t i) const {
    PredictionsOptions o;
    o.label_separator = options_.label_sep;
    const RunFiles files(fold_folder(i));
    try {
      o.multi_label = nlohmann::json::parse(read_text(files.metrics)).at("task") == "multi";
    } catch (const nlohmann::json::exception& e) {
      fail<FormatError>(files.metrics, ": not the metrics of a run: ", e.what());
    }
    return read_predictions(files.predictions, o);
  }

  TrainOptions options_;
  std::string folder_;
  std::vector<TrainSetting> overrides_;
  const RunCallbacks& callbacks_;
  const std::atomic<bool>* interrupt_;
};

// Everything that can be wrong is found out before a folder is made.
std::string default_folder(const TrainOptions& options, Splits data) {
  const Setup setup = make_setup(options, std::move(data), "");
  return text("runs/", setup.data.name, '-', setup.meta.spec.name, "-folds");
}

}  // namespace

std::vector<FoldFigure> fold_figures(const std::vector<Predictions>& folds) {
  std::vector<NamedValues> of_folds;
  for (const Predictions& p : folds) of_folds.push_back(figures_of(p));
  std::vector<FoldFigure> out;
  for (std::size_t k = 0; !of_folds.empty() && k < of_folds.front().size(); ++k) {
    std::vector<double> values;
    for (const NamedValues& f : of_folds) values.push_back(f[k].second);
    const std::string& name = of_folds.front()[k].first;
    out.push_back(figure(name, std::move(values), name == "log_loss"));
  }
  return out;
}

bool all_folds(const TrainOptions& options) {
  return options.folds > 0 && options.fold == 0;
}

bool is_folds_folder(const std::string& folder) {
  const RunFiles files(folder);
  if (!file_exists(files.args)) return false;
  TrainOptions options;
  for (const auto& [name, value] : settings_from_toml(read_text(files.args), files.args)) {
    set_option(options, name, value);
  }
  return all_folds(options);
}

FoldsResult train_folds(const std::vector<TrainSetting>& settings, const RunCallbacks& callbacks,
                        const std::atomic<bool>* interrupt) {
  Splits data;
  TrainOptions options = resolve_options(settings, data);
  if (!all_folds(options)) {
    fail<OptionError>("train_folds: folds is ", options.folds, " and fold ", options.fold,
                      ", expected two folds or more and no single one");
  }
  const std::string wanted = default_folder(options, std::move(data));
  const std::string folder = make_run_folder(options.out.empty() ? wanted : options.out);
  const RunFiles files(folder);
  if (is_augment_file(options.augment)) {  // for the runs that have not begun
    write_file_atomic(files.augment, read_text(options.augment));
    options.augment = files.augment;
  }
  write_file_atomic(files.args, to_toml(options));
  return Folds(std::move(options), folder, {}, callbacks, interrupt).go();
}

FoldsResult resume_folds(const std::string& folder, const std::vector<TrainSetting>& settings,
                         const RunCallbacks& callbacks, const std::atomic<bool>* interrupt) {
  TrainOptions options = options_of_run(folder, settings);
  if (!all_folds(options)) {
    fail<OptionError>(folder, " is not the folder of a cross-validation");
  }
  return Folds(std::move(options), folder, settings, callbacks, interrupt).go();
}

}  // namespace taxon

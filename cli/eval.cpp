// taxon eval: a model's metrics on a split.
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>
#include <taxon/data/sources.h>
#include <taxon/metrics/exchange.h>
#include <taxon/metrics/report.h>
#include <taxon/train/calibrate.h>
#include <taxon/train/options.h>

#include "command.h"
#include "plots.h"
#include "report.h"

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon eval MODEL DATA [options]

Measures a model on a split and prints the metrics. MODEL is a model file or the
folder of a run (its best model).

Data    --split NAME (default test)  --data-dir DIR  --task auto|single|multi
        --label-sep S (default |)
Run     --batch N  --threads N  --device cpu|cuda  --exact-conv (no Winograd)
Output  --json (metrics.json on stdout)
        --out DIR (writes predictions.csv, metrics.json, embedding.csv, args.toml,
        report.html and, for files, labels.json of FiftyOne there)
        --plots DIR (SVG: confusion matrix, curves, reliability)

Example:
  taxon eval runs/fashion-mnist-cnn fashion-mnist --json
)";

struct Request {
  std::string model, data, data_dir, split = "test", label_sep = "|", task = "auto", out, plots;
  std::string device = "cpu";
  std::int64_t batch = 128, threads = 0;
  bool json = false;
};

// Data that were divided for the training are divided again by its seed: alike, if they are alike.
void warn_of_changes(const ModelMeta& meta, const Splits& data) {
  const auto kept = meta.notes.find("data_fingerprint"), name = meta.notes.find("data");
  if (kept == meta.notes.end() || name == meta.notes.end() || name->second != data.name) return;
  if (meta.notes.count("fold") == 0 && kept->second != std::to_string(data.fingerprint()))
    complain("note: " + data.where +
             " has changed since the training: its splits may hold samples of the other ones\n");
}

// Figures of a promise on the samples that it was made from are better than it deserves.
void warn_of_val(const std::string& split, const ModelMeta& meta, const Splits& data) {
  const auto name = meta.notes.find("data");
  if (split != "val" || name == meta.notes.end() || name->second != data.name) return;
  complain(
      "note: val chose the best epoch and decided calibration, prediction sets and thresholds: its "
      "figures are better than those of new samples\n");
}

struct Measured {
  ModelMeta meta;
  DataOptions data;  ///< as the data were opened
  Predictions predictions;
  FeatureSample features;  ///< with --out
};

Measured measure(const Request& r) {
  Measured out;
  DataOptions& options = out.data;
  check_available(Device::parse(r.device));
  LoadedModel loaded = load_model(model_path(r.model));
  loaded.model->to(Device::parse(r.device));
  options.data_dir = r.data_dir;
  options.label_sep = r.label_sep;
  options.require_train = false;
  // Data without splits are split by the seed that the model was trained with: its test samples.
  const auto seed = loaded.meta.notes.find("seed");
  if (seed != loaded.meta.notes.end()) {
    options.seed = static_cast<std::uint64_t>(parse_int(seed->second, "the model's seed"));
  }
  options.task = r.task == "auto" ? loaded.meta.spec.task : parse_task(r.task);
  Splits data = open_dataset(r.data, options);
  // A run on the same data knows which of their samples it trained on.
  const auto& notes = loaded.meta.notes;
  if (notes.count("data") > 0 && notes.at("data") == data.name) {
    if (notes.count("val_fraction") > 0) {
      options.val_fraction = parse_number(notes.at("val_fraction"), "the model's val_fraction");
      data = open_dataset(r.data, options);
    }
    if (notes.count("folds") > 0 && notes.count("fold") > 0) {
      options.folds = parse_int(notes.at("folds"), "the model's folds");
      options.fold = parse_int(notes.at("fold"), "the model's fold");
      data = open_dataset(r.data, options);
    }
  }
  for (const std::string& warning : data.warnings) complain("note: " + warning + "\n");
  warn_of_changes(loaded.meta, data);
  warn_of_val(r.split, loaded.meta, data);
  EvaluateOptions evaluation;
  evaluation.batch = r.batch;
  evaluation.interrupt = &interrupt_flag();
  if (!r.out.empty()) evaluation.features = &out.features;
  out.meta = loaded.meta;
  out.predictions = evaluate(*loaded.model, out.meta, data.split(r.split), evaluation);
  return out;
}

// What a report needs to find the same samples again, by the names of train's options.
std::string args_toml(const Request& r, const DataOptions& data) {
  TrainOptions o;
  o.data = r.data;
  o.data_dir = r.data_dir;
  o.model = r.model;
  o.label_sep = r.label_sep;
  o.task = r.task;
  o.val_fraction = data.val_fraction.value_or(0);
  o.seed = static_cast<std::int64_t>(data.seed);
  o.folds = data.folds;
  o.fold = data.fold;
  o.batch = r.batch;
  std::string out = "# What taxon eval measured: " + r.split + ".\n";
  for (const std::string& line : split(to_toml(o), '\n')) {
    const std::string key = line.substr(0, line.find(' '));
    for (const char* kept : {"data", "data_dir", "task", "label_sep", "val_fraction", "folds",
                             "fold", "model", "batch", "seed"})
      if (key == kept) out += line + "\n";
  }
  return out;
}

// Before the work: a run keeps its own files, and a folder that cannot be made is told at once.
void prepare_folders(const Request& r) {
  for (const char* own : {"/checkpoint.safetensors", "/results.csv", "/folds.json"}) {
    if (r.out.empty() || !file_exists(r.out + own)) continue;
    fail<OptionError>("--out ", r.out,
                      " is the folder of a run, whose figures stay: expected another "
                      "one, such as ",
                      r.out, "/eval-", r.split);
  }
  for (const std::string& folder : {r.out, r.plots}) {
    if (!folder.empty()) make_folder(folder);
  }
}

void write_folder(const Request& r, const Measured& m, const Figures& figures) {
  write_predictions(r.out + "/predictions.csv", m.predictions, r.label_sep);
  write_file_atomic(r.out + "/metrics.json", metrics_json(figures, 2) + "\n");
  write_file_atomic(r.out + "/embedding.csv", embedding_csv(m.predictions, m.features));
  write_file_atomic(r.out + "/args.toml", args_toml(r, m.data));
  if (names_files(m.predictions))
    write_file_atomic(r.out + "/labels.json", fiftyone_labels(m.predictions));
}

int run(const std::vector<std::string>& args) {
  Request r;
  Arguments a(eval_verb);
  a.positional("MODEL", r.model);
  a.positional("DATA", r.data);
  a.option("--split", r.split);
  a.option("--data-dir", r.data_dir);
  a.option("--task", r.task);
  a.option("--label-sep", r.label_sep);
  a.option("--batch", r.batch, 1, 1'000'000);
  a.option("--threads", r.threads, 0, 1024);
  a.option("--device", r.device);
  a.option("--out", r.out);
  a.option("--plots", r.plots);
  a.flag("--json", r.json);
  bool exact = false;
  a.flag("--exact-conv", exact);
  if (!a.parse(args)) return done;
  use_threads(r.threads);
  set_exact_conv(exact);
  catch_interrupts();
  prepare_folders(r);
  const Measured m = measure(r);
  const Figures figures = model_figures(m.meta, m.predictions);
  if (!r.out.empty()) write_folder(r, m, figures);
  write_plots(r.plots, m.predictions);
  print(r.json ? metrics_json(figures, 2) + "\n" : metrics_text(figures));
  if (!r.out.empty()) {
    const std::string file = make_report(r.out, r.data_dir);
    if (!r.json && !file.empty()) print("report: " + file + "\n");
  }
  return done;
}

}  // namespace

const Verb eval_verb{"eval", help, run};

}  // namespace taxon::cli

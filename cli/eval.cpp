// taxon eval: a model's metrics on a split.
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/data/sources.h>
#include <taxon/metrics/exchange.h>
#include <taxon/metrics/report.h>
#include <taxon/train/calibrate.h>

#include "command.h"
#include "plots.h"

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon eval MODEL DATA [options]

Measures a model on a split and prints the metrics. MODEL is a model file or the
folder of a run (its best model).

Data    --split NAME (default test)  --data-dir DIR  --task auto|single|multi
        --label-sep S (default |)
Run     --batch N  --threads N  --exact-conv (no Winograd convolution)
Output  --json (metrics.json on stdout)
        --out DIR (writes predictions.csv, metrics.json and, for files, labels.json of
        FiftyOne there)  --plots DIR (SVG: confusion matrix, curves, reliability)

Example:
  taxon eval runs/fashion-mnist-cnn fashion-mnist --json
)";

struct Request {
  std::string model, data, data_dir, split = "test", label_sep = "|", task = "auto", out, plots;
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

Predictions measure(const Request& r, ModelMeta& meta) {
  LoadedModel loaded = load_model(model_path(r.model));
  DataOptions options;
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
  EvaluateOptions evaluation;
  evaluation.batch = r.batch;
  evaluation.interrupt = &interrupt_flag();
  meta = loaded.meta;
  return evaluate(*loaded.model, meta, data.split(r.split), evaluation);
}

void write_results(const Request& r, const Predictions& predictions, const Figures& figures) {
  make_folder(r.out);
  write_predictions(r.out + "/predictions.csv", predictions, r.label_sep);
  write_file_atomic(r.out + "/metrics.json", metrics_json(figures, 2) + "\n");
  if (names_files(predictions))
    write_file_atomic(r.out + "/labels.json", fiftyone_labels(predictions));
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
  a.option("--out", r.out);
  a.option("--plots", r.plots);
  a.flag("--json", r.json);
  bool exact = false;
  a.flag("--exact-conv", exact);
  if (!a.parse(args)) return done;
  use_threads(r.threads);
  set_exact_conv(exact);
  catch_interrupts();
  ModelMeta meta;
  const Predictions predictions = measure(r, meta);
  const Figures figures = model_figures(meta, predictions);
  if (!r.out.empty()) write_results(r, predictions, figures);
  write_plots(r.plots, predictions);
  print(r.json ? metrics_json(figures, 2) + "\n" : metrics_text(figures));
  return done;
}

}  // namespace

const Verb eval_verb{"eval", help, run};

}  // namespace taxon::cli

// taxon metrics: metrics of anyone's predictions.
#include <taxon/base/error.h>
#include <taxon/metrics/predictions.h>

#include "command.h"

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon metrics PREDICTIONS.csv [options]

Metrics of predictions, no model needed. Columns: true, and predicted or
prob_<class> for each class; others are ignored. Several labels in one cell are
separated by --label-sep.

Options  --task auto|single|multi  --label-sep S (default |)
         --json (metrics.json on stdout)

Example:
  taxon metrics runs/fashion-mnist-cnn/predictions.csv --json
)";

int run(const std::vector<std::string>& args) {
  std::string file, task = "auto";
  PredictionsOptions options;
  bool json = false;
  Arguments a(metrics_verb);
  a.positional("PREDICTIONS", file);
  a.option("--task", task);
  a.option("--label-sep", options.label_separator);
  a.flag("--json", json);
  if (!a.parse(args)) return done;
  if (task == "single" || task == "multi") {
    options.multi_label = task == "multi";
  } else if (task != "auto") {
    fail<OptionError>("--task is '", task, "', expected auto, single or multi");
  }
  const Predictions predictions = read_predictions(file, options);
  print(json ? metrics_json(predictions, 2) + "\n" : metrics_text(predictions));
  return done;
}

}  // namespace

const Verb metrics_verb{"metrics", help, run};

}  // namespace taxon::cli

// taxon metrics: metrics of anyone's predictions.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/metrics/at_threshold.h>
#include <taxon/metrics/pairing.h>
#include <taxon/metrics/report.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "plots.h"

#include <algorithm>
#include <limits>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon metrics PREDICTIONS.csv [options]

Metrics of predictions, no model needed. Columns: true, and predicted or
prob_<class> for each class; weight, where samples count unequally; others are
ignored. Several labels in one cell are separated by --label-sep.

Options  --task auto|single|multi  --label-sep S (default |)
         --beta X (adds F-beta)  --top-k K (adds top-K accuracy; top-5 is always there)
         --bootstrap N (resamples for the intervals; 0: none; default 1000 for up to
         100,000 samples)  --level X (default 0.95)
         --threshold X (each class against the rest, counted from this probability)
         --against FILE.csv (McNemar's test: do the two differ by more than chance?)
Output   --json (metrics.json on stdout)
         --confusion counts|row|column|all (prints the confusion matrix: counts, or per
         cent of the true class, of the predicted class, of all samples)
         --plots DIR (SVG: confusion matrix, ROC, precision-recall, reliability)

Example:
  taxon metrics runs/fashion-mnist-cnn/predictions.csv --json
)";

struct Request {
  std::string file, task = "auto";
  PredictionsOptions reading;
  FiguresOptions figures;
  std::int64_t resamples = -1;  // -1: by the number of samples
  double threshold = -1;
  std::string plots, against, confusion;
  bool json = false;
};

// What changes nothing is refused, not ignored.
void check_together(const Arguments& a, const Request& r) {
  if (r.resamples == 0 && a.given("--level"))
    fail<OptionError>("--level has no effect with --bootstrap 0, expected one without the other");
  if (r.json && a.given("--confusion"))
    fail<OptionError>("--confusion has no effect with --json, which has the counts");
  for (const char* other : {"--against", "--threshold"}) {
    if (!a.given(other)) continue;
    for (const char* option :
         {"--bootstrap", "--level", "--beta", "--top-k", "--confusion", "--threshold"}) {
      if (option == std::string_view(other) || !a.given(option)) continue;
      fail<OptionError>(option, " has no effect with ", other, ", expected one without the other");
    }
  }
}

// What the cells of --confusion are shares of; none: counts.
std::optional<Normalize> shares_of(const std::string& name) {
  if (name == "counts") return std::nullopt;
  if (name == "row") return Normalize::row;
  if (name == "column") return Normalize::column;
  if (name == "all") return Normalize::all;
  fail<OptionError>("--confusion is '", name, "', expected counts, row, column or all");
}

void check_single(const Request& r) {
  const char* given = !r.confusion.empty()          ? "--confusion"
                      : r.figures.metrics.top_k > 0 ? "--top-k"
                                                    : nullptr;
  if (given != nullptr)
    fail<OptionError>(given, " is for one class a sample; ", r.file, " has several labels");
}

Request parsed(const std::vector<std::string>& args, bool& go_on) {
  Request r;
  Arguments a(metrics_verb);
  a.positional("PREDICTIONS", r.file);
  a.option("--task", r.task);
  a.option("--label-sep", r.reading.label_separator);
  a.option("--beta", r.figures.metrics.beta, 1e-6, 1e6);
  a.option("--top-k", r.figures.metrics.top_k, 1, 1'000'000);
  a.option("--bootstrap", r.resamples, 0, 10'000'000);
  a.option("--level", r.figures.bootstrap.level, 1e-6, 1 - 1e-6);
  a.option("--threshold", r.threshold, 0, 1);
  a.option("--confusion", r.confusion);
  a.option("--plots", r.plots);
  a.option("--against", r.against);
  a.flag("--json", r.json);
  go_on = a.parse(args);
  if (r.task == "single" || r.task == "multi") {
    r.reading.multi_label = r.task == "multi";
  } else if (r.task != "auto") {
    fail<OptionError>("--task is '", r.task, "', expected auto, single or multi");
  }
  if (!r.confusion.empty()) shares_of(r.confusion);
  r.reading.texts = !r.against.empty();
  if (go_on) check_together(a, r);
  if (r.resamples >= 0) {
    r.figures.intervals_up_to = r.resamples > 0 ? std::numeric_limits<std::int64_t>::max() : 0;
    r.figures.bootstrap.resamples = std::max<std::int64_t>(r.resamples, 1);
  }
  return r;
}

// Both files are about the same samples: by id, or, without ids, line by line.
void compare(const Request& r, const Predictions& first) {
  const Predictions second = read_predictions(r.against, r.reading);
  if (!first.weight.empty() || !second.weight.empty())
    complain("note: McNemar's test counts samples: weights are ignored\n");
  const PredictionPair pair = paired(first, second);
  const McNemar test = mcnemar(pair.first, pair.second);
  if (r.json) {
    const nlohmann::ordered_json out = {
        {"samples", pair.first.size()},  {"both_right", test.both},
        {"first_only", test.first_only}, {"second_only", test.second_only},
        {"both_wrong", test.neither},    {"test", test.exact ? "binomial" : "chi-squared"},
        {"statistic", test.statistic},   {"p_value", test.p_value}};
    print(out.dump(2) + "\n");
    return;
  }
  print(text("samples in both          ", pair.first.size(), "\nboth right               ",
             test.both, "\nonly the first is right  ", test.first_only,
             "\nonly the second is right ", test.second_only, "\nboth wrong               ",
             test.neither, "\nMcNemar's test, ", test.exact ? "exact binomial" : "chi-squared",
             ": p ", test.p_value < 1e-4 ? "< 0.0001" : "= " + fixed(test.p_value, 4), "\n"));
}

int run(const std::vector<std::string>& args) {
  bool go_on = false;
  const Request r = parsed(args, go_on);
  if (!go_on) return done;
  const Predictions predictions = read_predictions(r.file, r.reading);
  if (r.task == "auto" && predictions.multi_label)
    complain("note: read as several labels a sample (--task single: as one)\n");
  write_plots(r.plots, predictions);
  if (!r.against.empty()) {
    compare(r, predictions);
    return done;
  }
  if (r.threshold != -1) {
    const ThresholdFigures f = threshold_figures(predictions, r.threshold);
    print(r.json ? threshold_json(f, 2) + "\n" : threshold_text(f));
    return done;
  }
  if (predictions.multi_label) check_single(r);
  const Figures f = figures(predictions, r.figures);
  print(r.json ? metrics_json(f, 2) + "\n" : metrics_text(f));
  if (!r.confusion.empty()) print("\n" + confusion_table(f.single.value(), shares_of(r.confusion)));
  return done;
}

}  // namespace

const Verb metrics_verb{"metrics", help, run};

}  // namespace taxon::cli

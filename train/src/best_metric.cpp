// The figures that can decide which model of a run is the best.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/train/trainer.h>

#include <algorithm>
#include <array>

namespace taxon {
namespace {

struct Row {
  std::string_view name;
  BestMetric metric;
  Task task;
  double EpochResult::*value;
};

// The first of a task is its default.
constexpr std::array rows = {
    Row{"accuracy", BestMetric::accuracy, Task::single, &EpochResult::top1},
    Row{"balanced_accuracy", BestMetric::balanced_accuracy, Task::single,
        &EpochResult::balanced_accuracy},
    Row{"macro_f1", BestMetric::macro_f1, Task::single, &EpochResult::macro_f1},
    Row{"mean_ap", BestMetric::mean_ap, Task::multi, &EpochResult::mean_ap},
    Row{"f1_micro", BestMetric::f1_micro, Task::multi, &EpochResult::f1_micro},
    Row{"f1_macro", BestMetric::f1_macro, Task::multi, &EpochResult::f1_macro},
};

const Row& row_of(BestMetric metric) {
  return *std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.metric == metric; });
}

}  // namespace

std::string_view name_of(BestMetric metric) {
  return row_of(metric).name;
}

BestMetric parse_best(std::string_view name, Task task) {
  std::vector<std::string> fitting;
  for (const Row& row : rows) {
    if (row.task != task) continue;
    if (name == "auto" || row.name == name) return row.metric;
    fitting.emplace_back(row.name);
  }
  fail<OptionError>("--best is '", name, "', expected ", join(fitting, ", "), ": the data have ",
                    task == Task::multi ? "several labels" : "one label", " a sample",
                    did_you_mean(name, fitting));
}

double EpochResult::score(BestMetric metric) const {
  return this->*row_of(metric).value;
}

}  // namespace taxon

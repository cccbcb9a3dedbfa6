// Making a run's folder, and results.csv.
#include "run_folder.h"

#include <taxon/base/error.h>
#include <taxon/train/run.h>

#include <cmath>
#include <filesystem>
#include <regex>
#include <system_error>

namespace taxon {
namespace {

std::string cell(double value) {
  return std::isnan(value) ? std::string() : text(value);
}

}  // namespace

std::string make_run_folder(const std::string& wanted) {
  namespace fs = std::filesystem;
  std::string base = wanted;
  while (base.size() > 1 && base.back() == '/') base.pop_back();
  std::error_code error;
  const fs::path parent = fs::path(base).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (error) fail<IoError>("cannot make the folder ", parent.string(), ": ", error.message());
  for (int n = 1;; ++n) {
    const std::string folder = n == 1 ? base : base + "-" + std::to_string(n);
    if (fs::create_directory(folder, error)) return folder;
    std::error_code unseen;
    if (error && !fs::exists(folder, unseen)) {
      fail<IoError>("cannot make the folder ", folder, ": ", error.message());
    }
  }
}

void remove_leftovers(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> leftovers;
  const std::regex half_written(R"(\.tmp[0-9]+\.[0-9]+$)");
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_search(name, half_written)) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove(path, error);
}

std::string results_csv(const std::vector<EpochResult>& results, Task task, BestMetric best) {
  const bool multi = task == Task::multi;
  const bool more = best == BestMetric::balanced_accuracy || best == BestMetric::macro_f1;
  std::string out = multi ? "epoch,time,train/loss,metrics/mAP,metrics/f1_micro,metrics/f1_macro,"
                            "val/loss,lr"
                          : "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,"
                            "val/loss,lr";
  out += more ? text(",metrics/", name_of(best), '\n') : "\n";
  for (const EpochResult& r : results) {
    out += text(r.epoch, ',', cell(r.seconds), ',', cell(r.train_loss), ',');
    out += multi ? text(cell(r.mean_ap), ',', cell(r.f1_micro), ',', cell(r.f1_macro))
                 : text(cell(r.top1), ',', cell(r.top5));
    out += text(',', cell(r.loss), ',', cell(r.lr));
    out += more ? text(',', cell(r.score(best)), '\n') : "\n";
  }
  return out;
}

}  // namespace taxon

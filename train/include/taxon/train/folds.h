// Cross-validation: a run for each part of the data, trained on the others.
#pragma once

#include <taxon/train/run.h>

#include <string>
#include <vector>

namespace taxon {

/// A figure of each fold, and what they come to.
struct FoldFigure {
  std::string name;  ///< as in metrics.json; of averages "macro_f1", "f1_micro", "f1_macro"
  std::vector<double> values;      ///< one a fold
  double mean = 0, deviation = 0;  ///< deviation: of the sample (n - 1)
  double worst = 0;                ///< the smallest; of a loss the largest
};

struct FoldsResult {
  std::string folder;
  bool interrupted = false;
  std::vector<FoldFigure> figures;  ///< where all folds are done
  Predictions predictions;          ///< of every sample, by the run that did not train on it
};

/// Trains `folds` runs into FOLDER/fold-1, fold-2, ...: FOLDER is `out` or
/// runs/<data>-<model>-folds, with -2, -3, ... if that is there. Each is a whole run (see
/// train_run) whose val split is its part; a test split that the data have is not used. FOLDER gets
/// args.toml, and at the end predictions.csv (fold after fold), metrics.json and folds.json. Throws
/// as train_run.
FoldsResult train_folds(const std::vector<TrainSetting>& settings,
                        const RunCallbacks& callbacks = {},
                        const std::atomic<bool>* interrupt = nullptr);
/// Goes on with what an interruption left; as resume_run.
FoldsResult resume_folds(const std::string& folder, const std::vector<TrainSetting>& settings = {},
                         const RunCallbacks& callbacks = {},
                         const std::atomic<bool>* interrupt = nullptr);

/// Whether these options ask for all folds / the folder is one of train_folds.
bool all_folds(const TrainOptions& options);
bool is_folds_folder(const std::string& folder);

/// Of the predictions of each fold. Throws as the metrics do.
std::vector<FoldFigure> fold_figures(const std::vector<Predictions>& folds);

}  // namespace taxon

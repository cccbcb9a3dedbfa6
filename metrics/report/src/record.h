// What lies in a run's folder, read for the report.
#pragma once

#include <taxon/metrics/predictions.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace taxon::report {

using Json = nlohmann::ordered_json;
using Facts = std::vector<std::pair<std::string, std::string>>;

struct Record {
  std::string folder, name;         ///< name: the folder's, for people
  std::string file;                 ///< the predictions that were read
  bool run = true;                  ///< the folder is theirs, with all that lies in it
  Predictions predictions;          ///< complete; ids are always there
  Json metrics;                     ///< metrics.json, or computed from the predictions
  Json results;                     ///< {"columns": [...], "rows": [[...]]} of results.csv, or null
  Json folds;                       ///< folds.json of a cross-validation, or null
  Facts args;                       ///< of args.toml
  Facts environment;                ///< of environment.json
  std::vector<float> plane;         ///< [n, 2] of embedding.csv, NaN where it has no row; or empty
  std::vector<std::uint8_t> right;  ///< [n]: predicted as labelled, every label of it

  std::string arg(const std::string& name) const;  ///< "" where there is none
};

/// `run`: a folder with predictions.csv, or a file of predictions; of a file with another name
/// nothing that lies beside it is read. Files that are optional and damaged, and metrics.json of
/// other predictions, are left out with a note. Throws as read_predictions.
Record read_record(const std::string& run, std::vector<std::string>& notes);

}  // namespace taxon::report

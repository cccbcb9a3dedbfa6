// The action `check` of taxon data.
#pragma once

#include <taxon/data/sources.h>

#include <cstdint>
#include <string>

namespace taxon::cli {

struct CheckRequest {
  std::string data;
  DataOptions options;
  std::string labels = "fast", predictions, model, out;
  std::int64_t folds = 4, epochs = 0;
  double near_percent = 92;
  bool near_given = false;
  bool json = false, quiet = false, all = false;
};

/// Returns some_failed where files could not be read.
int check_data(const CheckRequest& request);

}  // namespace taxon::cli

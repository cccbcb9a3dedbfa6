// What verbs that measure write into a folder.
#pragma once

#include <taxon/metrics/predictions.h>

#include <string>

namespace taxon::cli {

/// Makes a folder and those above it. Throws IoError.
void make_folder(const std::string& path);
/// --plots DIR; nothing for an empty name. Throws IoError.
void write_plots(const std::string& folder, const Predictions& predictions);

}  // namespace taxon::cli

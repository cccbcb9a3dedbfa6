// What verbs that measure write into a folder.
#include "plots.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/metrics/plots.h>

#include <filesystem>

namespace taxon::cli {

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail<IoError>("cannot make the folder '", path, "': ", error.message());
}

void write_plots(const std::string& folder, const Predictions& predictions) {
  if (folder.empty()) return;
  make_folder(folder);
  for (const auto& [name, svg] : all_plots(predictions))
    write_file_atomic(folder + "/" + name, svg);
}

}  // namespace taxon::cli

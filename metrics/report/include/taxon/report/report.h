// report.html: a run's predictions, looked at sample by sample, in one file that works offline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace taxon {

struct ReportOptions {
  std::string out;       ///< "": report.html in the run's folder, compare.html there for two runs
  std::string data_dir;  ///< searched before what args.toml says
  std::size_t max_bytes = 10'000'000;  ///< of the file: pictures, then samples, are fitted to it
  std::int64_t max_samples = 10'000;   ///< shown one by one; figures are always those of all
  /// Facts about the machine and the program (name, value) that have just made the run: written to
  /// environment.json with the data's fingerprint. Empty: what that file says is shown.
  std::vector<std::pair<std::string, std::string>> environment;
};

struct Report {
  std::string file;
  std::int64_t samples = 0;   ///< in predictions.csv
  std::int64_t shown = 0;     ///< one by one
  std::int64_t pictures = 0;  ///< of these, with an image
  std::size_t bytes = 0;
  std::vector<std::string> notes;  ///< what is missing in the report and why
};

/// Makes the report of `run`, a folder with predictions.csv (or such a file itself), and of what
/// lies beside it: metrics.json, results.csv, args.toml, embedding.csv, environment.json. Pictures
/// come from the data that args.toml names, matched by id, or from the files of the column `path`.
/// With `other`, a second run on the same samples, the report compares the two, matched by id.
/// Written as a whole or not at all. Throws IoError without predictions, FormatError naming the
/// file for one that is damaged, OptionError where the two runs cannot be compared. Pictures that
/// cannot be had are a note.
Report write_report(const std::string& run, const std::string& other = "",
                    const ReportOptions& options = {});

}  // namespace taxon

// report.html at the end of train and eval.
#pragma once

#include <string>

namespace taxon::cli {

/// Makes the report of a folder that this process has just filled and notes machine and versions
/// there. The file's path; "" where it could not be made, which is told on stderr and is no error:
/// what was trained or measured is already safe.
std::string make_report(const std::string& folder, const std::string& data_dir = "");

}  // namespace taxon::cli

// The machine's peak: multiply-adds in registers and memory bandwidth.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace taxon::cli {

/// The object of `taxon bench --peak`: null where the machine lacks the instructions.
nlohmann::ordered_json measure_peak();

}  // namespace taxon::cli

// The contact sheet of `taxon data show --augment`.
#pragma once

#include <taxon/data/sources.h>

#include <cstdint>
#include <string>

namespace taxon::cli {

struct SheetRequest {
  std::string augment, out = "sheet.png", resize;  ///< resize: "" as a recipe for the data
  std::int64_t count = 8, size = 0;                ///< samples; size 0: as a recipe
  std::uint64_t seed = 0;
};
struct Sheet {
  std::int64_t samples = 0, epochs = 0;
  std::string split, augment;  ///< augment: its fields as TOML
};
/// Writes it: a row a sample, as it is and as training with this seed sees it in its first epochs.
Sheet write_sheet(const Splits& data, const SheetRequest& request);

}  // namespace taxon::cli

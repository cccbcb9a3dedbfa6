// The pictures of a report: where they come from, and small copies of them side by side in JPEGs.
#pragma once

#include <taxon/data/dataset.h>

#include "record.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace taxon::report {

/// Finds the images of a run's samples: in the data set of its args.toml, matched by id, else in
/// the files of the column `path`.
class Pictures {
 public:
  /// What cannot be found is a note, no error.
  Pictures(const Record& record, const std::string& data_dir, std::vector<std::string>& notes);
  /// The decoded image, its longer side at least `side` pixels if it has them; nullopt if there is
  /// none or it cannot be read.
  std::optional<Image> image(std::int64_t sample, std::int64_t side) const;
  bool any() const { return found_ > 0; }
  /// Of the data set, in hexadecimal digits; "" if none was opened.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  struct Place {
    DatasetPtr data;
    std::int64_t index = 0;
    std::string file;
  };
  void open(const Record& record, const std::string& data_dir);
  void try_files(const Record& record);

  std::vector<Place> places_;
  std::int64_t found_ = 0;
  std::string fingerprint_;
};

/// Tiles of one size in rows, from the upper left, `columns` a row and `per_sheet` a JPEG.
struct Sprites {
  std::int64_t width = 0, height = 0;     ///< of a tile
  std::int64_t pitch_x = 0, pitch_y = 0;  ///< from tile to tile: whole blocks of the JPEG
  std::int64_t columns = 0, per_sheet = 0;
  std::int64_t count = 0;
  int quality = 0;
  std::vector<std::int32_t> tile;                 ///< of each sample, -1 for none
  std::vector<std::uint8_t> size;                 ///< [samples, 2]: width and height of its copy
  std::vector<std::vector<std::uint8_t>> sheets;  ///< JPEGs
};

/// Small copies of the samples' images, as large and as good as `bytes` (of the JPEGs together)
/// allow, at most 160 pixels a side. Empty where nothing fits.
Sprites make_sprites(const Pictures& pictures, std::span<const std::int64_t> samples,
                     std::size_t bytes);

}  // namespace taxon::report

// The data sets known by name: what is in them and how their files are called.
#pragma once

#include <taxon/data/sources.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

enum class KnownFormat : std::uint8_t { idx, cifar10, cifar100 };

struct Known {
  KnownDataset facts;
  KnownFormat format = KnownFormat::idx;
  std::vector<std::string> class_names;
  std::vector<float> mean, std;
  bool flips = false;
  /// Folders below a search folder, in order ("" is the search folder itself, tried last).
  std::vector<std::string> folders;
  std::string train_prefix = "train", test_prefix = "t10k";  ///< of IDX files
  bool transposed = false;                                   ///< IDX images stored by columns
};

std::span<const Known> known_table();
/// nullptr if `name` is none of them.
const Known* find_known(std::string_view name);
std::vector<std::string> known_names();

}  // namespace taxon

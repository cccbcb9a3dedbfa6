// One function for each form of data. Each fills the splits it finds; open_dataset does the rest
// (held out validation, warnings).
#pragma once

#include <taxon/data/sources.h>

#include <optional>
#include <string>

#include "known.h"

namespace taxon {

/// Whether the folder holds files of this data set (all of them, or some: then reading says what is
/// missing).
enum class Presence : std::uint8_t { none, some, all };

Presence idx_presence(const std::string& folder, const Known& known);
Splits read_idx(const std::string& folder, const Known& known);
/// For IDX files of an unknown data set: `known` with as many classes as the labels need.
Known idx_classes(const std::string& folder, Known known);

Presence cifar_presence(const std::string& folder, const Known& known);
Splits read_cifar(const std::string& folder, const Known& known);

Splits read_folder(const std::string& folder, const DataOptions& options);
Splits read_manifest(const std::string& path, const DataOptions& options);

/// An image's file name has an extension that decode_image can read / a format it cannot.
bool is_image_name(const std::string& path);
bool is_other_image_name(const std::string& path);

/// "train", "val" (also from "valid", "validation") or "test"; nullopt for another name.
std::optional<std::string> split_name(std::string_view name);

/// Samples of `data` divided by `seed`: shares of each class (task single) or of all. `second` and
/// `third` get their share of each, rounded, but never all of a class.
struct Division {
  std::vector<std::int64_t> first, second, third;
};
Division divide(const Dataset& data, double second, double third, std::uint64_t seed);

/// Sets train, val and test from one undivided data set: 80/10/10, or as val_fraction says.
void divide_all(Splits& splits, const DatasetPtr& all, const DataOptions& options);
/// val and train as DataOptions::folds asks for.
void take_fold(Splits& splits, const DataOptions& options);
/// Facts about files by looking at a few headers.
DataFacts look_at_files(const Dataset& data, std::uint64_t seed);

}  // namespace taxon

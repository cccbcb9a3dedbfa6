// From the word a person types (DATA: a name, a folder, a .csv manifest) to splits ready to train
// on.
#pragma once

#include <taxon/data/dataset.h>
#include <taxon/data/publication.h>
#include <taxon/data/transforms.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace taxon {

struct DataOptions {
  std::string data_dir;                ///< searched first; "" for none
  std::optional<double> val_fraction;  ///< share of train to hold out where there is no val split
  std::optional<Task> task;            ///< overrides what a manifest's header says
  std::string label_sep = "|";         ///< between the labels of a multi-label manifest
  std::uint64_t seed = 0;              ///< of the splits drawn here
  /// Above 0: val is part `fold` (from 1) of `folds` (see folds.h), train the others. They are
  /// parts of train and val together; where data without splits were divided here, of all samples.
  std::int64_t folds = 0, fold = 0;
  bool require_train = true;  ///< false: val or test alone will do (evaluation)
  /// Class folders may be empty, or missing in train: they become classes without samples (to look
  /// for what is wrong with the data).
  bool allow_missing_classes = false;
};

/// What a recipe needs to know about a data set.
struct DataFacts {
  std::int64_t height = 0, width = 0;  ///< of the images; typical ones where they vary
  std::int64_t channels = 3;           ///< 1 if all (looked at) images are grey
  bool fixed_size = false;             ///< all images have this size
  bool flips = true;                   ///< a mirrored image keeps its class
  std::vector<float> mean, std;        ///< published ones, or ImageNet's for folders and manifests
};

struct Splits {
  std::string name;      ///< short, for run folders: "cifar10", the folder's or manifest's name
  std::string format;    ///< "idx", "cifar", "folder" or "csv"
  std::string where;     ///< the folder or file that was read
  bool known = false;    ///< one of the named data sets
  bool divided = false;  ///< came undivided; the splits were drawn here by the seed
  Task task = Task::single;
  std::vector<std::string> class_names;
  DatasetPtr train, val, test;  ///< nullptr where there is none
  DataFacts facts;
  std::vector<std::string>
      warnings;  ///< to be shown: ignored files, a class without test samples, ...

  /// "train", "val" (also "valid", "validation") or "test". Throws OptionError naming the splits
  /// there are.
  DatasetPtr split(std::string_view name) const;
  std::uint64_t fingerprint() const;
};

/// Opens DATA. Throws IoError (not found: where it looked and how to get it), FormatError
/// (content), OptionError (options, misspelt names with a suggestion).
Splits open_dataset(const std::string& data, const DataOptions& options = {});

/// Preprocessing that suits the data: its own size where that is fixed (`size` > 0 overrides), its
/// channels and statistics.
Preprocess default_preprocess(const DataFacts& facts, std::int64_t size = 0,
                              ResizeMode mode = ResizeMode::crop);

/// One of the data sets known by name.
struct KnownDataset {
  std::string name, title;
  std::int64_t train = 0, test = 0, classes = 0;  ///< numbers of images and classes
  std::int64_t height = 0, width = 0, channels = 0;
  std::string found;        ///< where its files lie, "" if not found
  Publication publication;  ///< how to get it
};
std::vector<KnownDataset> known_datasets(const std::string& data_dir = "");
/// The folders searched, in order: `data_dir`, $TAXON_DATA, the user's cache, the system's.
std::vector<std::string> data_search_path(const std::string& data_dir = "");
/// The folder that fetched data sets go to: the first of these that is the user's own. Throws
/// OptionError if there is none.
std::string data_home(const std::string& data_dir = "");

}  // namespace taxon

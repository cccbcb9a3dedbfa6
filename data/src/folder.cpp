// A folder of images: train/ val/ test/ of class folders, or class folders alone.
#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "readers.h"

namespace taxon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_depth = 8;  // below a class folder

bool hidden(const std::string& name) {
  return name.empty() || name[0] == '.' || name == "__MACOSX" || name == "Thumbs.db";
}

struct Entry {
  std::string name, path;
  bool folder = false;
};

// Sorted by name, so that every machine sees the same order.
std::vector<Entry> entries(const std::string& folder) {
  std::vector<Entry> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!hidden(name)) {
      std::error_code ignored;
      out.push_back({name, it->path().string(), it->is_directory(ignored)});
    }
  }
  if (error) {
    fail<IoError>(folder, ": cannot be listed: ", error.message());
  }
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return out;
}

struct Found {
  std::vector<std::string> images;
  std::int64_t other_images = 0, other_files = 0, circles = 0, too_deep = 0;
};

// The folders on the way down, without links: what leads back to one of them, or above, is a
// circle.
using Above = std::vector<std::string>;

bool enter(const std::string& folder, Above& above) {
  std::error_code error;
  const std::string real = fs::canonical(folder, error).string();
  const std::string below = real.ends_with('/') ? real : real + '/';
  const auto inside = [&](const std::string& other) {
    return other == real || other.compare(0, below.size(), below) == 0;
  };
  if (error || std::any_of(above.begin(), above.end(), inside)) {
    return false;
  }
  above.push_back(real);
  return true;
}

void find_images(const std::string& folder, Above& above, Found& found) {
  for (const Entry& e : entries(folder)) {
    if (e.folder) {
      if (!enter(e.path, above)) {
        ++found.circles;
        continue;
      }
      if (above.size() <= max_depth + 2) {  // the split's and the class's own
        find_images(e.path, above, found);
      } else {
        ++found.too_deep;
      }
      above.pop_back();
    } else if (is_image_name(e.name)) {
      found.images.push_back(e.path);
    } else {
      (is_other_image_name(e.name) ? found.other_images : found.other_files) += 1;
    }
  }
}

// Class folders of one split (or of an undivided data set).
struct ClassFolders {
  std::string folder;
  std::map<std::string, Found> classes;
};

ClassFolders read_classes(const std::string& folder, const DataOptions& options,
                          std::vector<std::string>& warnings) {
  ClassFolders result{folder, {}};
  std::int64_t loose = 0, unreadable = 0, circles = 0, too_deep = 0;
  Above above;
  enter(folder, above);
  for (const Entry& e : entries(folder)) {
    if (!e.folder) {
      loose += is_image_name(e.name) ? 1 : 0;
      continue;
    }
    if (!enter(e.path, above)) {
      ++circles;
      continue;
    }
    Found found;
    find_images(e.path, above, found);
    above.pop_back();
    circles += found.circles;
    too_deep += found.too_deep;
    if (found.images.empty() && !options.allow_missing_classes) {
      fail<FormatError>(e.path, ": empty class folder: ", found.other_images + found.other_files,
                        " files, none of them .png, .jpg, .jpeg or .bmp; expected images",
                        found.other_images > 0 ? " (other image formats must be converted)" : "");
    }
    unreadable += found.other_images;
    result.classes[e.name] = std::move(found);
  }
  if (result.classes.empty()) {
    fail<FormatError>(folder, ": no class folders",
                      loose > 0 ? text(" (", loose, " images lie in it directly)") : "",
                      ", expected one folder a class with its images");
  }
  if (loose > 0) {
    warnings.push_back(text(folder, ": ", loose, " images outside class folders are ignored"));
  }
  if (circles > 0) {
    warnings.push_back(text(folder, ": ", circles, " links back to a folder above are ignored"));
  }
  if (too_deep > 0) {
    warnings.push_back(text(folder, ": ", too_deep, " folders are ignored that lie more than ",
                            max_depth, " below their class"));
  }
  if (unreadable > 0) {
    warnings.push_back(text(folder, ": ", unreadable,
                            " images of other formats are ignored; expected PNG, JPEG or BMP"));
  }
  return result;
}

DatasetPtr make_dataset(const std::string& root, const std::string& name, const ClassFolders& split,
                        const std::vector<std::string>& class_names) {
  Labels labels{Task::single, class_names, {}, {}};
  std::vector<std::string> paths, ids;
  for (const auto& [class_name, found] : split.classes) {
    const auto at = std::lower_bound(class_names.begin(), class_names.end(), class_name);
    for (const std::string& path : found.images) {
      labels.index.push_back(at - class_names.begin());
      paths.push_back(path);
      ids.push_back(path.substr(root.size() + (root.ends_with('/') ? 0 : 1)));
    }
  }
  return file_dataset(name, std::move(paths), std::move(ids), std::move(labels));
}

std::vector<std::string> names_of(const ClassFolders& split) {
  std::vector<std::string> names;
  for (const auto& [name, found] : split.classes) {
    names.push_back(name);
  }
  return names;
}

using SplitFolders = std::map<std::string, ClassFolders>;

// The split folders among the entries; `ignored` gets the other folders.
SplitFolders find_splits(const std::string& folder, const DataOptions& options,
                         std::vector<std::string>& warnings) {
  std::map<std::string, std::string> paths;
  std::vector<std::string> ignored;
  for (const Entry& e : entries(folder)) {
    if (!e.folder) {
      continue;
    }
    const auto split = split_name(e.name);
    if (!split) {
      ignored.push_back(e.name);
    } else if (!paths.emplace(*split, e.path).second) {
      fail<FormatError>(folder, ": two folders for the split ", *split, ": ", paths[*split],
                        " and ", e.path, "; expected one");
    }
  }
  SplitFolders splits;
  if (paths.empty()) {
    return splits;
  }
  if (!ignored.empty()) {
    warnings.push_back(text(folder, ": ignored beside the splits: ", join(ignored, ", ")));
  }
  for (const auto& [name, path] : paths) {
    splits.emplace(name, read_classes(path, options, warnings));
  }
  return splits;
}

void check_images(const std::string& folder, const SplitFolders& splits) {
  for (const auto& [split, folders] : splits)
    for (const auto& [name, found] : folders.classes)
      if (!found.images.empty()) return;
  fail<FormatError>(folder, ": no class folder holds an image, expected PNG, JPEG or BMP files");
}

// Classes come from train; without it (evaluation), or where it may lack some, from all splits.
std::vector<std::string> split_classes(const SplitFolders& splits, const DataOptions& options) {
  std::vector<std::string> names;
  const auto train = splits.find("train");
  if (train == splits.end() || options.allow_missing_classes) {
    for (const auto& [split, folders] : splits) {
      const auto more = names_of(folders);
      names.insert(names.end(), more.begin(), more.end());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
  names = names_of(train->second);
  for (const auto& [split, folders] : splits) {
    for (const auto& [name, found] : folders.classes) {
      if (!std::binary_search(names.begin(), names.end(), name)) {
        fail<FormatError>(folders.folder, '/', name, ": class '", name, "' is missing in ",
                          train->second.folder, did_you_mean(name, names), "; expected one of its ",
                          names.size(), " classes");
      }
    }
  }
  return names;
}

}  // namespace

bool is_image_name(const std::string& path) {
  const std::string end = lower(fs::path(path).extension().string());
  return end == ".png" || end == ".jpg" || end == ".jpeg" || end == ".bmp";
}

bool is_other_image_name(const std::string& path) {
  static constexpr std::array<std::string_view, 9> ends{".gif", ".tif",  ".tiff", ".webp", ".ppm",
                                                        ".pgm", ".heic", ".avif", ".jp2"};
  return std::find(ends.begin(), ends.end(), lower(fs::path(path).extension().string())) !=
         ends.end();
}

std::optional<std::string> split_name(std::string_view name) {
  const std::string s = lower(name);
  if (s == "train" || s == "val" || s == "test") {
    return s;
  }
  return s == "valid" || s == "validation" ? std::optional<std::string>("val") : std::nullopt;
}

Splits read_folder(const std::string& folder, const DataOptions& options) {
  Splits s;
  s.format = "folder";
  const SplitFolders splits = find_splits(folder, options, s.warnings);
  const std::string name = fs::path(folder).filename().string();
  if (splits.empty()) {
    const ClassFolders all = read_classes(folder, options, s.warnings);
    check_images(folder, {{"", all}});
    divide_all(s, make_dataset(folder, name, all, names_of(all)), options);
    return s;
  }
  check_images(folder, splits);
  const std::vector<std::string> class_names = split_classes(splits, options);
  for (const auto& [split, folders] : splits) {
    (split == "train" ? s.train
     : split == "val" ? s.val
                      : s.test) =
        make_dataset(folder, text(name, '/', split), folders, class_names);
  }
  return s;
}

}  // namespace taxon

// Data sets by name: whether one is here already, and where it goes.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/data/sources.h>
#include <taxon/fetch/fetch.h>

#include <algorithm>
#include <filesystem>

namespace taxon {
namespace {

KnownDataset known_dataset(const std::string& name, const std::string& data_dir) {
  std::vector<std::string> names;
  for (KnownDataset& k : known_datasets(data_dir)) {
    if (k.name == name) return std::move(k);
    names.push_back(k.name);
  }
  fail<OptionError>("data set '", name, "' is unknown", did_you_mean(lower(name), names),
                    ", expected one of: ", join(names, ", "));
}

bool is_below(const std::string& path, const std::string& folder) {
  const auto full = [](const std::string& p) {
    return (std::filesystem::absolute(p) / "").lexically_normal().string();
  };
  return full(path).starts_with(full(folder));
}

// Whether files of a download lie there: then they are checked, and missing ones fetched.
bool has_download(const Publication& publication, const std::string& folder) {
  const auto there = [&](const std::string& name) { return file_exists(text(folder, '/', name)); };
  return there("SHA256SUMS") || std::any_of(publication.files.begin(), publication.files.end(),
                                            [&](const PublishedFile& f) {
                                              return there(f.name) || there(f.name + ".part");
                                            });
}

}  // namespace

std::string fetch_dataset(const std::string& name, const std::string& data_dir,
                          const FetchOptions& options, const FetchCallbacks& callbacks) {
  const KnownDataset known = known_dataset(name, data_dir);
  const std::string folder = text(data_home(data_dir), '/', known.name);
  const bool here = !known.found.empty() && (data_dir.empty() || is_below(known.found, data_dir));
  if (here && (known.found != folder || !has_download(known.publication, folder))) {
    if (callbacks.on_note) {
      callbacks.on_note(text(known.name, " is in ", known.found, " already; nothing to fetch"));
    }
    return known.found;
  }
  fetch_files(known.publication, folder, options, callbacks);
  return folder;
}

}  // namespace taxon

// CIFAR-10 and CIFAR-100, "binary version": records of label bytes (CIFAR-100: coarse, fine) and
// 32x32 pixels as three planes; in a folder or in the publisher's .tar.gz.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>

#include <algorithm>
#include <map>

#include "bytes.h"
#include "readers.h"

namespace taxon {
namespace {

constexpr std::int64_t side = 32;
constexpr std::size_t plane = side * side, image_bytes = 3 * plane;

struct Layout {
  std::vector<std::string> train;
  std::string test, names;
  std::string folder, archive;  // below the folder of the data set
  std::size_t label_bytes;
};

Layout layout(const Known& known) {
  if (known.format == KnownFormat::cifar10) {
    return {{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
             "data_batch_5.bin"},
            "test_batch.bin",
            "batches.meta.txt",
            "cifar-10-batches-bin",
            "cifar-10-binary.tar.gz",
            1};
  }
  return {{"train.bin"},
          "test.bin",
          "fine_label_names.txt",
          "cifar-100-binary",
          "cifar-100-binary.tar.gz",
          2};
}

// Where the .bin files lie: in the folder or in the publisher's folder within; "" if in neither.
std::string bin_folder(const std::string& folder, const Layout& l) {
  for (const std::string& f : {folder, text(folder, '/', l.folder)}) {
    if (file_exists(text(f, '/', l.train[0])) || file_exists(text(f, '/', l.test))) {
      return f;
    }
  }
  return {};
}

using Contents = std::map<std::string, std::vector<std::uint8_t>>;

struct Files {
  std::string where;  // the folder or archive
  Contents contents;
};

std::vector<std::string> all_names(const Layout& l) {
  std::vector<std::string> names = l.train;
  names.push_back(l.test);
  return names;
}

Files read_files(const std::string& folder, const Layout& l) {
  Files files;
  const std::string bins = bin_folder(folder, l);
  if (!bins.empty()) {
    files.where = bins;
    for (const std::string& name : all_names(l)) {
      const std::string path = text(bins, '/', name);
      if (!file_exists(path)) {
        fail<IoError>(bins, ": ", name, " is missing beside the other files");
      }
      files.contents[name] = read_file(path);
    }
    const std::string names = text(bins, '/', l.names);
    if (file_exists(names)) {
      files.contents[l.names] = read_file(names);
    }
    return files;
  }
  files.where = text(folder, '/', l.archive);
  const std::vector<std::string> wanted = all_names(l);
  read_tar(
      files.where,
      [&](std::string_view name) {
        return name == l.names || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
      },
      [&](std::string_view name, std::vector<std::uint8_t> bytes) {
        files.contents[std::string(name)] = std::move(bytes);
      });
  for (const std::string& name : wanted) {
    if (files.contents.count(name) == 0) {
      fail<FormatError>(files.where, ": holds no ", name);
    }
  }
  return files;
}

// One file's records, appended: planes become interleaved channels.
void add_records(const Files& files, const std::string& name, const Layout& l, Labels& labels,
                 std::vector<std::uint8_t>& pixels) {
  const std::vector<std::uint8_t>& bytes = files.contents.at(name);
  const std::size_t record = l.label_bytes + image_bytes;
  if (bytes.empty() || bytes.size() % record != 0) {
    fail<FormatError>(files.where, '/', name, ": ", bytes.size(), " bytes, expected a multiple of ",
                      record, " (truncated?)");
  }
  const std::size_t classes = labels.class_names.size();
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    const std::uint8_t* p = bytes.data() + at + l.label_bytes;
    const std::uint8_t label = p[-1];
    if (label >= classes) {
      fail<FormatError>(files.where, '/', name, ": label ", static_cast<int>(label), " of record ",
                        at / record, ", expected 0 to ", classes - 1);
    }
    labels.index.push_back(label);
    const std::size_t begin = pixels.size();
    pixels.resize(begin + image_bytes);
    for (std::size_t i = 0; i < plane; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        pixels[begin + i * 3 + c] = p[c * plane + i];
      }
    }
  }
}

std::vector<std::string> class_names(const Files& files, const Known& known, const Layout& l) {
  const auto hit = files.contents.find(l.names);
  if (hit == files.contents.end()) {
    return known.class_names;
  }
  std::vector<std::string> names;
  const std::string all(hit->second.begin(), hit->second.end());
  for (const std::string& line : split(all, '\n')) {
    if (!trim(line).empty()) {
      names.emplace_back(trim(line));
    }
  }
  if (names.size() != known.class_names.size()) {
    fail<FormatError>(files.where, '/', l.names, ": ", names.size(), " class names, expected ",
                      known.class_names.size());
  }
  return names;
}

}  // namespace

Presence cifar_presence(const std::string& folder, const Known& known) {
  const Layout l = layout(known);
  const std::string bins = bin_folder(folder, l);
  if (bins.empty()) {
    return file_exists(text(folder, '/', l.archive)) ? Presence::all : Presence::none;
  }
  // "train.bin" alone is too common a name to be taken for CIFAR-100.
  const auto names = all_names(l);
  const bool all = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return file_exists(text(bins, '/', name));
  });
  return all                                    ? Presence::all
         : known.format == KnownFormat::cifar10 ? Presence::some
                                                : Presence::none;
}

Splits read_cifar(const std::string& folder, const Known& known) {
  const Layout l = layout(known);
  const Files files = read_files(folder, l);
  const Shape shape{side, side, 3};
  Splits s;
  s.format = "cifar";
  Labels train{Task::single, class_names(files, known, l), {}, {}};
  Labels test{Task::single, train.class_names, {}, {}};
  std::vector<std::uint8_t> pixels;
  pixels.reserve(files.contents.at(l.train[0]).size() * l.train.size());
  for (const std::string& name : l.train) {
    add_records(files, name, l, train, pixels);
  }
  s.train = memory_dataset(known.facts.name + "/train", std::move(pixels), shape, std::move(train));
  pixels = {};
  pixels.reserve(files.contents.at(l.test).size());
  add_records(files, l.test, l, test, pixels);
  s.test = memory_dataset(known.facts.name + "/test", std::move(pixels), shape, std::move(test));
  s.facts.height = s.facts.width = side;
  s.facts.channels = 3;
  return s;
}

}  // namespace taxon

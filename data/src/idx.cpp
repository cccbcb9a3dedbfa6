// IDX files (LeCun's MNIST format): big-endian magic 0x000008DD (unsigned bytes, DD dimensions),
// the extents, the bytes.
#include <taxon/base/error.h>
#include <taxon/base/file.h>

#include <algorithm>
#include <array>

#include "bytes.h"
#include "readers.h"

namespace taxon {
namespace {

constexpr std::uint32_t image_magic = 0x803, label_magic = 0x801;

std::string hex(std::uint32_t v) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) {
    out += digits[(v >> shift) & 15];
  }
  return out;
}

std::uint32_t read_u32(ByteStream& in) {
  std::array<unsigned char, 4> b{};
  if (in.read(b.data(), 4) != 4) {
    fail<FormatError>(in.path(), ": truncated: ", in.position(),
                      " bytes, expected an IDX header of 8 or more");
  }
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

struct Idx {
  std::vector<std::int64_t> extents;
  std::vector<std::uint8_t> bytes;
};

Idx read_file_idx(const std::string& path, std::uint32_t magic) {
  ByteStream in(path);
  const std::uint32_t found = read_u32(in);
  if (found != magic) {
    fail<FormatError>(path, ": magic number ", hex(found), ", expected ", hex(magic), " (IDX ",
                      magic == image_magic ? "images" : "labels", ")");
  }
  Idx idx;
  std::uint64_t total = 1;
  for (std::uint32_t i = 0; i < (magic & 255); ++i) {
    const std::uint32_t extent = read_u32(in);
    idx.extents.push_back(extent);
    if (extent == 0 || (i > 0 && extent > 4096)) {
      fail<FormatError>(path, ": extent ", i, " is ", extent, ", expected 1 or more",
                        i > 0 ? " up to 4096" : "");
    }
    total *= extent;
  }
  const std::uint64_t have = in.append(idx.bytes, total);
  if (have != total) {
    fail<FormatError>(path, ": truncated: ", have, " bytes after the header, expected ", total);
  }
  if (!in.at_end()) {
    fail<FormatError>(path, ": more bytes than the ", total, " that its header announces");
  }
  return idx;
}

void transpose(std::vector<std::uint8_t>& pixels, std::int64_t height, std::int64_t width) {
  std::vector<std::uint8_t> turned(static_cast<std::size_t>(height * width));
  const auto n = static_cast<std::size_t>(height * width);
  for (std::size_t at = 0; at + n <= pixels.size(); at += n) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        turned[static_cast<std::size_t>(x * height + y)] =
            pixels[at + static_cast<std::size_t>(y * width + x)];
      }
    }
    std::copy(turned.begin(), turned.end(), pixels.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

// The file of this name, or with .gz, or with the dot that some archives use; "" if there is none.
std::string find_file(const std::string& folder, const std::string& prefix,
                      const std::string& kind) {
  for (const char* joint : {"-", "."}) {
    for (const char* end : {"", ".gz"}) {
      const std::string path = text(folder, '/', prefix, '-', kind.substr(0, kind.find('-')), joint,
                                    kind.substr(kind.find('-') + 1), end);
      if (file_exists(path)) {
        return path;
      }
    }
  }
  return {};
}

constexpr const char* images_kind = "images-idx3-ubyte";
constexpr const char* labels_kind = "labels-idx1-ubyte";

std::string require(const std::string& folder, const std::string& prefix, const std::string& kind) {
  std::string path = find_file(folder, prefix, kind);
  if (path.empty()) {
    fail<IoError>(folder, ": ", prefix, '-', kind, "[.gz] is missing beside the other files");
  }
  return path;
}

struct Loaded {
  DatasetPtr data;
  Shape shape;
};

Loaded load_split(const std::string& folder, const Known& known, const std::string& prefix,
                  const std::string& name) {
  const std::string image_path = require(folder, prefix, images_kind);
  const std::string label_path = require(folder, prefix, labels_kind);
  Idx images = read_file_idx(image_path, image_magic);
  const Idx labels = read_file_idx(label_path, label_magic);
  if (images.extents[0] != labels.extents[0]) {
    fail<FormatError>(label_path, ": ", labels.extents[0], " labels, expected ", images.extents[0],
                      ", the images of ", image_path);
  }
  const auto classes = static_cast<std::int64_t>(known.class_names.size());
  Labels l{Task::single, known.class_names, {}, {}};
  for (const std::uint8_t label : labels.bytes) {
    if (label >= classes) {
      fail<FormatError>(label_path, ": label ", static_cast<int>(label), " of sample ",
                        l.index.size(), ", expected 0 to ", classes - 1);
    }
    l.index.push_back(label);
  }
  Shape shape{images.extents[1], images.extents[2], 1};
  if (known.transposed) {
    transpose(images.bytes, shape[0], shape[1]);
    shape = Shape{shape[1], shape[0], 1};
  }
  return {memory_dataset(text(known.facts.name, '/', name), std::move(images.bytes), shape,
                         std::move(l)),
          shape};
}

}  // namespace

Presence idx_presence(const std::string& folder, const Known& known) {
  int found = 0;
  for (const std::string& prefix : {known.train_prefix, known.test_prefix}) {
    for (const char* kind : {images_kind, labels_kind}) {
      found += find_file(folder, prefix, kind).empty() ? 0 : 1;
    }
  }
  return found == 4 ? Presence::all : found > 0 ? Presence::some : Presence::none;
}

Known idx_classes(const std::string& folder, Known known) {
  int classes = 0;
  for (const std::string& prefix : {known.train_prefix, known.test_prefix}) {
    for (const std::uint8_t label :
         read_file_idx(require(folder, prefix, labels_kind), label_magic).bytes) {
      classes = std::max(classes, label + 1);
    }
  }
  for (int c = 0; c < classes; ++c) {
    known.class_names.push_back(std::to_string(c));
  }
  return known;
}

Splits read_idx(const std::string& folder, const Known& known) {
  Splits s;
  s.format = "idx";
  const Loaded train = load_split(folder, known, known.train_prefix, "train");
  const Loaded test = load_split(folder, known, known.test_prefix, "test");
  if (!(train.shape == test.shape)) {
    fail<FormatError>(folder, ": test images are ", test.shape, ", expected ", train.shape,
                      " as in train (height, width, channels)");
  }
  s.train = train.data;
  s.test = test.data;
  s.facts.height = train.shape[0];
  s.facts.width = train.shape[1];
  s.facts.channels = 1;
  return s;
}

}  // namespace taxon

// Damaged input, thousands of times: it decodes or throws one of our errors, and does nothing else.
// Run under the sanitizers (preset asan) this is what keeps hostile files out.
#include "catch.h"

#include <taxon/base/random.h>
#include <taxon/data/sources.h>

#include <cstdlib>

#include "data_test.h"
#include "fixtures.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// Bytes flipped, set, cut, doubled, or swapped for another file's.
Bytes damaged(const Bytes& whole, Rng& rng) {
  Bytes b = whole;
  const auto changes = 1 + rng.below(6);
  for (std::uint64_t i = 0; i < changes && !b.empty(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(rng.below(b.size()));
    const auto k = static_cast<std::size_t>(at);
    switch (rng.below(8)) {
      case 0:
        b.resize(k);
        break;
      case 1:
        b.erase(b.begin() + at,
                b.begin() + at +
                    std::min<std::ptrdiff_t>(8, static_cast<std::ptrdiff_t>(b.size()) - at));
        break;
      case 2:
        b.insert(b.begin() + at, b.begin(), b.begin() + std::min<std::ptrdiff_t>(at, 40));
        break;
      case 3:
        b[k] = 0xff;
        break;
      case 4:
        b[k] = 0;
        break;
      default:
        b[k] = static_cast<std::uint8_t>(b[k] ^ (1u << rng.below(8)));
    }
  }
  return b;
}

// PNG chunks get right checksums, so that damage reaches the decoder.
void repair_png(Bytes& b) {
  for (std::size_t at = 8; at + 12 <= b.size();) {
    const std::size_t length = std::size_t{b[at]} << 24 | std::size_t{b[at + 1]} << 16 |
                               std::size_t{b[at + 2]} << 8 | b[at + 3];
    if (length > b.size() - at - 12) {
      return;
    }
    const auto crc =
        static_cast<std::uint32_t>(crc32(0, &b[at + 4], static_cast<uInt>(4 + length)));
    for (std::size_t i = 0; i < 4; ++i) {
      b[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    }
    at += 12 + length;
  }
}

// How many of the calls threw an Error; anything else thrown fails the test.
template <class F>
int errors_in(int times, F&& call) {
  int errors = 0;
  for (int i = 0; i < times; ++i) {
    try {
      call(i);
    } catch (const Error&) {
      ++errors;
    }
  }
  return errors;
}

int repeats() {
  const char* times = std::getenv("TAXON_FUZZ");
  return times == nullptr ? 600 : std::atoi(times);
}

}  // namespace

TEST_CASE("damaged images decode or are refused") {
  const std::vector<Bytes> files{fixtures::progressive_jpeg,
                                 fixtures::rotated_jpeg,
                                 fixtures::grey_jpeg,
                                 fixtures::cmyk_jpeg,
                                 encode_jpeg(pattern(40, 33, 3), 60),
                                 fixtures::palette_png,
                                 fixtures::bits_png,
                                 fixtures::alpha_png,
                                 fixtures::turned_png,
                                 encode_png(pattern(31, 17, 3)),
                                 fixtures::color_bmp};
  for (std::size_t f = 0; f < files.size(); ++f) {
    Rng rng(17, f);
    const int errors = errors_in(repeats(), [&](int i) {
      Bytes b = damaged(files[f], rng);
      if (i % 2 == 0) {
        repair_png(b);
      }
      image_info(b);
      const Image image = decode_image(b);
      REQUIRE(image.bytes() ==
              static_cast<std::size_t>(image.height() * image.width() * image.channels()));
    });
    INFO("file " << f);
    CHECK(errors > repeats() / 10);
  }
}

TEST_CASE("every truncation of an image is refused") {
  for (const Bytes& whole : {fixtures::progressive_jpeg, fixtures::grey_jpeg, fixtures::palette_png,
                             fixtures::color_bmp}) {
    const int n = static_cast<int>(whole.size()) - 1;
    CHECK(errors_in(n, [&](int i) {
            decode_image(std::span(whole).first(static_cast<std::size_t>(i)));
          }) == n);
  }
}

TEST_CASE("JPEGs that lie about their Huffman tables are refused") {
  Bytes b = encode_jpeg(pattern(16, 16, 3));
  std::size_t at = 0;
  while (b[at] != 0xff || b[at + 1] != 0xc4) {
    ++at;
  }
  for (std::size_t i = 0; i < 16; ++i) {
    b[at + 5 + i] = 255;
  }
  CHECK(
      contains(error_of<FormatError>([&] { decode_image(b, "f"); }), "f: corrupt JPEG: a Huffman"));
}

TEST_CASE("damaged IDX, CIFAR and archives are refused or read") {
  Bytes images = idx({6, 4, 4}, Bytes(96, 7)), labels = idx({6}, {0, 1, 2, 3, 4, 5});
  Bytes records;
  for (int i = 0; i < 3; ++i) {
    records.resize(records.size() + 3073, static_cast<std::uint8_t>(i));
  }
  std::vector<TarFile> files;
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
    files.push_back({std::string("x/") + name, records});
  }
  const Bytes archive = tar(files);
  const Folder folder;
  folder.write("mnist/t10k-images-idx3-ubyte", images);
  folder.write("mnist/t10k-labels-idx1-ubyte", labels);
  Rng rng(4, 4);
  const int times = std::max(20, repeats() / 6);
  const int errors = errors_in(times, [&](int i) {
    const bool gz = i % 3 == 0;
    const auto put = [&](const std::string& name, const Bytes& whole) {
      std::filesystem::remove(folder / name);
      std::filesystem::remove(folder / (name + ".gz"));
      folder.write(gz ? name + ".gz" : name, gz ? damaged(gzip(whole), rng) : damaged(whole, rng));
    };
    put("mnist/train-images-idx3-ubyte", images);
    put("mnist/train-labels-idx1-ubyte", labels);
    open_dataset(folder / "mnist");
  });
  CHECK(errors > times / 4);
  const int archive_errors = errors_in(times, [&](int i) {
    folder.write("cifar10/cifar-10-binary.tar.gz",
                 i % 2 == 0 ? gzip(damaged(archive, rng)) : damaged(gzip(archive), rng));
    open_dataset(folder / "cifar10");
  });
  CHECK(archive_errors > times / 10);
}

TEST_CASE("damaged manifests are refused or read") {
  const Folder folder;
  folder.write("a.png", encode_png(pattern(2, 2, 1)));
  const std::string whole =
      "filename,labels,split\r\na.png,x|y,train\n\"a.png\",\"x\",val\na.png,,test\na.png,y,train\n";
  Rng rng(5, 5);
  const int errors = errors_in(repeats(), [&](int) {
    open_dataset(folder.write("m.csv", damaged(Bytes(whole.begin(), whole.end()), rng)));
  });
  CHECK(errors > repeats() / 4);
}

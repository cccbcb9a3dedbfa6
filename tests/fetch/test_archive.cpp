// Data sets that come as archives, and data sets by name.
#include "catch.h"

#include <taxon/data/sources.h>
#include <taxon/fetch/fetch.h>

#include <zlib.h>

#include "fetch_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

std::string deflated(const std::string& text) {
  std::string out(compressBound(text.size()) + 16, '\0');
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct Member {
  std::string name, content;
  bool packed = true;
  std::uint32_t damage = 0;  // to the checksum
};

/// A zip archive (APPNOTE.TXT 4.3): local headers with the files, then the directory.
std::string zip(const std::vector<Member>& members) {
  std::string out, directory;
  for (const Member& m : members) {
    const std::string bytes = m.packed ? deflated(m.content) : m.content;
    const auto* raw = reinterpret_cast<const Bytef*>(m.content.data());
    const std::uint64_t crc = crc32(0, raw, static_cast<uInt>(m.content.size())) ^ m.damage;
    std::string common;
    put(common, 20, 2);
    put(common, 0, 2);
    put(common, m.packed ? 8 : 0, 2);
    put(common, 0x50210000, 4);  // a date
    put(common, crc, 4);
    put(common, bytes.size(), 4);
    put(common, m.content.size(), 4);
    put(common, m.name.size(), 2);
    put(common, 0, 2);
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    directory += common;
    put(directory, 0, 6);
    put(directory, 0, 4);
    put(directory, out.size(), 4);
    directory += m.name;
    put(out, 0x04034b50, 4);
    out += common + m.name + bytes;
  }
  const std::size_t at = out.size();
  out += directory;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, members.size(), 2);
  put(out, members.size(), 2);
  put(out, directory.size(), 4);
  put(out, at, 4);
  put(out, 0, 2);
  return out;
}

const std::string images = noise(200000), labels = std::string(5000, 'x');

Publication publication(const std::string& archive, const std::string& mirror) {
  Publication p{{published("all.zip", archive)}, {mirror}, "", ""};
  p.files[0].members = {"images.gz", "labels.gz"};
  return p;
}

}  // namespace

TEST_CASE("files are taken out of an archive, which is deleted") {
  const Folder folder;
  const std::string archive = zip({{"gzip/readme.txt", "hello"},
                                   {"gzip/labels.gz", labels},
                                   {"gzip/images.gz", images, false}});
  const HttpServer server([&](const HttpRequest& request) { return file_reply(request, archive); });
  const Publication p = publication(archive, server.url());
  fetch_files(p, folder.path(), quick());
  const std::vector<std::string> expected{"SHA256SUMS", "images.gz", "labels.gz"};
  CHECK(names_in(folder.path()) == expected);
  CHECK(read_text(folder / "images.gz") == images);
  CHECK(read_text(folder / "labels.gz") == labels);
  CHECK(contains(read_text(folder / "SHA256SUMS"), sha256(images) + "  images.gz\n"));

  Told told;
  fetch_files(p, folder.path(), quick(), told.callbacks());
  CHECK(server.requests().size() == 1);
  CHECK(told.files.at(0).from.empty());

  folder.write("labels.gz", "damaged");
  fetch_files(p, folder.path(), quick());
  CHECK(server.requests().size() == 2);
  CHECK(read_text(folder / "labels.gz") == labels);
  CHECK(names_in(folder.path()) == expected);
}

TEST_CASE("an archive that is damaged inside, or lacks a file") {
  const Folder folder;
  std::string archive;
  const HttpServer server([&](const HttpRequest& request) { return file_reply(request, archive); });
  const auto error = [&] {
    return error_of<FormatError>(
        [&] { fetch_files(publication(archive, server.url()), folder.path(), quick()); });
  };
  archive = zip({{"images.gz", images}});
  CHECK(contains(error(), "all.zip: holds no labels.gz"));
  archive = zip({{"images.gz", images, true, 1}, {"labels.gz", labels}});
  CHECK(contains(error(), "all.zip: cannot be unpacked: "));
  archive = "no archive at all";
  CHECK(contains(error(), "all.zip: cannot be unpacked: "));
  for (const std::string& name : names_in(folder.path())) {
    CHECK((name == "all.zip" || name == "images.gz"));  // no temporary file, no sums
  }
}

TEST_CASE("data sets by name") {
  stay_inside();
  const Folder folder;
  CHECK(contains(error_of<OptionError>([&] { fetch_dataset("mnits", folder.path()); }),
                 "data set 'mnits' is unknown (did you mean 'mnist'?)"));

  const HttpServer server([](const HttpRequest& request) { return file_reply(request, "tiny"); });
  FetchOptions o = quick();
  o.mirrors = {server.url()};
  const std::string e = error_of<FormatError>([&] { fetch_dataset("cifar10", folder.path(), o); });
  CHECK(contains(e, server.url() + "cifar-10-binary.tar.gz: holds 4 bytes, expected 170052171"));
  CHECK(contains(e, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz: "));
  CHECK(server.requests().size() == 1);

  // There already, unpacked by its owner: nothing is fetched, wherever below the folder it lies.
  for (int i = 1; i <= 5; ++i) {
    folder.write("cifar-10-batches-bin/data_batch_" + std::to_string(i) + ".bin", "x");
  }
  folder.write("cifar-10-batches-bin/test_batch.bin", "x");
  Told told;
  CHECK(fetch_dataset("cifar10", folder.path(), o, told.callbacks()) ==
        folder / "cifar-10-batches-bin");
  CHECK(contains(told.notes.at(0), "nothing to fetch"));
  CHECK(server.requests().size() == 1);
}

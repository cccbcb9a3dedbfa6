// Named data sets: IDX and CIFAR files, where they are looked for, and what is said about bad ones.
#include "catch.h"

#include <taxon/data/sources.h>

#include <cstdlib>
#include <optional>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// Sets an environment variable for one test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) {
      old_ = old;
    }
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

Bytes counting(std::size_t n) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<std::uint8_t>(i * 7);
  }
  return out;
}

// Four IDX files: 20 training and 10 test images of 3 rows and 4 columns.
void write_idx(const Folder& folder, const std::string& name, bool gz = false,
               const std::string& train = "train", const std::string& test = "t10k") {
  const auto put = [&](const std::string& file, const Bytes& bytes) {
    folder.write(name + file + (gz ? ".gz" : ""), gz ? gzip(bytes) : bytes);
  };
  for (const auto& [prefix, n] : {std::pair{train, 20u}, std::pair{test, 10u}}) {
    Bytes labels;
    for (std::uint32_t i = 0; i < n; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 10));
    }
    put(prefix + "-images-idx3-ubyte", idx({n, 3, 4}, counting(n * 12)));
    put(prefix + "-labels-idx1-ubyte", idx({n}, labels));
  }
}

DataOptions in(const Folder& folder) {
  DataOptions o;
  o.data_dir = folder.path();
  return o;
}

Bytes cifar_records(std::size_t n, std::size_t label_bytes, std::size_t classes) {
  Bytes out;
  for (std::size_t i = 0; i < n; ++i) {
    if (label_bytes == 2) {
      out.push_back(19);
    }
    out.push_back(static_cast<std::uint8_t>(i % classes));
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t k = 0; k < 1024; ++k) {
        out.push_back(static_cast<std::uint8_t>(k + c * 50 + i));
      }
    }
  }
  return out;
}

std::vector<TarFile> cifar10_files(const std::string& prefix) {
  std::vector<TarFile> files;
  for (int b = 1; b <= 5; ++b) {
    files.push_back({prefix + "data_batch_" + std::to_string(b) + ".bin", cifar_records(4, 1, 10)});
  }
  files.push_back({prefix + "test_batch.bin", cifar_records(10, 1, 10)});
  files.push_back({prefix + "readme.html", {'h', 'i'}});
  return files;
}

void check_cifar10(const Splits& s) {
  CHECK(s.format == "cifar");
  CHECK(s.train->size() == 20);
  CHECK(s.test->size() == 10);
  CHECK(s.class_names[0] == "airplane");
  CHECK(s.train->label(5) == 1);
  const Image image = s.train->image(2);  // planes became channels
  CHECK(int{image.at(1, 3, 0)} == 32 + 3 + 2);
  CHECK(int{image.at(1, 3, 1)} == 32 + 3 + 50 + 2);
  CHECK(int{image.at(1, 3, 2)} == 32 + 3 + 100 + 2);
}

}  // namespace

TEST_CASE("IDX files, plain and gzip, in a folder of their name or directly") {
  for (const bool gz : {false, true}) {
    for (const std::string below : {"mnist/", "MNIST/raw/", ""}) {
      const Folder folder;
      write_idx(folder, below, gz);
      const Splits s = open_dataset("mnist", in(folder));
      CHECK(s.known);
      CHECK(s.name == "mnist");
      CHECK(s.format == "idx");
      CHECK(s.train->size() == 20);
      CHECK(s.val == nullptr);
      CHECK(s.test->size() == 10);
      CHECK(s.class_names[9] == "9");
      CHECK(s.test->label(7) == 7);
      CHECK(s.test->id(3) == "test/3");
      CHECK((s.facts.height == 3 && s.facts.width == 4 && s.facts.channels == 1));
      CHECK(s.facts.mean == std::vector<float>{0.1307f});
      CHECK_FALSE(s.facts.flips);
      CHECK(int{s.train->image(1).at(1, 2, 0)} == (18 * 7) % 256);
      CHECK(s.warnings.size() == 2);  // fewer images than the published set
    }
  }
}

TEST_CASE("EMNIST is turned upright") {
  const Folder folder;
  write_idx(folder, "emnist-balanced/", true, "emnist-balanced-train", "emnist-balanced-test");
  const Splits s = open_dataset("emnist-balanced", in(folder));
  CHECK(s.class_names.size() == 47);
  CHECK(s.class_names[46] == "t");
  const Image image = s.train->image(0);
  CHECK(image.str() == "4x3x1");
  CHECK(int{image.at(2, 1, 0)} == (1 * 4 + 2) * 7);
}

TEST_CASE("a folder of another data set is not taken for this one") {
  const Folder folder;
  write_idx(folder, "fashion-mnist/");
  DataOptions o;
  o.data_dir = folder / "fashion-mnist";
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  CHECK_THROWS_AS(open_dataset("mnist", o), IoError);
  CHECK(open_dataset("fashion-mnist", o).class_names[0] == "T-shirt/top");
}

TEST_CASE("search order: data dir, TAXON_DATA, the user's cache") {
  const Folder a, b, c;
  write_idx(b, "mnist/");
  write_idx(c, "taxon/data/mnist/");
  const Environment cache("XDG_CACHE_HOME", c.path());
  {
    const Environment data("TAXON_DATA", b.path());
    CHECK(open_dataset("mnist", in(a)).where == b / "mnist");
    write_idx(a, "mnist/");
    CHECK(open_dataset("mnist", in(a)).where == a / "mnist");
    CHECK(data_search_path("x") == std::vector<std::string>{"x", b.path(), c / "taxon/data",
                                                            "/usr/local/share/datasets",
                                                            "/usr/share/datasets"});
  }
  const Environment data("TAXON_DATA", "");
  CHECK(open_dataset("mnist").where == c / "taxon/data/mnist");
}

TEST_CASE("what is not found says where it was looked for, and how to get it") {
  const Folder folder;
  const Environment none("TAXON_DATA", folder / "absent"), home("XDG_CACHE_HOME", folder.path());
  const std::string e = error_of<IoError>([&] { open_dataset("cifar10", in(folder)); });
  CHECK(contains(e, "data set 'cifar10' not found; looked in:"));
  CHECK(contains(e, folder.path()));
  CHECK(contains(e, folder / "absent"));
  CHECK(contains(e, "taxon data get cifar10 --data-dir '" + folder.path() + "'"));
  // A folder of its name with a part of a download in it, then with one of its files.
  folder.write("mnist/train-images-idx3-ubyte.gz.part", std::string_view("x"));
  const std::string part = error_of<IoError>([&] { open_dataset("mnist", in(folder)); });
  CHECK(contains(part, "data set 'mnist' not found"));
  folder.write("mnist/train-labels-idx1-ubyte.gz", std::string_view("x"));
  const std::string some = error_of<IoError>([&] { open_dataset("mnist", in(folder)); });
  CHECK(contains(some, "train-images-idx3-ubyte[.gz] is missing beside the other files"));
  CHECK(contains(some, "taxon data get mnist"));
  const std::string misspelt = error_of<OptionError>([&] { open_dataset("Fashon-mnist"); });
  CHECK(contains(misspelt, "data set 'Fashon-mnist' is unknown (did you mean 'fashion-mnist'?)"));
  CHECK(contains(error_of<IoError>([&] { open_dataset(folder / "no/such"); }), "no such folder"));
  CHECK(contains(error_of<IoError>([&] { open_dataset("no.csv"); }), "no such manifest"));
  DataOptions absent;
  absent.data_dir = folder / "absent";
  CHECK(contains(error_of<IoError>([&] { open_dataset("mnist", absent); }), "no such folder"));
  CHECK_THROWS_AS(open_dataset(""), OptionError);
  const std::string file = folder.write("x.txt", std::string_view("x"));
  CHECK(
      contains(error_of<FormatError>([&] { open_dataset(file); }), "expected a folder or a .csv"));
}

TEST_CASE("bad IDX files are named, with what was found and expected") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  write_idx(folder, "mnist/");
  const auto with = [&](const std::string& file, const Bytes& bytes) {
    write_idx(folder, "mnist/");
    folder.write("mnist/" + file, bytes);
    const std::string e = error_of<FormatError>([&] { open_dataset("mnist", in(folder)); });
    CHECK(contains(e, file));
    return e;
  };
  const std::string images = "train-images-idx3-ubyte", labels = "train-labels-idx1-ubyte";
  CHECK(contains(with(images, idx({20}, counting(20))),
                 "magic number 0x00000801, expected 0x00000803 (IDX images)"));
  CHECK(contains(with(images, idx({20, 3, 4}, counting(239))),
                 "truncated: 239 bytes after the header, expected 240"));
  CHECK(contains(with(images, idx({20, 3, 4}, counting(241))), "more bytes than the 240"));
  CHECK(contains(with(images, Bytes{0, 0}), "truncated: 2 bytes"));
  CHECK(contains(with(images, {}), "truncated: 0 bytes"));
  CHECK(contains(with(images, idx({0, 3, 4}, {})), "extent 0 is 0"));
  CHECK(
      contains(with(images, idx({4000000000u, 4000, 4000}, counting(50))), "truncated: 50 bytes"));
  CHECK(contains(with(labels, idx({19}, Bytes(19, 1))), "19 labels, expected 20"));
  Bytes ten(20, 1);
  ten[4] = 10;
  CHECK(contains(with(labels, idx({20}, ten)), "label 10 of sample 4, expected 0 to 9"));
  std::filesystem::remove(folder / ("mnist/" + labels));
  CHECK(contains(error_of<IoError>([&] { open_dataset("mnist", in(folder)); }), "is missing"));
}

TEST_CASE("bad gzip is named") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  write_idx(folder, "mnist/", true);
  const std::string file = "mnist/t10k-images-idx3-ubyte.gz";
  const Bytes whole = gzip(idx({10, 3, 4}, counting(120)));
  folder.write(file, std::span(whole).first(whole.size() - 20));
  CHECK(contains(error_of<FormatError>([&] { open_dataset("mnist", in(folder)); }),
                 "truncated gzip"));
  Bytes damaged = whole;
  damaged[whole.size() - 6] ^= 1;  // the checksum
  folder.write(file, damaged);
  CHECK(
      contains(error_of<FormatError>([&] { open_dataset("mnist", in(folder)); }), "corrupt gzip"));
}

TEST_CASE("CIFAR-10 from a folder, the publisher's folder, or its archive") {
  for (const std::string below : {"cifar10/", "cifar10/cifar-10-batches-bin/", ""}) {
    const Folder folder;
    for (const TarFile& f : cifar10_files(below)) {
      folder.write(f.name, f.content);
    }
    check_cifar10(open_dataset("cifar10", in(folder)));
  }
  for (const std::string below : {"cifar10/", ""}) {
    const Folder folder;
    folder.write(below + "cifar-10-binary.tar.gz",
                 gzip(tar(cifar10_files("cifar-10-batches-bin/"))));
    check_cifar10(open_dataset("cifar10", in(folder)));
    check_cifar10(open_dataset(folder / below));
  }
}

TEST_CASE("CIFAR-100 reads the fine labels") {
  const Folder folder;
  folder.write("cifar100/train.bin", cifar_records(200, 2, 100));
  folder.write("cifar100/test.bin", cifar_records(100, 2, 100));
  const Splits s = open_dataset("cifar100", in(folder));
  CHECK(s.class_names.size() == 100);
  CHECK(s.class_names[99] == "worm");
  CHECK(s.train->label(150) == 50);
  CHECK(int{s.train->image(0).at(0, 1, 2)} == 101);
}

TEST_CASE("bad CIFAR files are named") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  const auto error = [&] {
    return error_of<FormatError>([&] { open_dataset("cifar10", in(folder)); });
  };
  for (const TarFile& f : cifar10_files("cifar10/")) {
    folder.write(f.name, f.content);
  }
  Bytes records = cifar_records(4, 1, 10);
  records.pop_back();
  folder.write("cifar10/data_batch_2.bin", records);
  CHECK(contains(error(), "data_batch_2.bin: 12291 bytes, expected a multiple of 3073"));
  records = cifar_records(4, 1, 10);
  records[3073 * 3] = 77;
  folder.write("cifar10/data_batch_2.bin", records);
  CHECK(contains(error(), "data_batch_2.bin: label 77 of record 3, expected 0 to 9"));
  folder.write("cifar10/data_batch_2.bin", cifar_records(4, 1, 10));
  folder.write("cifar10/batches.meta.txt", std::string_view("airplane\ncat\n"));
  CHECK(contains(error(), "batches.meta.txt: 2 class names, expected 10"));
  std::filesystem::remove(folder / "cifar10/data_batch_3.bin");
  CHECK(contains(error_of<IoError>([&] { open_dataset("cifar10", in(folder)); }),
                 "data_batch_3.bin is missing"));
}

TEST_CASE("bad archives are named") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  const std::string name = "cifar10/cifar-10-binary.tar.gz";
  const auto with = [&](const Bytes& bytes) {
    folder.write(name, bytes);
    const std::string e = error_of<FormatError>([&] { open_dataset("cifar10", in(folder)); });
    CHECK(contains(e, name));
    return e;
  };
  const Bytes whole = tar(cifar10_files("cifar-10-batches-bin/"));
  CHECK(contains(with(gzip(Bytes(whole.begin(), whole.begin() + 5000))), "truncated archive"));
  Bytes damaged = whole;
  damaged[3] ^= 1;
  CHECK(contains(with(gzip(damaged)), "wrong checksum"));
  CHECK(contains(with(gzip(tar({{"x/data_batch_1.bin", cifar_records(1, 1, 10)}}))),
                 "holds no data_batch_2.bin"));
  const Bytes packed = gzip(whole);
  CHECK(contains(with(Bytes(packed.begin(), packed.begin() + 300)), "truncated gzip"));
  CHECK(contains(with(Bytes(2000, 'x')), "wrong checksum"));
}

TEST_CASE("IDX files of an unnamed data set open as a folder") {
  const Folder folder;
  write_idx(folder, "kuzushiji/");
  const Splits s = open_dataset(folder / "kuzushiji");
  CHECK(s.name == "kuzushiji");
  CHECK_FALSE(s.known);
  CHECK(s.class_names.size() == 10);
  CHECK(s.facts.mean == std::vector<float>{0.449f});
}

TEST_CASE("validation held out of train is seeded and stratified") {
  const Folder folder;
  write_idx(folder, "mnist/");
  DataOptions o = in(folder);
  o.val_fraction = 0.5;
  o.seed = 3;
  const Splits s = open_dataset("mnist", o);
  REQUIRE(s.val != nullptr);
  CHECK(s.train->size() == 10);
  CHECK(s.val->class_counts() == std::vector<std::int64_t>(10, 1));
  CHECK(s.val->fingerprint() == open_dataset("mnist", o).val->fingerprint());
  CHECK(s.val->id(0).substr(0, 6) == "train/");
  o.seed = 4;
  CHECK(s.val->fingerprint() != open_dataset("mnist", o).val->fingerprint());
  o.val_fraction = 0.0;
  CHECK(open_dataset("mnist", o).val == nullptr);
  o.val_fraction = 1.5;
  CHECK_THROWS_AS(open_dataset("mnist", o), OptionError);
  CHECK(contains(error_of<OptionError>([&] { s.split("tset"); }),
                 "expected one of: train, val, test"));
  CHECK(s.split("validation") == s.val);
}

TEST_CASE("the list tells what is known and where it lies") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  write_idx(folder, "mnist/");
  int found = 0;
  for (const KnownDataset& k : known_datasets(folder.path())) {
    CHECK((k.name != "mnist" || (k.found == folder / "mnist" && k.train == 60000)));
    CHECK((k.name != "cifar100" || (k.found.empty() && k.classes == 100)));
    found += k.name == "mnist" || k.name == "cifar100" ? 1 : 0;
  }
  CHECK(found == 2);
}

TEST_CASE("what is published: sums, terms, and the files that the readers look for") {
  const Folder folder;
  const Environment none("TAXON_DATA", ""), home("XDG_CACHE_HOME", folder.path());
  for (const KnownDataset& k : known_datasets(folder.path())) {
    INFO(k.name);
    const Publication& p = k.publication;
    CHECK(p.bytes() > 1000000);
    CHECK_FALSE(p.licence.empty());
    CHECK(contains(p.citation, ": "));
    REQUIRE(p.mirrors.size() >= 1);
    for (const std::string& mirror : p.mirrors) {
      CHECK((mirror.starts_with("http") && mirror.ends_with("/")));
    }
    for (const PublishedFile& file : p.files) {
      CHECK(file.sha256.size() == 64);
      CHECK(file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
      std::vector<std::string> names = file.members;
      if (names.empty()) {
        names.push_back(file.name);
      }
      for (const std::string& name : names) {
        folder.write("fetched/" + k.name + "/" + name, std::string_view("x"));
      }
    }
  }
  for (const KnownDataset& k : known_datasets(folder / "fetched")) {
    CHECK(k.found == folder / "fetched/" + k.name);
  }
}

TEST_CASE("fetched data sets go to the first folder that is the user's own") {
  const Environment data("TAXON_DATA", "b"), cache("XDG_CACHE_HOME", "c"), home("HOME", "h");
  CHECK(data_home("a") == "a");
  CHECK(data_home() == "b");
  const Environment no_data("TAXON_DATA", "");
  CHECK(data_home() == "c/taxon/data");
  const Environment no_cache("XDG_CACHE_HOME", "");
  CHECK(data_home() == "h/.cache/taxon/data");
  const Environment no_home("HOME", "");
  CHECK(contains(error_of<OptionError>([] { data_home(); }), "name one with --data-dir"));
}

TEST_CASE("a task that the data do not have is refused") {
  const Folder folder;
  write_idx(folder, "mnist/");
  DataOptions o = in(folder);
  o.task = Task::multi;
  CHECK(contains(error_of<OptionError>([&] { open_dataset("mnist", o); }), "task multi"));
}

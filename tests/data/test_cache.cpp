// Data sets larger than memory: what a loader keeps is bounded, and changes no result.
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/data/loader.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "data_test.h"
#include "image_cache.h"
#include "jpeg_fixtures.h"

using namespace taxon;
using namespace taxon::test;

namespace {

DatasetPtr dataset_of(const Folder& folder, const std::vector<Bytes>& files) {
  std::vector<std::string> paths, ids;
  Labels labels{Task::single, {"a"}, {}, {}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    ids.push_back(std::to_string(i) + (files[i][0] == 0xff ? ".jpg" : ".png"));
    paths.push_back(folder.write(ids.back(), files[i]));
    labels.index.push_back(0);
  }
  return file_dataset("files", paths, ids, labels);
}

DatasetPtr photos(const Folder& folder) {
  std::vector<Bytes> files{fixtures::progressive_422, fixtures::restarts_420, fixtures::grey_photo,
                           fixtures::cmyk_photo, encode_png(pattern(200, 90, 3))};
  for (int i = 0; i < 12; ++i) {
    files.push_back(encode_jpeg(pattern(60 + 31 * i, 400 - 29 * i, 3), 70 + 2 * i));
  }
  return dataset_of(folder, files);
}

LoaderOptions parts(std::size_t cache_bytes) {
  LoaderOptions o;
  o.batch = 4;
  o.shuffle = true;
  o.preprocess.height = o.preprocess.width = 32;
  o.augment.min_area = 0.08;
  o.augment.flip = true;
  o.cache_bytes = cache_bytes;
  return o;
}

std::vector<float> drain(Loader& loader) {
  std::vector<float> all;
  for (Batch b; loader.next(b);) {
    const auto x = b.x.to_vector<float>();
    all.insert(all.end(), x.begin(), x.end());
  }
  return all;
}

std::vector<float> epochs(const DatasetPtr& data, const LoaderOptions& o, int n) {
  Loader loader(data, o);
  std::vector<float> all;
  for (int e = 0; e < n; ++e) {
    loader.start(e);
    const auto x = drain(loader);
    all.insert(all.end(), x.begin(), x.end());
  }
  return all;
}

}  // namespace

TEST_CASE("random parts are the same from a loader's cache, from files, and half of each") {
  const Folder folder;
  const DatasetPtr data = photos(folder);
  LoaderOptions o = parts(std::size_t{1} << 30);
  const auto cached = epochs(data, o, 4);
  REQUIRE(cached.size() == 4u * 17 * 32 * 32 * 3);
  CHECK(epochs(data, parts(0), 4) == cached);
  CHECK(epochs(data, parts(300'000), 4) == cached);
  const int before = num_threads();
  set_num_threads(4);
  CHECK(epochs(data, parts(300'000), 4) == cached);
  set_num_threads(before);

  // An interrupted epoch goes on with an empty cache.
  Loader resumed(data, parts(200'000));
  resumed.start(3, 2);
  const auto rest = drain(resumed);
  CHECK(std::equal(rest.begin(), rest.end(),
                   cached.end() - static_cast<std::ptrdiff_t>(rest.size())));
}

TEST_CASE("random parts of a loader are those of augmented(), from files that do not shrink") {
  const Folder folder;
  const DatasetPtr data =
      dataset_of(folder, {encode_png(pattern(200, 90, 3)), encode_png(pattern(64, 65, 1))});
  LoaderOptions o = parts(0);
  o.shuffle = false;
  o.seed = 4;
  const auto seen = epochs(data, o, 1);
  std::vector<float> expected(32 * 32 * 3);
  for (std::int64_t i = 0; i < 2; ++i) {
    const Image image = augmented(data->image(i), o.preprocess, o.augment, 4, 0, i);
    o.preprocess.normalize(image.data(), 32 * 32, expected.data());
    CHECK(std::equal(expected.begin(), expected.end(), seen.begin() + i * 32 * 32 * 3));
  }
}

// Under the sanitizers freed memory is not given back.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace

TEST_CASE("a loader's memory is bounded by its cache") {
  const Folder folder;
  std::vector<Bytes> files;
  for (int i = 0; i < 150; ++i) {
    files.push_back(encode_jpeg(pattern(400 + i, 400, 3), 30));
  }
  const DatasetPtr data = dataset_of(folder, files);  // 80 MB when decoded
  LoaderOptions o = parts(0);
  o.preprocess.height = o.preprocess.width = 224;
  o.augment.min_area = 0.9;
  const auto growth = [&](std::size_t bytes) {
    o.cache_bytes = bytes;
    Loader loader(data, o);
    double most = 0;
    const double before = resident_mb();
    for (int e = 0; e < 2; ++e) {
      loader.start(e);
      for (Batch b; loader.next(b);) {
        most = std::max(most, resident_mb() - before);
      }
    }
    return most;
  };
  growth(0);  // buffers of threads and allocators
  CHECK(growth(std::size_t{8} << 20) < 8 + 24);
  CHECK(growth(std::size_t{1} << 30) > 60);
}
#endif

TEST_CASE("the cache takes what it was given") {
  ImageCache cache(1000);
  CHECK(cache.reserve(500));
  CHECK_FALSE(cache.reserve(500));
  cache.put(7, std::make_shared<const Image>(pattern(10, 50, 1)));
  REQUIRE(cache.find(7));
  CHECK(*cache.find(7) == pattern(10, 50, 1));
  CHECK_FALSE(cache.find(8));
  CHECK(cache.reserve(100));
  cache.put(7, std::make_shared<const Image>(pattern(10, 10, 1)));  // there already: given back
  CHECK(cache.find(7)->bytes() == 500);
  CHECK(cache.reserve(100));
  cache.release(100);
  CHECK(cache.reserve(100));
}

TEST_CASE("the cache's size: a quarter of free memory, or what TAXON_CACHE_MB says") {
  const char* given = std::getenv("TAXON_CACHE_MB");
  const std::string before = given == nullptr ? "" : given;
  ::setenv("TAXON_CACHE_MB", "12", 1);
  CHECK(LoaderOptions{}.cache_bytes == std::size_t{12} << 20);
  ::setenv("TAXON_CACHE_MB", "0", 1);
  CHECK(LoaderOptions{}.cache_bytes == 0);
  for (const char* wrong : {"much", "-1", "1.5"}) {
    ::setenv("TAXON_CACHE_MB", wrong, 1);
    CHECK_THROWS_AS(default_cache_bytes(), OptionError);
  }
  ::unsetenv("TAXON_CACHE_MB");
  const std::size_t bytes = default_cache_bytes();
  CHECK(bytes > std::size_t{1} << 20);
  CHECK(bytes < std::size_t{1} << 42);
  if (!before.empty()) {
    ::setenv("TAXON_CACHE_MB", before.c_str(), 1);
  }
}

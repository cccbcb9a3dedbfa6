// The loader: batches are right, and depend on nothing but (options, epoch).
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/data/loader.h>

#include <algorithm>
#include <numeric>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

LoaderOptions small(std::int64_t batch, std::int64_t size = 8) {
  LoaderOptions o;
  o.batch = batch;
  o.preprocess.height = o.preprocess.width = size;
  o.preprocess.mean = {0.4f, 0.5f, 0.6f};
  o.preprocess.std = {0.2f, 0.3f, 0.4f};
  return o;
}

struct Seen {
  std::vector<float> x;
  std::vector<std::int64_t> indices, labels;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen drain(Loader& loader) {
  Seen seen;
  for (Batch b; loader.next(b);) {
    const auto x = b.x.to_vector<float>();
    seen.x.insert(seen.x.end(), x.begin(), x.end());
    seen.indices.insert(seen.indices.end(), b.indices.begin(), b.indices.end());
    const auto y = b.y.to_vector<std::int64_t>();
    seen.labels.insert(seen.labels.end(), y.begin(), y.end());
  }
  return seen;
}

Seen epoch(const DatasetPtr& data, const LoaderOptions& o, std::int64_t e, std::int64_t first = 0) {
  Loader loader(data, o);
  loader.start(e, first);
  return drain(loader);
}

DatasetPtr files(const Folder& folder, int n, int corrupt = -1) {
  std::vector<std::string> paths, ids;
  Labels labels{Task::single, {"a", "b"}, {}, {}};
  for (int i = 0; i < n; ++i) {
    const std::string name = std::to_string(i) + ".png";
    Bytes bytes = encode_png(pattern(10 + i % 5, 14, 3));
    if (i == corrupt) {
      bytes.resize(30);
    }
    paths.push_back(folder.write(name, bytes));
    ids.push_back(name);
    labels.index.push_back(i % 2);
  }
  return file_dataset("files", paths, ids, labels);
}

// Runs with 1, 2 and 3 threads and checks that all see the same.
template <class F>
void with_threads(F&& run) {
  const int before = num_threads();
  std::vector<Seen> all;
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    all.push_back(run());
  }
  set_num_threads(before);
  CHECK(all[0] == all[1]);
  CHECK(all[0] == all[2]);
}

}  // namespace

TEST_CASE("a loader that was not started says so") {
  Loader loader(numbered(4), LoaderOptions{});
  Batch b;
  CHECK_THROWS_AS(loader.next(b), OptionError);
}

TEST_CASE("in order: every sample once, normalised, with its label") {
  const DatasetPtr data = numbered(10);
  const LoaderOptions o = small(4);
  Loader loader(data, o);
  CHECK(loader.batches() == 3);
  CHECK(loader.samples() == 10);
  loader.start(0);
  std::int64_t number = 0;
  for (Batch b; loader.next(b); ++number) {
    CHECK(b.number == number);
    REQUIRE(b.x.shape() == Shape{number < 2 ? 4 : 2, 8, 8, 3});
    for (std::int64_t i = 0; i < b.size(); ++i) {
      const std::int64_t index = b.indices[static_cast<std::size_t>(i)];
      REQUIRE(index == number * 4 + i);
      CHECK(b.y.view<std::int64_t>()[static_cast<std::size_t>(i)] == data->label(index));
      const auto expected = o.preprocess(data->image(index)).to_vector<float>();
      CHECK(std::equal(expected.begin(), expected.end(),
                       b.x.view<float>().begin() + i * static_cast<std::int64_t>(expected.size())));
    }
  }
  CHECK(number == 3);
  Batch b;
  CHECK_FALSE(loader.next(b));
  loader.start(1);
  CHECK(loader.next(b));
}

TEST_CASE("shuffled: a permutation from seed and epoch") {
  LoaderOptions o = small(8);
  o.shuffle = true;
  o.seed = 5;
  const DatasetPtr data = numbered(50);
  Seen a = epoch(data, o, 0);
  CHECK(a == epoch(data, o, 0));
  CHECK(a.indices != epoch(data, o, 1).indices);
  o.seed = 6;
  CHECK(a.indices != epoch(data, o, 0).indices);
  std::sort(a.indices.begin(), a.indices.end());
  std::vector<std::int64_t> all(50);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  CHECK(a.indices == all);
}

TEST_CASE("drop_last leaves out what is not full") {
  LoaderOptions o = small(4);
  o.drop_last = true;
  Loader loader(numbered(10), o);
  CHECK((loader.batches() == 2 && loader.samples() == 8));
  loader.start(0);
  CHECK(drain(loader).indices.size() == 8);
  o.batch = 11;
  CHECK_THROWS_AS(Loader(numbered(10), o), OptionError);
}

TEST_CASE("an epoch goes on from any batch as if it had not been interrupted") {
  LoaderOptions o = small(4);
  o.shuffle = true;
  o.augment = Augment::preset("standard", 8, 8, true);
  const DatasetPtr data = numbered(22);
  const Seen whole = epoch(data, o, 3);
  const Seen rest = epoch(data, o, 3, 2);
  CHECK(std::equal(rest.indices.begin(), rest.indices.end(), whole.indices.begin() + 8));
  CHECK(std::equal(rest.x.begin(), rest.x.end(), whole.x.begin() + 8 * 192));
  Loader loader(data, o);
  CHECK_THROWS_AS(loader.start(0, 7), OptionError);
  loader.start(0, 6);
  Batch b;
  CHECK_FALSE(loader.next(b));
  // Starting anew in the middle of an epoch throws away what was prepared.
  loader.start(0);
  loader.next(b);
  loader.start(3);
  CHECK(drain(loader) == whole);
}

TEST_CASE("augmented batches are those of augmented()") {
  LoaderOptions o = small(4);
  o.augment = Augment::preset("trivial", 8, 8, true);
  o.augment.hue = 0.3;
  o.seed = 9;
  const DatasetPtr data = numbered(12);
  const Seen seen = epoch(data, o, 2);
  std::vector<float> expected(8 * 8 * 3);
  for (std::int64_t i = 0; i < 12; ++i) {
    const Image image = augmented(data->image(i), o.preprocess, o.augment, 9, 2, i);
    o.preprocess.normalize(image.data(), 64, expected.data());
    CHECK(std::equal(expected.begin(), expected.end(), seen.x.begin() + i * 192));
  }
}

TEST_CASE("threads, prefetch and cache change nothing") {
  const Folder folder;
  const DatasetPtr from_files = files(folder, 23), in_memory = numbered(50);
  LoaderOptions o = small(8);
  o.shuffle = true;
  for (const char* augment : {"none", "standard", "trivial"}) {
    o.augment = Augment::preset(augment, 8, 8, true);
    o.augment.erase = augment == std::string("trivial") ? 0.5 : 0;
    with_threads([&] { return epoch(in_memory, o, 1); });
    with_threads([&] { return epoch(from_files, o, 1); });
  }
  o.augment.min_area = 0.4;
  with_threads([&] { return epoch(from_files, o, 1); });
  Loader cached(from_files, o);
  cached.start(0);
  drain(cached);
  cached.start(1);
  const Seen second = drain(cached);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{2000}}) {
    LoaderOptions other = o;
    other.cache_bytes = bytes;
    other.prefetch = 1;
    CHECK(epoch(from_files, other, 1) == second);
  }
}

TEST_CASE("a corrupt file is an error at its batch, naming the file") {
  const Folder folder;
  const DatasetPtr data = files(folder, 12, 6);
  Loader loader(data, small(4));
  for (int repeat = 0; repeat < 5; ++repeat) {
    loader.start(repeat);
    Batch b;
    REQUIRE(loader.next(b));
    const std::string e = error_of<FormatError>([&] { loader.next(b); });
    CHECK(contains(e, folder / "6.png"));
    CHECK(loader.next(b));
    CHECK(b.number == 2);
  }
}

TEST_CASE("multi-label targets") {
  const Tensor images = Tensor::zeros({3, 8, 8, 3}, DType::u8);
  const DatasetPtr data = tensor_dataset(
      images, Tensor::from(std::vector<float>{1, 1, 0, 0, 0, 1}, {3, 2}), {"a", "b"});
  Loader loader(data, small(2));
  loader.start(0);
  Batch b;
  REQUIRE(loader.next(b));
  CHECK(b.y.to_vector<float>() == std::vector<float>{1, 1, 0, 0});
}

TEST_CASE("images in memory are resized where the model wants another size") {
  const DatasetPtr data = numbered(5);
  const LoaderOptions o = small(5, 12);
  const Seen seen = epoch(data, o, 0);
  const auto expected = o.preprocess(data->image(2)).to_vector<float>();
  CHECK(std::equal(expected.begin(), expected.end(), seen.x.begin() + 2 * 12 * 12 * 3));
}

TEST_CASE("rows stand in for images, in the same order") {
  LoaderOptions o = small(3);
  o.shuffle = true;
  const Seen by_images = epoch(numbered(7), o, 2);
  o.rows = Tensor::uniform(Shape{7, 5}, 0, 1, 3);
  const Seen by_rows = epoch(numbered(7), o, 2);
  CHECK(by_rows.indices == by_images.indices);
  CHECK(by_rows.labels == by_images.labels);
  REQUIRE(by_rows.x.size() == 7 * 5);
  for (std::size_t i = 0; i < 7; ++i) {
    const auto row = static_cast<std::size_t>(by_rows.indices[i]);
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(by_rows.x[5 * i + k] == o.rows.view<float>()[5 * row + k]);
    }
  }
  CHECK_THROWS_AS(Loader(numbered(6), o), OptionError);
  o.augment.flip = true;
  CHECK_THROWS_AS(Loader(numbered(7), o), OptionError);
}

TEST_CASE("a loader may be dropped and moved at any time") {
  for (int i = 0; i < 20; ++i) {
    Loader loader(numbered(64), small(4));
    loader.start(0);
    Batch b;
    if (i % 2 == 0) {
      loader.next(b);
    }
    Loader moved = std::move(loader);
    CHECK(moved.next(b));
  }
}

TEST_CASE("a loader refuses what makes no sense") {
  CHECK_THROWS_AS(Loader(nullptr, small(4)), OptionError);
  CHECK_THROWS_AS(Loader(numbered(4), small(0)), OptionError);
  CHECK_THROWS_AS(Loader(subset(numbered(4), {}), small(4)), OptionError);
  LoaderOptions o = small(4);
  o.augment.pad = 9;
  CHECK_THROWS_AS(Loader(numbered(4), o), OptionError);
  o = small(4);
  o.preprocess.std = {0, 0, 0};
  CHECK_THROWS_AS(Loader(numbered(4), o), OptionError);
}

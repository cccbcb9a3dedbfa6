// Weighted and balanced drawing of samples.
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/data/loader.h>

#include <cmath>
#include <limits>
#include <map>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

DatasetPtr blank(Labels labels) {
  const std::size_t n = labels.task == Task::single ? labels.index.size()
                                                    : labels.hot.size() / labels.class_names.size();
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < n * 192; ++i)
    pixels.push_back(static_cast<std::uint8_t>(i * 7 % 251));
  return memory_dataset("blank", std::move(pixels), Shape{8, 8, 3}, std::move(labels));
}

// 90, 9 and 1 samples of three classes.
DatasetPtr uneven() {
  Labels labels{Task::single, {"a", "b", "c"}, {}, {}};
  for (int i = 0; i < 100; ++i) labels.index.push_back(i < 90 ? 0 : i < 99 ? 1 : 2);
  return blank(std::move(labels));
}

LoaderOptions options(const DatasetPtr& data) {
  LoaderOptions o;
  o.batch = 16;
  o.shuffle = true;
  o.seed = 3;
  o.weights = balanced_sampling(*data);
  o.preprocess.height = o.preprocess.width = 8;
  return o;
}

struct Drawn {
  std::vector<std::int64_t> indices;
  std::vector<float> x;
  friend bool operator==(const Drawn&, const Drawn&) = default;
};

Drawn epoch(const DatasetPtr& data, const LoaderOptions& o, std::int64_t e,
            std::int64_t first = 0) {
  Loader loader(data, o);
  loader.start(e, first);
  Drawn out;
  for (Batch b; loader.next(b);) {
    out.indices.insert(out.indices.end(), b.indices.begin(), b.indices.end());
    const auto x = b.x.to_vector<float>();
    out.x.insert(out.x.end(), x.begin(), x.end());
  }
  return out;
}

}  // namespace

TEST_CASE("balanced: each class is drawn equally often") {
  const DatasetPtr data = uneven();
  const LoaderOptions o = options(data);
  std::map<std::int64_t, double> classes, samples;
  const int epochs = 90;
  for (int e = 0; e < epochs; ++e) {
    const Drawn d = epoch(data, o, e);
    CHECK(d.indices.size() == 100);
    for (const std::int64_t i : d.indices) {
      ++classes[data->label(i)];
      ++samples[i];
    }
  }
  // 9000 draws, a third each: a standard deviation of 45.
  for (std::int64_t c = 0; c < 3; ++c) CHECK(std::abs(classes[c] - 3000) < 4 * 45);
  // Within a class all alike: 33 of each of the 90, a standard deviation of 5.8.
  for (std::int64_t i = 0; i < 90; ++i) CHECK(std::abs(samples[i] - 3000.0 / 90) < 5 * 5.8);
}

TEST_CASE("drawing depends on seed and epoch alone") {
  const DatasetPtr data = uneven();
  LoaderOptions o = options(data);
  o.augment = Augment::preset("standard", 8, 8, true);
  const Drawn whole = epoch(data, o, 4);
  CHECK(whole.indices != epoch(data, o, 5).indices);
  const int before = num_threads();
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    CHECK(epoch(data, o, 4) == whole);
  }
  set_num_threads(before);
  const Drawn rest = epoch(data, o, 4, 3);
  CHECK(std::equal(rest.indices.begin(), rest.indices.end(), whole.indices.begin() + 3 * 16));
  CHECK(std::equal(rest.x.begin(), rest.x.end(), whole.x.begin() + 3 * 16 * 192));
  o.seed = 4;
  CHECK(whole.indices != epoch(data, o, 4).indices);
}

TEST_CASE("a sample that comes again is augmented anew") {
  const DatasetPtr data = uneven();
  LoaderOptions o = options(data);
  o.augment = Augment::preset("light", 8, 8, true);
  std::map<std::vector<float>, int> seen;
  const Drawn d = epoch(data, o, 0);
  int times = 0;
  for (std::size_t k = 0; k < d.indices.size(); ++k) {
    if (d.indices[k] != 99) continue;
    const auto at = d.x.begin() + static_cast<std::ptrdiff_t>(k * 192);
    ++seen[std::vector<float>(at, at + 192)];
    ++times;
  }
  REQUIRE(times > 20);
  CHECK(seen.size() > 6);  // of 18: shifts by up to a pixel, mirrored or not
}

TEST_CASE("weights of classes: samples are drawn in proportion, never those of weight 0") {
  const DatasetPtr data = uneven();
  LoaderOptions o = options(data);
  o.weights = class_sampling(*data, {1, 0, 90});
  std::map<std::int64_t, double> classes;
  for (int e = 0; e < 40; ++e) {
    for (const std::int64_t i : epoch(data, o, e).indices) ++classes[data->label(i)];
  }
  CHECK(classes.count(1) == 0);
  CHECK(std::abs(classes[0] - 2000) < 4 * 31.7);  // 90 of 180, of 4000 draws

  const DatasetPtr several = blank({Task::multi, {"a", "b"}, {}, {1, 1, 0, 1, 1, 0, 0, 0}});
  CHECK(class_sampling(*several, {0.5, 3}) == std::vector<double>{3, 3, 0.5, 1});
  CHECK(class_sampling(*several, {0, 0}) == std::vector<double>{0, 0, 0, 1});
}

TEST_CASE("with several labels the rarest counts, and no label is a class") {
  Labels labels{Task::multi, {"often", "rare"}, {}, {}};
  for (int i = 0; i < 10; ++i) {
    labels.hot.push_back(i < 8);
    labels.hot.push_back(i < 2);
  }
  const auto w = balanced_sampling(*blank(std::move(labels)));
  CHECK(w == std::vector<double>{0.5, 0.5, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.5, 0.5});
}

TEST_CASE("weights of 0 are never drawn; senseless ones are refused") {
  const DatasetPtr data = uneven();
  LoaderOptions o = options(data);
  o.weights.assign(100, 0);
  o.weights[41] = 1e-300;
  o.weights[42] = 1e-300;
  for (const std::int64_t i : epoch(data, o, 0).indices) CHECK((i == 41 || i == 42));
  o.weights[3] = -1;
  CHECK(contains(error_of<OptionError>([&] { Loader(data, o); }), "weight is -1"));
  o.weights.assign(100, 0);
  CHECK(contains(error_of<OptionError>([&] { Loader(data, o); }), "sum to 0"));
  o.weights.assign(100, std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(Loader(data, o), OptionError);
  o.weights.assign(99, 1);
  CHECK(contains(error_of<OptionError>([&] { Loader(data, o); }), "99 weights for 100 samples"));
}

// Mixup and CutMix in the loader.
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/data/loader.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

constexpr std::int64_t side = 8, numel = side * side * 3, classes = 4;

LoaderOptions options(double mixup, double cutmix, std::int64_t batch = 6) {
  LoaderOptions o;
  o.batch = batch;
  o.shuffle = true;
  o.seed = 4;
  o.preprocess.height = o.preprocess.width = side;
  o.mixup = mixup;
  o.cutmix = cutmix;
  return o;
}

struct Floats {
  std::vector<float> x, y;
  friend bool operator==(const Floats&, const Floats&) = default;
};

std::vector<Floats> epoch(const DatasetPtr& data, const LoaderOptions& o, std::int64_t e,
                          std::int64_t first = 0) {
  Loader loader(data, o);
  loader.start(e, first);
  std::vector<Floats> out;
  for (Batch b; loader.next(b);) {
    if (o.mixup > 0 || o.cutmix > 0) REQUIRE(b.y.shape() == Shape{b.size(), data->classes()});
    out.push_back({b.x.to_vector<float>(),
                   b.y.dtype() == DType::i64 ? std::vector<float>(b.y.view<std::int64_t>().begin(),
                                                                  b.y.view<std::int64_t>().end())
                                             : b.y.to_vector<float>()});
  }
  return out;
}

float at(const std::vector<float>& v, std::int64_t i) {
  return v[static_cast<std::size_t>(i)];
}

// The share of its own label that the first sample of a batch keeps, given the classes (of the same
// batch without mixing) of it and the last sample.
double own_share(const Floats& mixed, const Floats& plain) {
  const auto first = static_cast<std::int64_t>(plain.y.front());
  REQUIRE(plain.y.front() != plain.y.back());
  return static_cast<double>(at(mixed.y, first));
}

bool is_blend(const Floats& mixed, const Floats& plain, double own) {
  const auto n = static_cast<std::int64_t>(plain.y.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t j = n - 1 - i;
    for (std::int64_t k = 0; k < numel; ++k) {
      const double expected = own * static_cast<double>(at(plain.x, i * numel + k)) +
                              (1 - own) * static_cast<double>(at(plain.x, j * numel + k));
      if (std::abs(expected - static_cast<double>(at(mixed.x, i * numel + k))) > 1e-6) return false;
    }
  }
  return true;
}

// Whether each pair exchanged one rectangle with the share 1 - own of the pixels.
bool is_exchange(const Floats& mixed, const Floats& plain, double own) {
  const auto n = static_cast<std::int64_t>(plain.y.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t j = n - 1 - i;
    std::int64_t top = side, left = side, bottom = 0, right = 0, count = 0;
    for (std::int64_t k = 0; k < numel; ++k) {
      const float now = at(mixed.x, i * numel + k);
      const bool taken = now == at(plain.x, j * numel + k);
      if (!taken && now != at(plain.x, i * numel + k)) return false;
      if (!taken) continue;
      const std::int64_t y = k / (side * 3), x = k / 3 % side;
      top = std::min(top, y), left = std::min(left, x);
      bottom = std::max(bottom, y + 1), right = std::max(right, x + 1);
      ++count;
    }
    if (i == j) continue;
    const std::int64_t area = count == 0 ? 0 : (bottom - top) * (right - left);
    if (count != 3 * area) return false;
    if (std::abs(static_cast<double>(area) / (side * side) - (1 - own)) > 1e-6) return false;
  }
  return true;
}

// Mean and variance of the shares in 2000 batches.
std::pair<double, double> share_statistics(double alpha) {
  const DatasetPtr data = numbered(4000, 1, 1);
  LoaderOptions o = options(alpha, 0, 2), none = options(0, 0, 2);
  o.preprocess.height = o.preprocess.width = none.preprocess.height = none.preprocess.width = 1;
  const auto mixed = epoch(data, o, 0), plain = epoch(data, none, 0);
  double n = 0, sum = 0, squares = 0;
  for (std::size_t b = 0; b < mixed.size(); ++b) {
    if (plain[b].y.front() == plain[b].y.back()) continue;
    const double share = own_share(mixed[b], plain[b]);
    n += 1;
    sum += share;
    squares += share * share;
  }
  return {sum / n, squares / n - sum / n * sum / n};
}

}  // namespace

TEST_CASE("mixup blends pairs of samples and their labels by one share a batch") {
  const DatasetPtr data = numbered(24);
  const auto mixed = epoch(data, options(1, 0), 2), plain = epoch(data, options(0, 0), 2);
  REQUIRE(mixed.size() == 4);
  double before = -1;
  for (std::size_t b = 0; b < mixed.size(); ++b) {
    if (plain[b].y.front() == plain[b].y.back()) continue;
    const double own = own_share(mixed[b], plain[b]);
    CHECK((own > 0 && own < 1 && own != before));
    before = own;
    CHECK(is_blend(mixed[b], plain[b], own));
    for (std::int64_t i = 0; i < 6; ++i) {
      std::vector<float> expected(classes, 0.0f);
      expected[static_cast<std::size_t>(at(plain[b].y, i))] += static_cast<float>(own);
      expected[static_cast<std::size_t>(at(plain[b].y, 5 - i))] += 1 - static_cast<float>(own);
      for (std::int64_t c = 0; c < classes; ++c) {
        CHECK(at(mixed[b].y, i * classes + c) == Approx(at(expected, c)).margin(1e-6));
      }
    }
  }
  CHECK(before > 0);
}

TEST_CASE("CutMix exchanges a box, and labels by its share of the area") {
  const DatasetPtr data = numbered(60);
  const auto mixed = epoch(data, options(0, 1), 2), plain = epoch(data, options(0, 0), 2);
  int checked = 0;
  for (std::size_t b = 0; b < mixed.size(); ++b) {
    if (plain[b].y.front() == plain[b].y.back()) continue;
    CHECK(is_exchange(mixed[b], plain[b], own_share(mixed[b], plain[b])));
    ++checked;
  }
  CHECK(checked > 4);
}

TEST_CASE("with mixup and CutMix each batch takes one of them") {
  const DatasetPtr data = numbered(250);  // no two samples alike
  const auto mixed = epoch(data, options(0.8, 1), 0), plain = epoch(data, options(0, 0), 0);
  int blends = 0, exchanges = 0, all = 0;
  for (std::size_t b = 0; b < mixed.size(); ++b) {
    if (plain[b].y.front() == plain[b].y.back()) continue;
    const double own = own_share(mixed[b], plain[b]);
    if (own == 1) continue;  // an empty box
    ++all;
    const bool blend = is_blend(mixed[b], plain[b], own);
    blends += blend ? 1 : 0;
    exchanges += !blend && is_exchange(mixed[b], plain[b], own) ? 1 : 0;
  }
  CHECK(blends + exchanges == all);
  CHECK(std::min(blends, exchanges) > all / 5);
}

TEST_CASE("shares follow Beta(alpha, alpha)") {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    const auto [mean, variance] = share_statistics(alpha);
    CHECK(mean == Approx(0.5).margin(0.04));
    CHECK(variance == Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.1));
  }
  const auto [mean, variance] = share_statistics(1e-6);  // all or nothing, and never a NaN
  CHECK(mean == Approx(0.5).margin(0.05));
  CHECK(variance == Approx(0.25).margin(0.01));
}

TEST_CASE("several labels are mixed too") {
  const Tensor images = Tensor::from(std::vector<std::uint8_t>{0, 100, 200, 255}, {4, 1, 1, 1});
  const std::vector<float> labels{1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1};
  const DatasetPtr data = tensor_dataset(images, Tensor::from(labels, {4, 3}), {"a", "b", "c"});
  LoaderOptions o = options(1, 0, 4);
  o.shuffle = false;
  o.preprocess.height = o.preprocess.width = 1;
  o.preprocess.channels = 1;
  o.preprocess.mean = {0};
  o.preprocess.std = {1};
  const Floats mixed = epoch(data, o, 0)[0];
  const auto own = 1 - static_cast<double>(mixed.y[2]);  // label c: only the last sample's
  CHECK((own > 0 && own < 1));
  for (std::size_t i = 0; i < 12; ++i) {
    const std::size_t j = (3 - i / 3) * 3 + i % 3;
    CHECK(mixed.y[i] ==
          Approx(own * static_cast<double>(labels[i]) + (1 - own) * static_cast<double>(labels[j]))
              .margin(1e-6));
  }
}

TEST_CASE("a sample without a partner stays as it is") {
  const DatasetPtr data = numbered(7);
  for (const std::int64_t batch : {1, 7}) {
    const auto mixed = epoch(data, options(1, 0, batch), 0);
    const auto plain = epoch(data, options(0, 0, batch), 0);
    for (std::size_t b = 0; b < mixed.size(); ++b) {
      const std::int64_t middle = batch / 2 * numel;
      CHECK(std::equal(mixed[b].x.begin() + middle, mixed[b].x.begin() + middle + numel,
                       plain[b].x.begin() + middle));
      const auto label = static_cast<std::int64_t>(at(plain[b].y, batch / 2));
      CHECK(at(mixed[b].y, batch / 2 * classes + label) == 1);
    }
  }
}

TEST_CASE("mixing does not depend on threads or on where an epoch begins") {
  const DatasetPtr data = numbered(50);
  LoaderOptions o = options(0.4, 1, 8);
  o.augment = Augment::preset("standard", side, side, true);
  const auto whole = epoch(data, o, 3);
  const int before = num_threads();
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    CHECK(epoch(data, o, 3) == whole);
  }
  set_num_threads(before);
  const auto rest = epoch(data, o, 3, 2);
  CHECK(std::equal(rest.begin(), rest.end(), whole.begin() + 2));
  CHECK(epoch(data, o, 4) != whole);
  LoaderOptions other = o;
  other.augment = {};
  other.seed = 5;
  CHECK(epoch(data, other, 3)[0].y != whole[0].y);
}

TEST_CASE("a loader refuses shares that make no sense") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const DatasetPtr data = numbered(4);
  CHECK(contains(error_of<OptionError>([&] { Loader(data, options(-1, 0)); }), "mixup is -1"));
  CHECK(contains(error_of<OptionError>([&] { Loader(data, options(0, nan)); }), "cutmix is nan"));
}

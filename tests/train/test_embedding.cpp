// The map of samples: principal components against a direct decomposition, and its file.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/train/evaluate.h>

#include <cmath>

#include "catch.h"
#include "train_test.h"

using namespace taxon;

namespace {

// Rows c_i * u + s_i * v + a little noise, with orthonormal u = (1, 1, 1, 1, 0 ...)/2 and
// v = (1, -1, 1, -1, 0 ...)/2: their plane is known.
std::vector<float> rows_near_a_plane(std::int64_t n, std::int64_t f, double noise) {
  Rng rng(7);
  std::vector<float> x;
  for (std::int64_t i = 0; i < n; ++i) {
    const double a = 5 * rng.normal(), b = 2 * rng.normal();
    for (std::int64_t k = 0; k < f; ++k) {
      const double u = k < 4 ? 0.5 : 0, v = k < 4 ? (k % 2 == 0 ? 0.5 : -0.5) : 0;
      x.push_back(static_cast<float>(3 + a * u + b * v + noise * rng.normal()));
    }
  }
  return x;
}

double variance(const std::vector<double>& plane, std::size_t axis) {
  double sum = 0;
  for (std::size_t i = axis; i < plane.size(); i += 2) sum += plane[i] * plane[i];
  return sum / static_cast<double>(plane.size() / 2);
}

}  // namespace

TEST_CASE("the principal plane of rows in a known plane") {
  const std::int64_t n = 500, f = 20;
  const std::vector<float> x = rows_near_a_plane(n, f, 0);
  const std::vector<double> plane = principal_plane(x, f);
  REQUIRE(plane.size() == static_cast<std::size_t>(2 * n));
  // Distances within the plane are kept, whatever its axes are.
  for (const auto& [i, j] : {std::pair<std::size_t, std::size_t>{0, 1}, {17, 400}, {250, 3}}) {
    double in_space = 0;
    for (std::size_t k = 0; k < 20; ++k)
      in_space += std::pow(static_cast<double>(x[i * 20 + k]) - x[j * 20 + k], 2);
    const double in_plane =
        std::pow(plane[2 * i] - plane[2 * j], 2) + std::pow(plane[2 * i + 1] - plane[2 * j + 1], 2);
    CHECK(in_plane == Approx(in_space).epsilon(1e-5));
  }
  CHECK(variance(plane, 0) > variance(plane, 1));
  double cross = 0, mean = 0;
  for (std::size_t i = 0; i < plane.size(); i += 2) {
    cross += plane[i] * plane[i + 1];
    mean += plane[i];
  }
  CHECK(std::abs(cross) < 1e-6 * n);  // the coordinates are uncorrelated, around 0
  CHECK(std::abs(mean) < 1e-9 * n);
}

TEST_CASE("the principal plane holds the most variance and does not depend on threads") {
  const std::int64_t f = 64;
  const std::vector<float> x = rows_near_a_plane(300, f, 0.5);
  const std::vector<double> plane = principal_plane(x, f);
  // Along u and v the rows vary with 25 + 0.25 and 4 + 0.25; no direction has much more.
  CHECK(variance(plane, 0) > 20);
  CHECK(variance(plane, 1) > 3);
  CHECK(variance(plane, 1) < 6);
  const int threads = num_threads();
  set_num_threads(1);
  CHECK(principal_plane(x, f) == plane);
  set_num_threads(3);
  CHECK(principal_plane(x, f) == plane);
  set_num_threads(threads);
  // The largest component of each axis is positive: mirrored data give the mirrored picture.
  std::vector<float> mirrored = x;
  for (float& v : mirrored) v = -v;
  const std::vector<double> other = principal_plane(mirrored, f);
  CHECK(other[0] == Approx(-plane[0]).epsilon(1e-5));
  CHECK(other[1] == Approx(-plane[1]).epsilon(1e-5));
}

TEST_CASE("planes of few or equal rows") {
  CHECK(principal_plane(std::vector<float>{1, 2, 3}, 3) == std::vector<double>{0, 0});
  CHECK(principal_plane(std::vector<float>(12, 5), 3) == std::vector<double>(8, 0));
  const auto line = principal_plane(std::vector<float>{1, 5, 9}, 1);  // one feature: a line
  CHECK(line[0] == Approx(-4));
  CHECK(line[4] == Approx(4));
  CHECK(line[5] == 0);
  CHECK_THROWS_AS(principal_plane(std::vector<float>{1, 2, 3}, 2), ShapeError);
  CHECK_THROWS_AS(principal_plane({}, 2), ShapeError);
}

TEST_CASE("embedding.csv names the samples that have features") {
  Predictions p;
  p.id = {"a,b", "c", "d \"e\"", "f"};
  FeatureSample sample;
  sample.step = 2;
  sample.features = 2;
  sample.values = {0, 0, 2, 0};
  CHECK(embedding_csv(p, sample) == "id,x,y\n\"a,b\",-1,0\n\"d \"\"e\"\"\",1,0\n");
}

TEST_CASE("features are taken along without changing what a model answers") {
  for (const Tta tta : {Tta::none, Tta::flip}) {
    ModelMeta meta;
    meta.spec.name = "resnet8";
    meta.spec.height = meta.spec.width = 8;
    meta.spec.channels = 3;
    meta.spec.classes = 2;
    meta.classes = {"top", "bottom"};
    meta.preprocess.height = meta.preprocess.width = 8;
    meta.tta = tta;
    const auto model = build_model(meta.spec, 4);
    model->eval();
    const DatasetPtr data = halves(21, 3);
    EvaluateOptions options;
    options.batch = 8;
    const Predictions plain = evaluate(*model, meta, data, options);
    FeatureSample sample;
    options.features = &sample;
    CHECK(evaluate(*model, meta, data, options).probability == plain.probability);
    CHECK(sample.features == 64);
    CHECK(sample.values.size() == 21 * 64);
    FeatureSample few;
    few.bytes = 4 * 64 * 6;  // room for six rows
    options.features = &few;
    evaluate(*model, meta, data, options);
    CHECK(few.step == 4);
    REQUIRE(few.values.size() == 6 * 64);
    CHECK(std::equal(few.values.begin() + 64, few.values.begin() + 128,
                     sample.values.begin() + 4 * 64));
  }
}

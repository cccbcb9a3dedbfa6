// Parts for cross-validation: equal, stratified, and made into splits.
#include "catch.h"

#include <taxon/base/random.h>
#include <taxon/data/folds.h>
#include <taxon/data/sources.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

DatasetPtr blank(Labels labels) {
  const std::size_t n = labels.task == Task::single ? labels.index.size()
                                                    : labels.hot.size() / labels.class_names.size();
  return memory_dataset("blank", std::vector<std::uint8_t>(n * 12), Shape{2, 2, 3},
                        std::move(labels));
}

DatasetPtr with_counts(const std::vector<int>& counts) {
  Labels labels{Task::single, {}, {}, {}};
  for (std::size_t c = 0; c < counts.size(); ++c) {
    labels.class_names.push_back(std::string(1, static_cast<char>('a' + c)));
    labels.index.insert(labels.index.end(), static_cast<std::size_t>(counts[c]),
                        static_cast<std::int64_t>(c));
  }
  return blank(std::move(labels));
}

// Of each part, how many samples it has, then how many with each label.
std::vector<std::vector<double>> table(const Dataset& data, const std::vector<std::int64_t>& folds,
                                       std::int64_t k) {
  std::vector<std::vector<double>> out(static_cast<std::size_t>(k));
  for (auto& row : out) row.resize(static_cast<std::size_t>(data.classes() + 1));
  for (std::int64_t i = 0; i < data.size(); ++i) {
    auto& row = out.at(static_cast<std::size_t>(folds[static_cast<std::size_t>(i)]));
    ++row[0];
    for (std::int64_t c = 0; c < data.classes(); ++c) {
      const bool has = data.task() == Task::single
                           ? data.label(i) == c
                           : data.labels(i)[static_cast<std::size_t>(c)] != 0;
      row[static_cast<std::size_t>(c + 1)] += has ? 1 : 0;
    }
  }
  return out;
}

// A folder with `counts` pictures of each class in each of `splits` ("": class folders alone).
void write_classes(const Folder& folder, const std::vector<std::string>& splits,
                   const std::vector<int>& counts) {
  for (const std::string& split : splits) {
    for (std::size_t c = 0; c < counts.size(); ++c) {
      for (int i = 0; i < counts[c]; ++i) {
        const std::string name = std::string(1, static_cast<char>('a' + c));
        folder.write(split + "/" + name + "/" + std::to_string(i) + ".png",
                     encode_png(pattern(6, 6, 3)));
      }
    }
  }
}

std::set<std::string> ids(const DatasetPtr& data) {
  std::set<std::string> out;
  for (std::int64_t i = 0; data && i < data->size(); ++i) out.insert(data->id(i));
  return out;
}

}  // namespace

TEST_CASE("one class a sample: each part holds its share to within one") {
  const DatasetPtr data = with_counts({50, 23, 7, 5});
  for (const std::int64_t k : {2, 3, 5}) {
    const auto folds = stratified_folds(*data, k, 1);
    for (const auto& row : table(*data, folds, k)) {
      CHECK(std::abs(row[0] - 85.0 / static_cast<double>(k)) < 1);
      const double counts[] = {50, 23, 7, 5};
      for (std::size_t c = 0; c < 4; ++c) {
        CHECK(std::abs(row[c + 1] - counts[c] / static_cast<double>(k)) < 1);
      }
    }
    CHECK(folds == stratified_folds(*data, k, 1));
    CHECK(folds != stratified_folds(*data, k, 2));
  }
}

TEST_CASE("several labels: every label is spread over the parts") {
  Labels labels{Task::multi, {"often", "half", "rare", "rarest"}, {}, {}};
  Rng rng(4);
  for (int i = 0; i < 400; ++i) {
    labels.hot.push_back(rng.uniform() < 0.8);
    labels.hot.push_back(rng.uniform() < 0.5);
    labels.hot.push_back(i % 20 == 0);  // 20 of them
    labels.hot.push_back(i % 80 == 0);  // 5, each also rare
  }
  const DatasetPtr data = blank(std::move(labels));
  const auto counts = data->class_counts();
  for (const auto& row : table(*data, stratified_folds(*data, 5, 3), 5)) {
    CHECK(std::abs(row[0] - 80) <= 2);
    CHECK(std::abs(row[1] - static_cast<double>(counts[0]) / 5) <= 2);
    CHECK(std::abs(row[2] - static_cast<double>(counts[1]) / 5) <= 2);
    CHECK(std::abs(row[3] - 4) <= 1);
    CHECK(row[4] == 1);
  }
}

TEST_CASE("more folds than samples of a class are refused, the class named") {
  const auto error = [](const std::vector<int>& counts, std::int64_t k) {
    return error_of<OptionError>([&] { stratified_folds(*with_counts(counts), k, 0); });
  };
  CHECK(contains(error({9, 3}, 5),
                 "5 folds, but class 'b' has 3 samples; expected 3 folds or fewer"));
  CHECK(contains(error({9, 1}, 2), "class 'b' has 1 sample; expected at least one a fold"));
  CHECK(contains(error({9, 9}, 1), "1 folds, expected 2 or more"));
  CHECK(stratified_folds(*with_counts({9, 3}), 3, 0).size() == 12);
}

TEST_CASE("train and val are divided together, test is left alone") {
  const Folder folder;
  write_classes(folder, {"train", "val", "test"}, {4, 3});
  DataOptions o;
  const Splits whole = open_dataset(folder.path(), o);
  std::set<std::string> pool = ids(whole.train), seen;
  pool.merge(ids(whole.val));
  o.folds = 3;
  for (o.fold = 1; o.fold <= 3; ++o.fold) {
    const Splits s = open_dataset(folder.path(), o);
    CHECK(ids(s.test) == ids(whole.test));
    CHECK(s.train->size() + s.val->size() == 14);
    std::set<std::string> both = ids(s.train), part = ids(s.val);
    for (const std::string& id : part) {
      CHECK(both.count(id) == 0);
      CHECK(seen.insert(id).second);
      CHECK(contains(s.val->path(0), folder.path()));
    }
    both.merge(part);
    CHECK(both == pool);
    CHECK(s.val->image(0).height() == 6);
  }
  CHECK(seen == pool);
  CHECK_THROWS_AS(open_dataset(folder.path(), o), OptionError);  // part 4 of 3
}

TEST_CASE("of data without splits all samples are divided") {
  const Folder folder;
  write_classes(folder, {"."}, {20, 11});
  DataOptions o;
  o.folds = 5;
  o.fold = 2;
  const Splits s = open_dataset(folder.path(), o);
  CHECK(s.train->size() + s.val->size() == 31);
  CHECK(s.test == nullptr);
  CHECK(s.warnings.empty());
}

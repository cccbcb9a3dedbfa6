// Data sets: labels, views, targets, fingerprints.
#include "catch.h"

#include <taxon/data/dataset.h>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("in memory: samples, labels, targets, ids") {
  const DatasetPtr data = numbered(10);
  CHECK(data->size() == 10);
  CHECK(data->classes() == 4);
  CHECK(data->label(6) == 2);
  CHECK(data->id(7) == "train/7");
  CHECK(data->path(7).empty());
  CHECK(data->image_shape() == Shape{8, 8, 3});
  CHECK(data->image(3).at(0, 0, 0) == 3);
  CHECK(data->class_counts() == std::vector<std::int64_t>{3, 3, 2, 2});
  const std::vector<std::int64_t> some{5, 2};
  CHECK(data->targets(some).to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 2});
  CHECK_THROWS_AS(data->label(10), OptionError);
  CHECK_THROWS_AS(data->labels(0), OptionError);
}

TEST_CASE("labels are checked") {
  const std::string e = error_of<FormatError>([] {
    memory_dataset("m", Bytes(8, 0), Shape{2, 2, 1}, {Task::single, {"a", "b"}, {0, 2}, {}});
  });
  CHECK(e == "m: sample 1 has label 2, expected 0 to 1");
  CHECK_THROWS_AS(
      memory_dataset("m", Bytes(7, 0), Shape{2, 2, 1}, {Task::single, {"a"}, {0, 0}, {}}),
      ShapeError);
  CHECK_THROWS_AS(memory_dataset("m", {}, Shape{2, 2, 1}, {Task::single, {}, {}, {}}), FormatError);
}

TEST_CASE("tensors make a data set, single- and multi-label") {
  const Tensor images = Tensor::zeros({2, 3, 3, 1}, DType::u8);
  const DatasetPtr one =
      tensor_dataset(images, Tensor::from(std::vector<std::int64_t>{1, 0}, {2}), {"a", "b"});
  CHECK(one->label(0) == 1);
  const DatasetPtr several = tensor_dataset(
      images, Tensor::from(std::vector<float>{1, 1, 0, 0, 1, 0}, {2, 3}), {"a", "b", "c"});
  CHECK(several->task() == Task::multi);
  CHECK(several->targets(std::vector<std::int64_t>{1, 0}).to_vector<float>() ==
        std::vector<float>{0, 1, 0, 1, 1, 0});
  CHECK(several->class_counts() == std::vector<std::int64_t>{1, 2, 0});
  CHECK_THROWS_AS(tensor_dataset(images, Tensor::from(std::vector<float>{1, 2, 0, 0, 1, 0}, {2, 3}),
                                 {"a", "b", "c"}),
                  FormatError);
  CHECK_THROWS_AS(tensor_dataset(images, Tensor::zeros({3}, DType::i64), {"a"}), ShapeError);
}

TEST_CASE("views keep ids and pixels") {
  const DatasetPtr data = numbered(10);
  const DatasetPtr part = subset(data, {7, 1});
  CHECK(part->size() == 2);
  CHECK(part->id(0) == "train/7");
  CHECK(part->label(0) == 3);
  CHECK(part->pixels(1) == data->pixels(1));
  CHECK(subset(part, {1})->id(0) == "train/1");
  CHECK_THROWS_AS(subset(data, {10}), OptionError);
}

TEST_CASE("classes are matched by name, never by position") {
  const DatasetPtr data = numbered(8);
  const DatasetPtr other = with_classes(data, {"x", "c3", "c0", "c1", "c2"});
  CHECK(other->classes() == 5);
  CHECK(other->label(0) == 2);
  CHECK(other->label(3) == 1);
  CHECK(other->id(3) == "train/3");
  const std::string e = error_of<FormatError>([&] { with_classes(data, {"c0", "c1", "c2"}); });
  CHECK(contains(e, "class 'c3' (2 samples) is not among the 3 classes"));
  // A class without samples may be absent.
  CHECK(with_classes(subset(data, {0, 1, 2}), {"c2", "c1", "c0"})->label(0) == 2);
  const DatasetPtr multi =
      tensor_dataset(Tensor::zeros({1, 2, 2, 1}, DType::u8),
                     Tensor::from(std::vector<float>{1, 0}, {1, 2}), {"a", "b"});
  const DatasetPtr turned = with_classes(multi, {"b", "c", "a"});
  CHECK(std::vector<int>(turned->labels(0).begin(), turned->labels(0).end()) ==
        std::vector<int>{0, 0, 1});
}

TEST_CASE("files are decoded lazily, and errors name them") {
  const Folder folder;
  const std::string good = folder.write("a.png", encode_png(pattern(4, 5, 3)));
  const std::string bad = folder.write("b.jpg", std::string_view("\xff\xd8 no jpeg"));
  const DatasetPtr data = file_dataset("files", {good, bad, folder / "c.png"}, {"a", "b", "c"},
                                       {Task::single, {"x"}, {0, 0, 0}, {}});
  CHECK(data->image(0) == pattern(4, 5, 3));
  CHECK(data->pixels(0) == nullptr);
  CHECK(data->image_shape().rank() == 0);
  CHECK(contains(error_of<FormatError>([&] { data->image(1); }), bad));
  CHECK(contains(error_of<IoError>([&] { data->image(2); }), "c.png"));
  CHECK_THROWS_AS(file_dataset("f", {good}, {"a", "b"}, {Task::single, {"x"}, {0}, {}}),
                  OptionError);
}

TEST_CASE("a fingerprint changes with what the data are, and only with that") {
  const std::uint64_t f = numbered(10)->fingerprint();
  CHECK(f == numbered(10)->fingerprint());
  CHECK(f != numbered(11)->fingerprint());
  CHECK(f != numbered(10, 8, 8, 3, 5)->fingerprint());
  CHECK(f == subset(numbered(12), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})->fingerprint());
  CHECK(f != subset(numbered(10), {1, 0, 2, 3, 4, 5, 6, 7, 8, 9})->fingerprint());
}

TEST_CASE("channel statistics") {
  Bytes pixels;
  for (int i = 0; i < 8; ++i) {
    pixels.push_back(i % 2 == 0 ? 0 : 255);
  }
  const DatasetPtr data =
      memory_dataset("m", pixels, Shape{2, 2, 1}, {Task::single, {"a"}, {0, 0}, {}});
  const ChannelStats s = channel_stats(*data, 1);
  CHECK(s.mean[0] == Approx(0.5));
  CHECK(s.std[0] == Approx(0.5));
  CHECK(channel_stats(*data, 3).mean.size() == 3);
}

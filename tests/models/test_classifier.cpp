// Classifier: the same answer for files, bytes and raw pixels; several threads; verification.
#include <taxon/base/file.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model_file.h>
#include <taxon/models/safetensors.h>

#include <cmath>
#include <numeric>
#include <thread>

#include "catch.h"
#include "temporary_folder.h"

using namespace taxon;

namespace {

Image picture(std::uint8_t shade, std::int64_t height = 30, std::int64_t width = 45) {
  Image image(height, width, 3);
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(i * 7 / 3 + shade);
  }
  return image;
}

RawImage raw_of(const Image& image) {
  return {image.data(), image.height(), image.width(), image.channels(), 0};
}

// A small trained-looking model: running statistics moved, so that folding has something to do.
std::string saved_model(const TemporaryFolder& folder, Task task = Task::single) {
  ModelSpec spec;
  spec.name = "resnet8";
  spec.classes = 4;
  spec.task = task;
  const auto model = build_model(spec, 6);
  for (std::uint64_t i = 0; i < 3; ++i) {
    model->forward(Tensor::uniform(Shape{4, 32, 32, 3}, -1, 1, i));
  }
  model->eval();
  ModelMeta meta;
  meta.spec = model->spec();
  meta.classes = {"cat", "dog", "fish", "bird"};
  if (task == Task::multi) {
    meta.thresholds = {0, 1, 0, 1};
  }
  meta.golden = make_golden(*model, meta, picture(3));
  const std::string path = folder / "m.safetensors";
  save_model(path, *model, meta);
  return path;
}

}  // namespace

TEST_CASE("classifier: path, bytes and pixels agree", "[classifier]") {
  TemporaryFolder folder;
  ClassifierOptions options;
  options.verify = true;
  options.top = 2;
  const Classifier classifier = Classifier::load(saved_model(folder), options);
  CHECK(classifier.classes()[2] == "fish");
  CHECK(classifier.verify() <= 1e-3);
  const Image image = picture(9);
  save_png(image, folder / "p.png");
  const Classification a = classifier.classify(folder / "p.png");
  REQUIRE(a.top.size() == 2);
  CHECK(a.top[0].probability >= a.top[1].probability);
  CHECK(a.top[0].label == classifier.classes()[static_cast<std::size_t>(a.top[0].index)]);
  REQUIRE(a.labels.size() == 1);
  CHECK(a.labels[0].index == a.top[0].index);
  REQUIRE(a.probabilities.size() == 4);
  CHECK(std::accumulate(a.probabilities.begin(), a.probabilities.end(), 0.0) == Approx(1));
  const auto bytes = read_file(folder / "p.png");
  CHECK(classifier.classify(std::span<const std::uint8_t>(bytes)).probabilities == a.probabilities);
  CHECK(classifier.classify(raw_of(image)).probabilities == a.probabilities);

  SECTION("rows with a stride, and alpha") {
    const std::size_t stride = 45 * 4 + 12;
    std::vector<std::uint8_t> rgba(30 * stride, 77);
    for (std::int64_t y = 0; y < 30; ++y) {
      for (std::int64_t x = 0; x < 45; ++x) {
        for (std::int64_t c = 0; c < 3; ++c) {
          rgba[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(4 * x + c)] =
              image.at(y, x, c);
        }
      }
    }
    const RawImage raw{rgba.data(), 30, 45, 4, static_cast<std::int64_t>(stride)};
    CHECK(classifier.classify(raw).probabilities == a.probabilities);
  }
  SECTION("batches") {
    std::vector<Image> images;
    std::vector<RawImage> raws;
    for (int i = 0; i < 70; ++i) {
      images.push_back(picture(static_cast<std::uint8_t>(i)));
    }
    for (const Image& each : images) {
      raws.push_back(raw_of(each));
    }
    const auto answers = classifier.classify(std::span<const RawImage>(raws));
    REQUIRE(answers.size() == 70);
    for (const std::size_t i : {0u, 9u, 69u}) {
      const auto one = classifier.classify(raws[i]).probabilities;
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(answers[i].probabilities[k] == Approx(one[k]).margin(1e-5));
      }
    }
    CHECK(classifier.classify(std::span<const RawImage>()).empty());
  }
}

TEST_CASE("classifier: several labels", "[classifier]") {
  TemporaryFolder folder;
  const Classifier classifier = Classifier::load(saved_model(folder, Task::multi));
  const Image image = picture(1);
  const Classification a = classifier.classify(raw_of(image));
  REQUIRE(a.labels.size() == 2);  // thresholds 0 and 1
  CHECK(a.labels[0].label == "cat");
  CHECK(a.labels[1].label == "fish");
  CHECK(a.top.size() == 4);
}

TEST_CASE("classifier: sets of labels, and no answer", "[classifier]") {
  TemporaryFolder folder;
  LoadedModel loaded = load_model(saved_model(folder));
  const Image image = picture(3);
  const auto answer = [&](const ClassifierOptions& options) {
    return Classifier(loaded.model, loaded.meta, options).classify(raw_of(image));
  };
  ClassifierOptions sets, sure;
  sets.coverage = 0.5;
  sure.accuracy = 0.9;
  CHECK_THROWS_AS(answer(sets), OptionError);  // not calibrated
  CHECK_THROWS_AS(answer(sure), OptionError);
  const Classification plain = answer({});
  CHECK(plain.set.empty());
  CHECK_FALSE(plain.abstained);
  const auto best = static_cast<double>(plain.top[0].probability);
  const auto second = static_cast<double>(plain.top[1].probability);
  loaded.meta.conformal = Conformal::fit(std::vector<double>{second, second, second});
  const Classification two = answer(sets);
  REQUIRE(two.set.size() == 2);
  CHECK(two.set[0].label == plain.top[0].label);
  CHECK(two.set[1].label == plain.top[1].label);
  loaded.meta.conformal = Conformal::fit(std::vector<double>{1, 1, 1});
  CHECK(answer(sets).set.empty());  // nothing is certain enough
  loaded.meta.selective = {{best, 0.5, 0.97, 0.95}, {best / 2, 1, 0.95, 0.8}};
  CHECK_FALSE(answer(sure).abstained);
  loaded.meta.selective[0].threshold = std::min(1.0, 1.01 * best);
  CHECK(answer(sure).abstained);
  CHECK(answer(sure).top[0].label == plain.top[0].label);  // still told
  sure.accuracy = 0.99;
  CHECK_THROWS_AS(answer(sure), OptionError);  // never reached
  sets.coverage = 1.5;
  CHECK_THROWS_AS(answer(sets), OptionError);
}

TEST_CASE("classifier: four threads on one model", "[classifier]") {
  TemporaryFolder folder;
  const Classifier classifier = Classifier::load(saved_model(folder));
  std::vector<Image> images;
  std::vector<std::vector<float>> expected;
  for (std::uint8_t i = 0; i < 8; ++i) {
    images.push_back(picture(static_cast<std::uint8_t>(20 * i)));
    expected.push_back(classifier.classify(raw_of(images.back())).probabilities);
  }
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 40; ++i) {
        const std::size_t k = (i * (t + 1) + t) % images.size();
        if (classifier.classify(raw_of(images[k])).probabilities != expected[k]) {
          ++wrong[t];
        }
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("classifier: a changed weight fails verification", "[classifier]") {
  TemporaryFolder folder;
  const std::string path = saved_model(folder);
  TensorFile file = read_safetensors(path);
  for (NamedTensor& t : file.tensors) {
    if (t.name == "layer1.0.conv1.weight") {
      t.tensor.mutable_view<float>()[40] = 30;
    }
  }
  write_safetensors(path, file.tensors, file.metadata);
  ClassifierOptions verify;
  verify.verify = true;
  REQUIRE_THROWS_AS(Classifier::load(path, verify), FormatError);
  CHECK_NOTHROW(Classifier::load(path));
}

TEST_CASE("classifier: bad input is refused", "[classifier]") {
  TemporaryFolder folder;
  const Classifier classifier = Classifier::load(saved_model(folder));
  REQUIRE_THROWS_AS(Classifier::load(folder / "none"), IoError);
  REQUIRE_THROWS_AS(classifier.classify(folder / "none.png"), IoError);
  const std::vector<std::uint8_t> noise(100, 3);
  REQUIRE_THROWS_AS(classifier.classify(std::span<const std::uint8_t>(noise)), FormatError);
  REQUIRE_THROWS_AS(classifier.classify(RawImage{}), ShapeError);
  REQUIRE_THROWS_AS(classifier.classify(RawImage{noise.data(), 4, 4, 5, 0}), ShapeError);
  REQUIRE_THROWS_AS(classifier.classify(RawImage{noise.data(), 4, 4, 3, 11}), ShapeError);
  REQUIRE_THROWS_AS(classifier.classify(RawImage{noise.data(), std::int64_t{1} << 40, 1, 3, 0}),
                    ShapeError);
  ClassifierOptions none;
  none.top = 0;
  REQUIRE_THROWS_AS(Classifier::load(folder / "m.safetensors", none), OptionError);
}

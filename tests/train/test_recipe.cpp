// What the recipes choose for data of each kind.
#include "catch.h"

#include <taxon/train/recipe.h>

#include <string>

using namespace taxon;

namespace {

Splits known(const char* name, std::int64_t side, std::int64_t channels, bool flips) {
  Splits data;
  data.name = name;
  data.known = true;
  data.facts.height = data.facts.width = side;
  data.facts.channels = channels;
  data.facts.fixed_size = true;
  data.facts.flips = flips;
  return data;
}

}  // namespace

TEST_CASE("each named data set has a recipe of its own") {
  const auto chosen = [](const Splits& data) { return recipe(data, "", {}).options; };
  const TrainOptions cifar = chosen(known("cifar10", 32, 3, true));
  CHECK(cifar.model == "airnet");
  CHECK(cifar.epochs == 10);
  CHECK(cifar.batch == 1024);
  CHECK(cifar.tta == "flip-shift");
  CHECK(cifar.lookahead == 5);
  const TrainOptions digits = chosen(known("mnist", 28, 1, false));
  CHECK(digits.model == "airnet-small");
  CHECK(digits.epochs == 6);
  CHECK(digits.tta == "shift");  // a mirrored digit is none
  const TrainOptions clothes = chosen(known("fashion-mnist", 28, 1, true));
  CHECK(clothes.model == "airnet-small");
  CHECK(clothes.epochs == 12);
  CHECK(clothes.tta == "flip-shift");
}

TEST_CASE("a model of one's own choice has its recipe on that data") {
  const auto chosen = [](const char* name, std::int64_t channels, const char* model) {
    return recipe(known(name, 32, channels, true), model, {}).options;
  };
  CHECK(chosen("cifar10", 3, "resnet20").batch == 128);
  CHECK(chosen("cifar10", 3, "resnet20").tta == "flip");
  CHECK(chosen("cifar10", 3, "resnet20").epochs == 40);
  CHECK(chosen("cifar10", 3, "resnet56").tta == "none");
  CHECK(chosen("cifar10", 3, "airnet-wide").epochs == 10);
  CHECK(chosen("fashion-mnist", 1, "cnn").epochs == 2);
  CHECK(chosen("fashion-mnist", 1, "airnet").epochs == 10);
  CHECK(chosen("mnist", 1, "cnn").augment == "light");
}

TEST_CASE("other data: by size and channels, and the loss by the task") {
  Splits data = known("mine", 28, 1, false);
  data.known = false;
  CHECK(recipe(data, "", {}).options.model == "cnn");
  data.facts.channels = 3;
  CHECK(recipe(data, "", {}).options.model == "resnet20");
  data.facts.fixed_size = false;
  const TrainOptions photos = recipe(data, "", {}).options;
  CHECK(photos.model == "resnet18");
  CHECK(photos.size == 128);
  CHECK(photos.loss == "ce");
  data.task = Task::multi;
  CHECK(recipe(data, "", {}).options.loss == "bce");
}

TEST_CASE("rates and smoothing suit the optimizer and the loss that are given") {
  const Splits data = known("cifar10", 32, 3, true);
  TrainOptions given;
  given.optimizer = "adamw";
  CHECK(recipe(data, "", given).options.lr == 1e-3);
  CHECK(recipe(data, "", given).options.norm_bias_lr == 1);
  given.optimizer = "muon";
  CHECK(recipe(data, "resnet20", given).options.momentum == 0.95);
  given = {};
  given.loss = "focal";
  CHECK(recipe(data, "", given).options.label_smoothing == 0);
  given.loss = "asl";
  CHECK(recipe(data, "resnet20", given).options.label_smoothing == 0.1);
}

// Frozen parts: they rest, their features are computed once, and they train again when told.
#include "catch.h"

#include <taxon/base/interrupted.h>
#include <taxon/models/model_file.h>
#include <taxon/train/features.h>
#include <taxon/train/run.h>

#include "train_test.h"

#include <algorithm>

using namespace taxon;

namespace {

std::shared_ptr<Model> net(const std::string& name, DType precision = DType::f32) {
  ModelSpec spec;
  spec.name = name;
  spec.height = spec.width = 12;
  spec.channels = 3;
  spec.classes = 2;
  auto model = build_model(spec, 4);
  model->set_precision(precision);
  return model;
}

LoaderOptions images(bool training) {
  LoaderOptions o;
  o.batch = 8;
  o.seed = 5;
  o.shuffle = o.drop_last = training;
  o.preprocess.height = o.preprocess.width = 12;
  return o;
}

std::unique_ptr<Loader> loader(const DatasetPtr& data, bool training, Tensor rows = {}) {
  LoaderOptions o = images(training);
  o.rows = std::move(rows);
  return std::make_unique<Loader>(data, o);
}

struct Frozen {
  std::shared_ptr<Model> model;
  std::unique_ptr<Trainer> trainer;
};

// All but the head is frozen for `unfreeze` epochs; `cached`: by features.
Frozen make(const std::string& name, bool cached, std::int64_t unfreeze = 0,
            DType precision = DType::f32, double ema = 0) {
  Frozen out;
  out.model = net(name, precision);
  const DatasetPtr train = halves(41, 1), val = halves(19, 2);
  TrainerParts parts;
  parts.model = out.model;
  const std::shared_ptr<Model> average = ema > 0 ? net(name, precision) : nullptr;
  parts.average = average;
  for (const auto& [child, part] : out.model->children()) {
    if (child == out.model->head_name()) continue;
    for (const Tensor& p : part->parameters()) {
      if (p.requires_grad()) parts.thaw.push_back(p);
    }
    part->freeze();
    parts.frozen.push_back(part);
  }
  SgdOptions sgd;
  sgd.momentum = 0.9;
  parts.optimizer = std::make_unique<Sgd>(param_groups(*out.model, 1e-3), 0.05, sgd);
  parts.loss = make_loss("ce", false);
  parts.watch_loss = make_loss("ce", false);
  parts.train = loader(train, true);
  parts.watch = loader(val, false);
  TrainerOptions t;
  t.epochs = 4;
  t.ema = ema;
  t.unfreeze = unfreeze;
  t.schedule.lr = 0.05;
  t.schedule.total_steps = t.epochs * parts.train->batches();
  out.trainer = std::make_unique<Trainer>(std::move(parts), t);
  if (cached) {
    out.model->eval();
    HeadParts head;
    head.train = loader(train, true, features_of(*out.model, train, images(true), 1 << 20));
    head.watch = loader(val, false, features_of(*out.model, val, images(false), 1 << 20));
    head.model = head_of(out.model);
    if (average) head.average = head_of(average);
    out.trainer->use_features(std::move(head));
  }
  return out;
}

// Values, so that they do not follow the module.
std::vector<std::vector<float>> values(const Module& module) {
  std::vector<std::vector<float>> out;
  for (const NamedTensor& t : module.state()) {
    if (is_floating(t.tensor.dtype())) out.push_back(t.tensor.to_vector<float>());
  }
  return out;
}

void write_pictures(const Folder& folder, std::int64_t n) {
  for (const std::string split : {"train", "val"}) {
    for (std::int64_t label = 0; label < 2; ++label) {
      const std::string to = folder / ("data/" + split + (label == 0 ? "/top" : "/bottom"));
      std::filesystem::create_directories(to);
      for (std::int64_t i = 0; i < n; ++i) {
        const auto seed = static_cast<std::uint64_t>(i + 100 * label);
        save_png(half_image(label, seed), to + "/" + std::to_string(i) + ".png");
      }
    }
  }
}

std::vector<TrainSetting> settings(const Folder& folder) {
  return {{"data", folder / "data"}, {"model", "resnet8"}, {"size", "8"},
          {"epochs", "4"},           {"batch", "4"},       {"lr", "0.02"},
          {"freeze", "backbone"},    {"augment", "none"},  {"out", folder / "run"}};
}

}  // namespace

TEST_CASE("features are what the head is given, and none where they take too much memory") {
  const auto model = net("resnet8");
  model->eval();
  const DatasetPtr data = halves(19, 1);
  const Tensor all = features_of(*model, data, images(false), 19 * 64 * 4);
  REQUIRE(all.shape() == Shape{19, 64});
  CHECK_FALSE(all.requires_grad());
  CHECK_FALSE(features_of(*model, data, images(false), 19 * 64 * 4 - 1).defined());
  Loader batches(data, images(false));
  batches.start(0);
  NoGrad no_grad;
  std::vector<float> expected;
  for (Batch b; batches.next(b);) {
    const Tensor y = model->features(b.x);
    expected.insert(expected.end(), y.view<float>().begin(), y.view<float>().end());
    const bool same =
        head_of(model)->forward(y).to_vector<float>() == model->forward(b.x).to_vector<float>();
    CHECK(same);
  }
  const bool same = all.to_vector<float>() == expected;
  CHECK(same);
  const std::atomic<bool> interrupt{true};
  CHECK_THROWS_AS(features_of(*model, data, images(false), 1 << 20, &interrupt), Interrupted);
}

TEST_CASE("training a head by features gives the bits of training it by images") {
  for (const char* name : {"resnet8", "cnn", "airnet", "mlp"}) {
    for (const DType precision : {DType::f32, DType::bf16}) {
      for (const double ema : {0.0, 0.9}) {
        INFO(name << ' ' << name_of(precision) << " ema " << ema);
        const Frozen by_images = make(name, false, 0, precision, ema);
        const Frozen by_features = make(name, true, 0, precision, ema);
        by_images.trainer->fit();
        by_features.trainer->fit();
        const bool same =
            values(by_images.trainer->result()) == values(by_features.trainer->result());
        CHECK(same);
        for (std::size_t i = 0; i < 4; ++i) {
          const EpochResult &a = by_images.trainer->progress().results[i],
                            &b = by_features.trainer->progress().results[i];
          CHECK(a.train_loss == b.train_loss);
          CHECK(a.loss == b.loss);
          CHECK(a.top1 == b.top1);
        }
      }
    }
  }
}

TEST_CASE("frozen parts stay as they are until they are told to train") {
  const Frozen f = make("resnet8", false, 2);
  f.model->eval();
  const auto start = values(*f.model);
  const auto head = start.size() - 2;  // weight and bias of fc
  {
    NoGrad no_grad;
    CHECK_FALSE(f.model->features(Tensor::zeros({2, 12, 12, 3})).requires_grad());
  }
  CHECK_FALSE(f.model->features(Tensor::zeros({2, 12, 12, 3})).requires_grad());  // no graph
  Trainer::Callbacks c;
  c.on_epoch = [&](const EpochResult& r, bool) {
    const auto now = values(*f.model);
    const bool rests =
        std::equal(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(head), start.begin());
    CHECK(rests == (r.epoch <= 2));
    const bool head_learns = now[head] != start[head];
    CHECK(head_learns);
    if (r.epoch > 2) {
      for (std::size_t i = 0; i < head; ++i) {  // norms' figures too
        const bool learns = now[i] != start[i];
        CHECK(learns);
      }
    }
  };
  f.trainer->fit(c);
}

TEST_CASE("a run that unfreezes goes on bit by bit, wherever it stopped") {
  for (const bool cached : {false, true}) {
    const Frozen whole = make("resnet8", cached, 2);
    whole.trainer->fit();
    for (const std::int64_t stop : {3, 9, 10, 11, 17}) {
      std::atomic<bool> interrupt{false};
      std::int64_t steps = 0;
      const Frozen first = make("resnet8", cached, 2);
      Trainer::Callbacks c;
      c.on_step = [&](const StepReport&) { interrupt = ++steps == stop; };
      REQUIRE(first.trainer->fit(c, &interrupt) == Trainer::Outcome::interrupted);
      const Frozen second = make("resnet8", cached, 2);
      second.trainer->restore(first.trainer->state(), first.trainer->progress());
      REQUIRE(second.trainer->fit() == Trainer::Outcome::finished);
      const bool same = values(*whole.model) == values(*second.model);
      CHECK(same);
    }
  }
}

TEST_CASE("a run with a frozen backbone computes features once and says so") {
  const Folder folder;
  write_pictures(folder, 6);
  std::vector<std::string> notes;
  RunCallbacks callbacks;
  callbacks.on_note = [&](const std::string& note) { notes.push_back(note); };
  const auto noted = [&](const std::string& part) {
    return std::any_of(notes.begin(), notes.end(),
                       [&](const std::string& n) { return n.find(part) != std::string::npos; });
  };
  const RunResult once = train_run(settings(folder), callbacks);
  CHECK(noted("features of 12 train and 12 val images are computed once"));

  // Augmented images change; those of val do not.
  notes.clear();
  auto given = settings(folder);
  given[7].second = "light";
  train_run(given, callbacks);
  CHECK(noted("features of 0 train and 12 val images"));

  // All parts but the head by number is the same.
  notes.clear();
  given = settings(folder);
  given[6].second = "5";
  const RunResult counted = train_run(given, callbacks);
  CHECK(noted("features of 12 train and 12 val images"));
  CHECK(counted.predictions.probability == once.predictions.probability);

  notes.clear();
  given[6].second = "3";
  train_run(given, callbacks);
  CHECK_FALSE(noted("features"));

  std::atomic<bool> interrupt{true};
  const RunResult stopped = train_run(settings(folder), {}, &interrupt);
  REQUIRE(stopped.interrupted);
  CHECK(resume_run(stopped.folder).predictions.probability == once.predictions.probability);
}

TEST_CASE("unfreezing what is not frozen, or never, is refused") {
  const Folder folder;
  write_pictures(folder, 2);
  const auto error = [&](const char* freeze, const char* unfreeze) {
    auto given = settings(folder);
    given[6].second = freeze;
    given.emplace_back("unfreeze", unfreeze);
    try {
      train_run(given);
    } catch (const OptionError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error("0", "1").find("--unfreeze is 1 but nothing is frozen") == 0);
  CHECK(error("backbone", "4") == "--unfreeze is 4 epochs, expected less than --epochs 4");
  CHECK(error("2", "1").empty());
}

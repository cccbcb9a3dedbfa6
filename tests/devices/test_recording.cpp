// Work for a GPU, recorded and repeated: the same bits as work given kernel by kernel.
#include <taxon/base/error.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>
#include <taxon/core/recording.h>
#include <taxon/core/storage.h>
#include <taxon/layers/activation.h>
#include <taxon/layers/container.h>
#include <taxon/layers/linear.h>
#include <taxon/models/model.h>
#include <taxon/train/recorded_step.h>
#include <taxon/train/trainer.h>

#include "catch.h"
#include "device_test.h"
#include "train/train_test.h"

using namespace taxon;
using namespace taxon::test;
using Catch::Contains;

namespace {

Tensor on_gpu(const std::vector<float>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(gpu());
}

std::string refusal(const Callback<void()>& work) {
  try {
    const Recording r(gpu(), work);
  } catch (const DeviceError& e) {
    return e.what();
  }
  return "";
}

ModelSpec small(const std::string& name) {
  ModelSpec s;
  s.name = name;
  s.height = s.width = name == "airnet-small" ? 16 : 8;
  s.classes = 3;
  return resolve(s);
}

std::unique_ptr<Optimizer> nesterov(Module& m) {
  SgdOptions o;
  o.momentum = 0.9;
  o.nesterov = true;
  return std::make_unique<Sgd>(param_groups(m, 5e-4), 0.02, o);
}

/// What a few steps over batches of these sizes gave.
struct Trained {
  std::vector<double> losses, correct;
  std::vector<NamedTensor> state;
  std::string why_not;
  bool recorded = false;
};

struct Steps {
  std::vector<std::int64_t> batches;
  bool record = false;
  DType precision = DType::f32;
  std::int64_t rests_from = 1000;  ///< the step from which the first parameter does not train
};

Trained trained(Module& model, const Shape& image, const Steps& s) {
  const auto optimizer = nesterov(model);
  RecordedStep step;
  Trained out;
  const auto work = [&](const Tensor& x, const Tensor& y) -> Pass {
    const Tensor logits = model.forward(x);
    const Loss::Counted found = CrossEntropy().counted(logits, y);
    found.loss.backward();
    return {found, logits};
  };
  for (std::size_t i = 0; i < s.batches.size(); ++i) {
    const std::int64_t n = s.batches[i];
    Shape shape{n, image[0], image[1], image[2]};
    const Tensor x = Tensor::normal(shape, 0, 1, 100 + i).to(gpu());
    std::vector<std::int64_t> classes;
    for (std::int64_t k = 0; k < n; ++k)
      classes.push_back((k * 5 + static_cast<std::int64_t>(i)) % 3);
    const Tensor y = Tensor::from(classes, {n}).to(gpu());
    if (static_cast<std::int64_t>(i) == s.rests_from)
      model.parameters()[0].set_requires_grad(false);
    optimizer->zero_grad();
    const Pass pass = s.record ? step.run(model, x, y, work) : work(x, y);
    optimizer->step();
    out.losses.push_back(pass.found.loss.item());
    out.correct.push_back(pass.found.correct());
  }
  for (const NamedTensor& t : model.state())
    out.state.push_back({t.name, t.tensor.to(cpu).clone()});
  out.why_not = step.why_not();
  out.recorded = step.recorded();
  return out;
}

Trained trained(const std::string& name, const Steps& s) {
  const ModelSpec spec = small(name);
  const auto model = build_model(spec, 7);
  if (model->images_wanted() > 0)
    model->fit_to_data(Tensor::normal({8, spec.height, spec.width, 3}, 0, 1, 3));
  model->set_precision(s.precision);
  model->to(gpu());
  return trained(*model, {spec.height, spec.width, 3}, s);
}

void check_same(const Trained& got, const Trained& expected) {
  CHECK(got.losses == expected.losses);
  CHECK(got.correct == expected.correct);
  REQUIRE(got.state.size() == expected.state.size());
  for (std::size_t i = 0; i < got.state.size(); ++i) {
    INFO(got.state[i].name);
    CHECK(difference(got.state[i].tensor, expected.state[i].tensor) == 0);
  }
}

}  // namespace

TEST_CASE("recorded work is done when it is repeated, on what its tensors hold then") {
  CHECK(Recording::possible(gpu()));
  CHECK_FALSE(Recording::possible(cpu));
  Tensor x = on_gpu({1, 2, 3}), total = on_gpu({0, 0, 0});
  Tensor y = x * 2.0 + 1.0;  // kernels must have run before
  lerp_(total, y, 1);
  total.fill(0);
  Tensor copy;
  {
    Recording r(gpu(), [&] {
      y = x * 2.0 + 1.0;
      total.copy_from(total + y);
      copy = y.clone();
      copy.fill(4);
    });
    CHECK(total.to_vector<float>() == std::vector<float>{0, 0, 0});
    r.repeat();
    CHECK(y.to_vector<float>() == std::vector<float>{3, 5, 7});
    x.copy_from(on_gpu({10, 20, 30}));
    const Tensor between = Tensor::ones({3}, DType::f32, gpu()) * 5.0;  // takes no memory of its
    r.repeat();
    CHECK(total.to_vector<float>() == std::vector<float>{24, 46, 68});
    CHECK(copy.to_vector<float>() == std::vector<float>{4, 4, 4});
    CHECK(between.to_vector<float>() == std::vector<float>{5, 5, 5});
  }
  CHECK(y.to_vector<float>() == std::vector<float>{21, 41, 61});  // lives on
}

TEST_CASE("memory of a recording goes back when nothing of it lives") {
  const Tensor x = on_gpu({1, 2, 3});
  const Tensor before = x * 2.0;
  release_cached_memory(gpu());
  const std::size_t free = free_bytes(gpu());
  {
    Tensor y;
    Recording r(gpu(), [&] { y = Tensor::ones({1 << 20}, DType::f32, gpu()) * 3.0; });
    r.repeat();
    CHECK(y.to(cpu).view<float>()[12345] == 3);
    CHECK(free_bytes(gpu()) < free);
  }
  CHECK(free_bytes(gpu()) == free);
}

TEST_CASE("what cannot be repeated is refused while recording, and work goes on after that") {
  const Tensor x = on_gpu({1, 2, 3}), here = Tensor::ones({3});
  CHECK_THAT(refusal([&] { (void)sum(x).item(); }), Contains("the host reads a tensor"));
  CHECK_THAT(refusal([&] { (void)here.to(gpu()); }), Contains("a tensor comes from the host"));
  CHECK_THAT(refusal([&] { synchronize(gpu()); }), Contains("the host waits"));
  CHECK_THAT(refusal([&] { (void)dropout(x, {}); }), Contains("dropout draws another mask"));
  CHECK_THAT(refusal([&] { const Recording inner(gpu(), [] {}); }), Contains("records already"));
  CHECK_THROWS_WITH(Recording(cpu, [] {}), Contains("cpu cannot record"));
  CHECK_THROWS_WITH(Recording(gpu(), [&] { fail<ShapeError>("of the work"); }), "of the work");
  CHECK((x * 3.0).to_vector<float>() == std::vector<float>{3, 6, 9});
}

TEST_CASE("tensors are filled on a GPU") {
  for (const double value : {0.0, 1.0, -2.5}) {
    for (const DType type : {DType::f32, DType::bf16}) {
      const Tensor t = Tensor::full({3, 5}, value, type, gpu());
      CHECK(difference(t, Tensor::full({3, 5}, value, type)) == 0);
    }
  }
  for (const double value : {0.0, 7.0}) {
    const Tensor t = Tensor::full({9}, value, DType::i64, gpu());
    CHECK(t.to_vector<std::int64_t>() ==
          std::vector<std::int64_t>(9, static_cast<std::int64_t>(value)));
  }
}

TEST_CASE("recorded steps train as steps given kernel by kernel, bit for bit") {
  using Case = std::pair<std::string, DType>;
  for (const auto& [name, precision] : {Case{"resnet8", DType::f32}, Case{"resnet8", DType::bf16},
                                        Case{"airnet-small", DType::f32}}) {
    INFO(name << " " << name_of(precision));
    Steps s{{4, 4, 4, 4, 3, 4}, false, precision};  // one batch is smaller
    const Trained expected = trained(name, s);
    s.record = true;
    const Trained got = trained(name, s);
    CHECK(got.why_not.empty());
    CHECK(got.recorded);
    check_same(got, expected);
  }
}

TEST_CASE("a step is recorded anew when other parameters train, or batches grow") {
  Steps s{{4, 4, 4, 4, 4, 4, 4, 6, 6, 6}, false, DType::f32, 4};
  const Trained expected = trained("resnet8", s);
  s.record = true;
  const Trained got = trained("resnet8", s);
  CHECK(got.recorded);
  check_same(got, expected);
}

TEST_CASE("a model that draws on the host trains without a recording, as before") {
  const auto run = [](bool record) {
    Init init{5, 0};
    Sequential model;
    model.add(std::make_shared<Flatten>());
    model.add(std::make_shared<Dropout>(0.3, init));
    model.add(std::make_shared<Linear>(48, 3, init));
    model.to(gpu());
    return trained(model, {4, 4, 3}, {{4, 4, 4, 4, 4, 4}, record});
  };
  const Trained expected = run(false), got = run(true);
  CHECK_FALSE(got.recorded);
  CHECK_THAT(got.why_not, Contains("dropout draws another mask"));
  check_same(got, expected);
}

TEST_CASE("a trainer on a GPU records its steps") {
  const auto loader = [](DatasetPtr data, bool training) {
    LoaderOptions o;
    o.batch = 8;
    o.shuffle = training;
    o.preprocess.height = o.preprocess.width = 8;
    o.device = gpu();
    return std::make_unique<Loader>(std::move(data), o);
  };
  const auto fit = [&](std::int64_t accumulate) {
    ModelSpec spec = small("resnet8");
    spec.classes = 2;
    TrainerParts parts;
    parts.model = build_model(spec, 3);
    parts.model->to(gpu());
    parts.optimizer = nesterov(*parts.model);
    parts.loss = make_loss("ce", false);
    parts.watch_loss = make_loss("ce", false);
    parts.train = loader(halves(28, 1), true);
    parts.watch = loader(halves(8, 2), false);
    TrainerOptions t;
    t.epochs = 2;
    t.accumulate = accumulate;
    t.schedule.lr = 0.02;
    t.schedule.total_steps = 12;
    Trainer trainer(std::move(parts), t);
    CHECK(trainer.fit() == Trainer::Outcome::finished);
    CHECK(trainer.recorded().recorded() == (accumulate == 1));
    CHECK(trainer.recorded().why_not().empty());
    return trainer.progress().results;
  };
  const auto once = fit(1);
  REQUIRE(once.size() == 2);
  CHECK(once[1].train_loss < once[0].train_loss);
  CHECK(fit(2).size() == 2);
}

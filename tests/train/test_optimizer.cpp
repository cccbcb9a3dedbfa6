// Optimizers and schedules against values that torch 2 computed in double precision.
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/layers/layers.h>
#include <taxon/models/model.h>
#include <taxon/train/optimizer.h>
#include <taxon/train/schedule.h>

#include <cmath>
#include <functional>
#include <map>

using namespace taxon;

namespace {

using Values = std::vector<double>;
using Make = std::function<std::unique_ptr<Optimizer>(std::vector<ParamGroup>)>;

const std::vector<Values> gradients = {
    {0.1, -0.2, 0.3}, {0.4, 0.0, -0.5}, {-0.6, 0.7, 0.2}, {0.05, -0.05, 1.0}};

Tensor parameter(DType dtype = DType::f64) {
  return Tensor::from(Values{1.0, -2.0, 0.5}, Shape{3}).to(dtype).set_requires_grad();
}

std::vector<ParamGroup> group(const Tensor& p, double weight_decay = 0) {
  ParamGroup g;
  g.params.push_back({"p", p});
  g.weight_decay = weight_decay;
  return {g};
}

void steps(Optimizer& optimizer, Tensor p, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    p.set_grad(Tensor::from(gradients[i], Shape{3}));
    optimizer.step();
  }
}

void check(const Make& make, double weight_decay, const Values& expected) {
  Tensor p = parameter();
  const auto optimizer = make(group(p, weight_decay));
  steps(*optimizer, p, 0, 4);
  const Values got = p.to_vector<double>();
  for (std::size_t i = 0; i < 3; ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-14));
}

Make sgd(double momentum, double dampening = 0, bool nesterov = false) {
  return [=](std::vector<ParamGroup> groups) {
    SgdOptions o;
    o.momentum = momentum;
    o.dampening = dampening;
    o.nesterov = nesterov;
    return std::make_unique<Sgd>(std::move(groups), 0.1, o);
  };
}

void check_schedule(const Schedule& s, const Values& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(s.rate(static_cast<std::int64_t>(i)) == Approx(expected[i]).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("sgd follows torch.optim.SGD") {
  check(sgd(0), 0, {1.0050000000000001, -2.0449999999999999, 0.40000000000000002});
  check(sgd(0.9), 0, {0.96621000000000001, -2.0592199999999998, 0.39432999999999996});
  check(sgd(0.9, 0.5), 0, {0.96590999999999994, -1.99522, 0.39557999999999999});
  check(sgd(0.9, 0, true), 0.01, {0.96287805938205306, -2.074233327484106, 0.29901122391432905});
}

TEST_CASE("sgd refuses Nesterov without momentum") {
  REQUIRE_THROWS_AS(sgd(0, 0, true)(group(parameter())), OptionError);
  REQUIRE_THROWS_AS(sgd(0.9, 0.1, true)(group(parameter())), OptionError);
}

TEST_CASE("adamw follows torch.optim.AdamW") {
  check([](auto groups) { return std::make_unique<AdamW>(std::move(groups)); }, 0.01,
        {0.99828940428153168, -1.9990680804094609, 0.49878912674182047});
  check(
      [](auto groups) {
        AdamWOptions o;
        o.beta1 = 0.8;
        o.beta2 = 0.99;
        o.eps = 1e-6;
        return std::make_unique<AdamW>(std::move(groups), 0.05, o);
      },
      0.1, {0.90185905324088889, -1.9263715632785574, 0.4300799877084529});
}

TEST_CASE("parameters are updated together as each would be alone") {
  for (const bool adam : {false, true}) {
    const auto make = [adam](std::vector<ParamGroup> groups) -> std::unique_ptr<Optimizer> {
      if (adam) return std::make_unique<AdamW>(std::move(groups), 0.1);
      return sgd(0.9, 0, true)(std::move(groups));
    };
    std::vector<Tensor> together, alone;
    std::vector<ParamGroup> groups;
    for (const DType dtype : {DType::f32, DType::f64, DType::f32}) {
      together.push_back(parameter(dtype));
      alone.push_back(parameter(dtype));
      groups.push_back(group(together.back(), 0.1 * static_cast<double>(groups.size()))[0]);
      groups.back().lr_scale = static_cast<double>(groups.size());
    }
    const auto all = make(groups);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      ParamGroup own = groups[i];
      own.params[0].tensor = alone[i];
      const auto one = make({own});
      for (const Values& g : gradients) {
        // The last one has a gradient from the second step on.
        if (i == 2 && &g == &gradients[0]) continue;
        alone[i].set_grad(Tensor::from(g, Shape{3}).to(alone[i].dtype()));
        one->step();
      }
    }
    for (const Values& g : gradients) {
      for (std::size_t i = 0; i < together.size(); ++i) {
        if (i == 2 && &g == &gradients[0]) continue;
        together[i].set_grad(Tensor::from(g, Shape{3}).to(together[i].dtype()));
      }
      all->step();
    }
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CHECK(together[i].to(DType::f64).to_vector<double>() ==
            alone[i].to(DType::f64).to_vector<double>());
    }
  }
}

TEST_CASE("muon follows its papers' formulas") {
  std::vector<double> start,
      expected{// Computed with torch 2 in double from the formulas, gradients as below.
               -0.3433045005082172,  -0.25684932663458926, -0.11959901296026448,
               -0.02907879081081009, 0.15818216348336572,  0.14580681938702722,
               0.2694332871647007,   0.3739540255107084};
  for (int i = 0; i < 8; ++i) start.push_back(i * 0.1 - 0.3);
  Tensor filter = Tensor::from(start, Shape{2, 2, 2, 1}).set_requires_grad();
  Tensor bias = parameter(), alone = parameter();
  ParamGroup g;
  g.params = {{"filter", filter}, {"bias", bias}};
  g.weight_decay = 0.01;
  Muon muon({g}, 0.1);
  AdamW adamw(group(alone, 0.01), 0.1);
  for (int k = 0; k < 3; ++k) {
    std::vector<double> grad;
    for (int i = 0; i < 8; ++i) grad.push_back(std::sin(1.3 * (k + 1) * i + k));
    filter.set_grad(Tensor::from(grad, filter.shape()));
    for (Tensor* p : {&bias, &alone}) {
      p->set_grad(Tensor::from(gradients[static_cast<std::size_t>(k)], Shape{3}));
    }
    muon.step();
    adamw.step();
  }
  const Values got = filter.to_vector<double>();
  for (std::size_t i = 0; i < 8; ++i) CHECK(got[i] == Approx(expected[i]).epsilon(1e-9));
  CHECK(bias.to_vector<double>() == alone.to_vector<double>());
  CHECK_THROWS_AS(Muon({g}, 0.1, MuonOptions{1.0}), OptionError);

  // From its saved state it goes on bit by bit.
  ParamGroup copies;
  copies.weight_decay = 0.01;
  for (const NamedTensor& p : g.params) {
    copies.params.push_back({p.name, p.tensor.clone().set_requires_grad()});
    copies.params.back().tensor.set_grad(p.tensor.grad());
  }
  Muon second({copies}, 0.1);
  second.load_state(muon.state());
  muon.step();
  second.step();
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(copies.params[i].tensor.to_vector<double>() == g.params[i].tensor.to_vector<double>());
  }
}

TEST_CASE("orthogonalized matrices have singular values near 1, wide or tall") {
  for (const Shape& shape : {Shape{6, 20}, Shape{20, 6}}) {
    const Tensor x = Tensor::normal(shape, 0, 3, 5).to(DType::f64);
    const Tensor y = orthogonalized(x);
    MatmulOptions o;
    o.trans_a = shape[0] > shape[1];
    o.trans_b = !o.trans_a;
    const Tensor gram = matmul(y, y, o);  // 6 x 6
    CHECK(gram.shape() == Shape{6, 6});
    double trace = 0, squares = 0;  // of the squared singular values: their sum, and of squares
    for (std::size_t i = 0; i < 36; ++i) {
      const double v = gram.view<double>()[i];
      trace += i % 7 == 0 ? v : 0;
      squares += v * v;
    }
    CHECK((trace > 6 * 0.5 && trace < 6 * 1.5));
    CHECK(squares < 6 * 1.5 * 1.5);
  }
  CHECK_THROWS_AS(orthogonalized(Tensor::zeros(Shape{3})), ShapeError);
  const Tensor zeros = orthogonalized(Tensor::zeros(Shape{2, 3}));
  for (const float v : zeros.view<float>()) CHECK(v == 0);
}

TEST_CASE("an optimizer refuses a dtype that it has no rule for") {
  Tensor p = parameter(DType::bf16);
  const auto optimizer = sgd(0)(group(p));
  p.set_grad(Tensor::zeros(Shape{3}, DType::bf16));
  REQUIRE_THROWS_AS(optimizer->step(), DTypeError);
}

TEST_CASE("an optimizer goes on from its saved state bit by bit") {
  for (const bool adam : {false, true}) {
    const auto make = [adam](std::vector<ParamGroup> groups) -> std::unique_ptr<Optimizer> {
      if (adam) return std::make_unique<AdamW>(std::move(groups));
      return sgd(0.9, 0, true)(std::move(groups));
    };
    Tensor whole = parameter();
    const auto a = make(group(whole));
    steps(*a, whole, 0, 4);

    Tensor first = parameter();
    const auto b = make(group(first));
    steps(*b, first, 0, 2);
    Tensor second = first.clone().set_requires_grad();
    const auto c = make(group(second));
    c->load_state(b->state());
    steps(*c, second, 2, 4);
    CHECK(second.to_vector<double>() == whole.to_vector<double>());
  }
}

TEST_CASE("state that does not fit is refused") {
  Tensor p = parameter();
  const auto optimizer = sgd(0.9)(group(p));
  const Tensor t = Tensor::zeros(Shape{2}, DType::f64);
  REQUIRE_THROWS_AS(optimizer->load_state({{"momentum_buffer.q", t}}), FormatError);
  REQUIRE_THROWS_AS(optimizer->load_state({{"momentum_buffer.p", t}}), FormatError);
  REQUIRE_THROWS_AS(optimizer->load_state({{"exp_avg.p", t}}), FormatError);
}

TEST_CASE("parameters without a gradient stay as they are") {
  Tensor p = parameter();
  const auto optimizer = sgd(0.9)(group(p, 0.1));
  optimizer->step();
  CHECK(p.to_vector<double>() == Values{1.0, -2.0, 0.5});
  CHECK(optimizer->state().empty());
}

TEST_CASE("weight decay skips biases and norm parameters when asked") {
  Init init;
  Sequential net;
  net.add<Conv2d>(3, 4, 3, init).add<BatchNorm2d>(4).add<Linear>(4, 2, init);
  const auto one = param_groups(net, 0.1);
  REQUIRE(one.size() == 1);
  CHECK(one[0].params.size() == 6);
  const auto two = param_groups(net, 0.1, true);
  REQUIRE(two.size() == 2);
  CHECK(two[0].params.size() == 2);
  CHECK(two[1].params.size() == 4);
  CHECK(two[0].weight_decay == 0.1);
  CHECK(two[1].weight_decay == 0);
}

TEST_CASE("each layer below the head learns more slowly, by the formula") {
  ModelSpec spec;
  spec.name = "resnet8";
  const auto model = build_model(spec);
  auto groups = param_groups(*model, 0.1, true);
  decay_layers(groups, *model, 0.5);
  const std::map<std::string, double> scale = {{"conv1", 0.0625}, {"bn1", 0.0625},
                                               {"layer1", 0.125}, {"layer2", 0.25},
                                               {"layer3", 0.5},   {"fc", 1}};
  std::size_t seen = 0;
  for (const ParamGroup& g : groups) {
    for (const NamedTensor& p : g.params) {
      ++seen;
      INFO(p.name);
      CHECK(g.lr_scale == scale.at(p.name.substr(0, p.name.find('.'))));
      CHECK(g.weight_decay == (p.tensor.rank() > 1 ? 0.1 : 0.0));
    }
  }
  CHECK(seen == model->named_parameters().size());

  spec.name = "resnet20";  // a block is a layer: nine, the first convolution and the head
  const auto deeper = build_model(spec);
  groups = param_groups(*deeper, 0);
  groups[0].lr_scale = 3;
  decay_layers(groups, *deeper, 0.9);
  for (const ParamGroup& g : groups) {
    const std::string name = g.params[0].name;
    if (name.rfind("layer2.1.", 0) == 0) CHECK(g.lr_scale == Approx(3 * std::pow(0.9, 5)));
    if (name == "conv1.weight") CHECK(g.lr_scale == Approx(3 * std::pow(0.9, 10)));
  }
  CHECK(groups.size() == 11);
  CHECK_THROWS_AS(decay_layers(groups, *deeper, 0), OptionError);

  // Parameters of no child keep their rate.
  Tensor p = parameter();
  auto other = group(p);
  decay_layers(other, *deeper, 0.5);
  REQUIRE(other.size() == 1);
  CHECK(other[0].lr_scale == 1);
}

TEST_CASE("gradients are clipped as torch.nn.utils.clip_grad_norm_ does") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Tensor a = parameter(dtype), b = parameter(dtype), none = parameter(dtype);
    std::vector<ParamGroup> groups = group(a);
    groups[0].params.push_back({"none", none});
    groups.push_back(group(b)[0]);
    const auto set = [&] {
      a.set_grad(Tensor::from(Values{3, 0, 0}, Shape{3}).to(dtype));
      b.set_grad(Tensor::from(Values{0, 4, 0}, Shape{3}).to(dtype));
    };
    set();
    CHECK(clip_grad_norm(groups, 1) == 5);
    const double factor = 1 / (5 + 1e-6), eps = dtype == DType::f32 ? 1e-7 : 1e-15;
    CHECK(a.grad().to(DType::f64).to_vector<double>()[0] == Approx(3 * factor).epsilon(eps));
    CHECK(b.grad().to(DType::f64).to_vector<double>()[1] == Approx(4 * factor).epsilon(eps));
    CHECK_FALSE(none.grad().defined());
    set();
    CHECK(clip_grad_norm(groups, 6) == 5);
    CHECK(a.grad().to(DType::f64).to_vector<double>() == Values{3, 0, 0});
  }
  // The same for any number of threads.
  Tensor large = Tensor::zeros(Shape{100003}).set_requires_grad();
  large.set_grad(Tensor::normal(Shape{100003}, 0, 1, 3));
  const int before = num_threads();
  double norms[2];
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    norms[threads - 1] = clip_grad_norm(group(large), 1e9);
  }
  set_num_threads(before);
  CHECK(norms[0] == norms[1]);
  double sum = 0;
  for (const float v : large.grad().view<float>()) {
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  CHECK(norms[0] == Approx(std::sqrt(sum)).epsilon(1e-12));
}

TEST_CASE("schedules follow torch.optim.lr_scheduler") {
  Schedule s;
  s.lr = 0.1;
  s.total_steps = 10;
  SECTION("constant") {
    check_schedule(s, Values(10, 0.1));
  }
  SECTION("OneCycleLR") {
    s.kind = ScheduleKind::onecycle;
    check_schedule(s, {0.0040000000000000036, 0.052000000000000005, 0.1, 0.095048463201347383,
                       0.081174565394976306, 0.06112620219362893, 0.038874197806371073,
                       0.018825834605023701, 0.0049519367986526289, 4e-07});
  }
  SECTION("CosineAnnealingLR") {
    s.kind = ScheduleKind::cosine;
    s.final_lr = 0.001;
    check_schedule(s, {0.1, 0.097577297556610113, 0.090546341221559898, 0.079595369988477424,
                       0.065796341221559904, 0.0505, 0.03520365877844011, 0.021404630011522589,
                       0.010453658778440109, 0.0034227024433899004});
  }
  SECTION("StepLR") {
    s.kind = ScheduleKind::step;
    s.step_size = 3;
    check_schedule(s, {0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.0001});
  }
  SECTION("LinearLR") {
    s.kind = ScheduleKind::linear;
    s.final_lr = 0.02;
    check_schedule(s, {0.1, 0.092, 0.084, 0.076, 0.068, 0.06, 0.052, 0.044, 0.036, 0.028});
  }
  SECTION("a warm-up before CosineAnnealingLR") {
    s.kind = ScheduleKind::cosine;
    s.total_steps = 12;
    s.warmup_steps = 4;
    check_schedule(s, {0.001, 0.02575, 0.0505, 0.07525, 0.1, 0.096193976625564337,
                       0.085355339059327379, 0.069134171618254497, 0.05, 0.030865828381745515,
                       0.014644660940672627, 0.0038060233744356634});
  }
}

TEST_CASE("the triangle rises to its peak and falls") {
  Schedule s;
  s.kind = ScheduleKind::triangle;
  s.lr = 2;
  s.total_steps = 100;
  CHECK(s.rate(0) == Approx(0.4));
  CHECK(s.rate(23) == Approx(2));
  CHECK(s.rate(12) == Approx(0.4 + 1.6 * 12 / 23));
  CHECK(s.rate(62) == Approx(2 - 1.86 * 39 / 77));
  CHECK(s.rate(100) == Approx(0.14));
  s.total_steps = 1;  // no step before the peak
  CHECK(s.rate(0) == Approx(2));
}

TEST_CASE("the exponential schedule rises by equal factors") {
  Schedule s;
  s.kind = ScheduleKind::exponential;
  s.lr = 1e-6;
  s.final_lr = 10;
  s.total_steps = 8;
  for (int i = 0; i < 8; ++i) CHECK(s.rate(i) == Approx(std::pow(10.0, i - 6)));
}

TEST_CASE("schedules have names") {
  for (const std::string& name : schedule_names()) CHECK(name_of(parse_schedule(name)) == name);
  REQUIRE_THROWS_AS(parse_schedule("cosin"), OptionError);
}

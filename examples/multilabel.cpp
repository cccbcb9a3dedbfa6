// Several labels an image: which of three shapes are in a picture, one sigmoid a label.
// Reaches, on the pictures drawn here, mAP 1.000 and every label right in 99.9 % of the test
// pictures after 4 epochs, a few seconds.
//
// Use: multilabel [MANIFEST.csv [STEPS]]
// Without a manifest (or ""), the pictures are drawn here. A manifest has the header
// `filename,labels` or `filename,<class>,<class>...`; its images are read at 64x64.
#include <taxon/base/random.h>
#include <taxon/data/loader.h>
#include <taxon/data/sources.h>
#include <taxon/layers/layers.h>
#include <taxon/layers/losses.h>
#include <taxon/metrics/predictions.h>
#include <taxon/metrics/report.h>
#include <taxon/train/optimizer.h>
#include <taxon/train/schedule.h>

#include <cstdio>
#include <string>

using namespace taxon;

// n pictures of 32x32 with a disc, a frame and a diagonal, each there or not, on a noisy ground.
static DatasetPtr draw(std::int64_t n, std::uint64_t seed) {
  Rng rng(seed);
  Labels labels{Task::multi, {"disc", "frame", "diagonal"}, {}, {}};
  std::vector<std::uint8_t> pixels;
  for (std::int64_t i = 0; i < n; ++i) {
    const bool has[3] = {rng.uniform() < 0.5, rng.uniform() < 0.5, rng.uniform() < 0.5};
    labels.hot.insert(labels.hot.end(), has, has + 3);
    const double cx = 8 + 16 * rng.uniform(), cy = 8 + 16 * rng.uniform(),
                 r = 3 + 3 * rng.uniform();
    const auto left = static_cast<std::int64_t>(rng.below(16)), side = left + 14;
    const auto shift = static_cast<std::int64_t>(rng.below(16)) - 8;
    for (std::int64_t y = 0; y < 32; ++y) {
      for (std::int64_t x = 0; x < 32; ++x) {
        const double dx = static_cast<double>(x) - cx, dy = static_cast<double>(y) - cy;
        const bool inside = x >= left && x <= side && y >= left && y <= side;
        const bool edge = x == left || x == side || y == left || y == side;
        const bool on = (has[0] && dx * dx + dy * dy < r * r) || (has[1] && inside && edge) ||
                        (has[2] && x - y == shift);
        pixels.push_back(static_cast<std::uint8_t>(rng.below(100) + (on ? 100 : 0)));
      }
    }
  }
  return memory_dataset("shapes", std::move(pixels), {32, 32, 1}, std::move(labels));
}

static Splits shapes() {
  Splits s;
  s.class_names = {"disc", "frame", "diagonal"};
  s.train = draw(4000, 1);
  s.test = draw(1000, 2);
  s.facts = {32, 32, 1, true, true, {0.25F}, {0.15F}};
  return s;
}

// Probabilities of every test sample, with its labels.
static Predictions predict(Module& net, Loader& test) {
  NoGrad no_grad;
  net.eval();
  Predictions p;
  p.multi_label = true;
  p.classes = test.dataset().class_names();
  test.start(0);
  for (Batch b; test.next(b);) {
    const std::vector<double> batch = as_written(sigmoid(net(b.x)).view<float>());
    p.probability.insert(p.probability.end(), batch.begin(), batch.end());
    for (const std::int64_t i : b.indices) {
      const auto labels = test.dataset().labels(i);
      p.truth_labels.insert(p.truth_labels.end(), labels.begin(), labels.end());
    }
  }
  complete(p);
  return p;
}

int main(int argc, char** argv) try {
  const std::string manifest = argc > 1 ? argv[1] : "";
  const std::int64_t most_steps = argc > 2 ? std::stoll(argv[2]) : 1000000;
  DataOptions reading;
  reading.task = Task::multi;
  const Splits data = manifest.empty() ? shapes() : open_dataset(manifest, reading);

  LoaderOptions options;
  options.batch = 32;
  options.preprocess = default_preprocess(data.facts, manifest.empty() ? 0 : 64);
  Loader test(data.test, options);
  options.shuffle = true;
  options.drop_last = true;
  options.augment.flip = !manifest.empty();
  Loader train(data.train, options);

  Init init{.seed = 1};
  const ConvOptions same = {.padding = 1};
  Sequential net;
  std::int64_t channels = options.preprocess.channels;
  for (const std::int64_t width : {16, 32, 64}) {
    net.add<Conv2d>(channels, width, 3, init, same).add<BatchNorm2d>(width).add<ReLU>();
    net.add<MaxPool2d>(2);
    channels = width;
  }
  net.add<GlobalAvgPool>().add<Linear>(channels, data.train->classes(), init);

  const std::int64_t epochs = 4, steps = std::min(most_steps, epochs * train.batches());
  AdamW adam(net, 3e-3);
  const Schedule schedule{.kind = ScheduleKind::cosine, .lr = 3e-3, .total_steps = steps};
  const BCEWithLogits loss_of;  // FocalSigmoid and AsymmetricLoss fit here too
  std::int64_t step = 0;
  for (std::int64_t epoch = 1; step < steps; ++epoch) {
    train.start(epoch);
    net.train();
    double last = 0;
    for (Batch b; step < steps && train.next(b); ++step) {
      const Tensor loss = loss_of(net(b.x), b.y);
      net.zero_grad();
      loss.backward();
      adam.set_lr(schedule.rate(step));
      adam.step();
      last = loss.item();
    }
    const MultiLabelMetrics m = multi_label_metrics(predict(net, test));
    std::printf("epoch %lld  loss %.4f  mAP %.4f  F1 %.4f\n", static_cast<long long>(epoch), last,
                m.mean_average_precision.value_or(0), m.micro.f1);
    std::fflush(stdout);
  }
  std::printf("\n%s", metrics_text(predict(net, test)).c_str());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "multilabel: %s\n", e.what());
  return 1;
}

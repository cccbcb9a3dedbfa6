// taxon bench: training and inference speed of whole models, and the machine's peak.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/layers/losses.h>
#include <taxon/models/model.h>
#include <taxon/train/optimizer.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "peak.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon bench [options]

Speed of training and inference on this machine: medians of whole steps (forward,
loss, backward, SGD-Nesterov update) on data in memory.

Model    --model NAME[,NAME...] (default resnet18)  --batch N (default 128)
         --size N (pixels; default the model's own)  --shortcut A|B (default B)
Run      --threads N  --seconds S (of measuring each, default 3)
         --precision f32|bf16  --device cpu  --exact-conv (no Winograd convolution)
         --peak (the processor's peak and memory bandwidth, no model)
Output   --json (one object a model)

Example:
  taxon bench --model resnet20,resnet18 --json
)";

struct Request {
  std::string models = "resnet18", shortcut = "B", precision = "f32", device = "cpu";
  std::int64_t batch = 128, size = 0, threads = 0;
  double seconds = 3;
  bool peak = false, json = false;
};

double now() {
  const auto t = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(t).count();
}

template <class F>
double median_ms(F f, double seconds) {
  for (int i = 0; i < 2; ++i) f();
  std::vector<double> times;
  const double start = now();
  while ((now() - start < seconds || times.size() < 3) && !interrupt_flag().load()) {
    const double t = now();
    f();
    times.push_back(1e3 * (now() - t));
  }
  if (times.empty()) return 0;
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

nlohmann::ordered_json measure(const Request& r, const std::string& name) {
  ModelSpec spec;
  spec.name = name;
  spec.height = spec.width = r.size;
  spec.shortcut = parse_shortcut(r.shortcut);
  for (const ModelInfo& info : model_table()) {
    // The input size that the peers' script uses for the deeper of torchvision's models.
    if (info.name == name && r.size == 0 && (name == "resnet18" || name == "resnet34")) {
      spec.height = spec.width = 32;
    }
  }
  spec = resolve(spec);
  const auto model = build_model(spec);
  model->set_precision(parse_precision(r.precision));
  const Tensor x = Tensor::normal(Shape{r.batch, spec.height, spec.width, spec.channels}, 0, 1, 1);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < r.batch; ++i) labels.push_back(i % spec.classes);
  const Tensor y = Tensor::from(labels, Shape{r.batch});
  const CrossEntropy loss;
  SgdOptions sgd;
  sgd.momentum = 0.9;
  sgd.nesterov = true;
  Sgd optimizer(*model, 0.01, sgd, 5e-4);

  const auto step = [&] {
    const Tensor value = loss(model->forward(x), y);
    optimizer.zero_grad();
    value.backward();
    optimizer.step();
  };
  const double train_ms = median_ms(step, r.seconds);
  optimizer.zero_grad();
  model->eval();
  model->optimize_for_inference();
  const NoGrad no_grad;
  const double infer_ms = median_ms([&] { model->forward(x); }, r.seconds / 2);
  const Tensor one = slice(x, 0, 0, 1);
  const double b1_ms = median_ms([&] { model->forward(one); }, r.seconds / 3);

  nlohmann::ordered_json j;
  j["model"] = name;
  j["precision"] = r.precision;
  j["batch"] = r.batch;
  j["threads"] = num_threads();
  j["isa"] = std::string(name_of(active_isa()));
  j["train_ms"] = train_ms;
  j["train_img_s"] = 1e3 * static_cast<double>(r.batch) / train_ms;
  j["infer_ms"] = infer_ms;
  j["infer_img_s"] = 1e3 * static_cast<double>(r.batch) / infer_ms;
  j["b1_ms"] = b1_ms;
  j["peak_rss_mb"] = peak_rss_mb();
  return j;
}

void show(const nlohmann::ordered_json& j, bool json) {
  if (json) {
    print(j.dump() + "\n");
  } else {
    std::string line;
    for (const auto& [key, value] : j.items()) {
      const std::string shown = value.is_string()         ? value.get<std::string>()
                                : value.is_number_float() ? text(value.get<double>())
                                                          : value.dump();
      line += text(line.empty() ? "" : "  ", key, " ", shown);
    }
    print(line + "\n");
  }
  std::fflush(stdout);
}

void check(const Request& r) {
  parse_precision(r.precision);
  if (r.device != "cpu") fail<OptionError>("--device is '", r.device, "'; this build has cpu");
}

int run(const std::vector<std::string>& args) {
  Request r;
  Arguments a(bench_verb);
  a.option("--model", r.models);
  a.option("--batch", r.batch, 1, 1'000'000);
  a.option("--size", r.size, 1, 4096);
  a.option("--shortcut", r.shortcut);
  a.option("--precision", r.precision);
  a.option("--device", r.device);
  a.option("--threads", r.threads, 0, 1024);
  a.option("--seconds", r.seconds, 0, 3600);
  a.flag("--peak", r.peak);
  a.flag("--json", r.json);
  bool exact = false;
  a.flag("--exact-conv", exact);
  if (!a.parse(args)) return done;
  check(r);
  use_threads(r.threads);
  set_exact_conv(exact);
  catch_interrupts();
  if (r.peak) {
    show(measure_peak(), r.json);
    return done;
  }
  for (const std::string& name : split(r.models, ',')) {
    const nlohmann::ordered_json j = measure(r, name);
    if (interrupt_flag().load()) return interrupted;
    show(j, r.json);
  }
  return done;
}

}  // namespace

const Verb bench_verb{"bench", help, run};

}  // namespace taxon::cli

// taxon bench: training and inference speed of whole models, of loading, and the machine's peak.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>
#include <taxon/models/model.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "loader_speed.h"
#include "peak.h"
#include "step.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon bench [options]

Speed of training and inference on this machine: medians of whole steps (forward,
loss, backward, SGD-Nesterov update) on data in memory.

Model    --model NAME[,NAME...] (default resnet18)  --batch N (default 128)
         --size N (pixels; default the model's own)  --shortcut A|B (default B)
Run      --threads N  --seconds S (of measuring each, default 3)
         --precision f32|bf16  --device D  --exact-conv (no Winograd convolution)
         --no-train (inference only)  --fast (GPU: TF32, any algorithm)
         --peak (the processor's peak and memory bandwidth, no model)
         --loader DATA (images/s of decoding, random parts of 224 pixels and flips,
         no model; with --size, --batch, --threads, --seconds)
Output   --json (one object a model)

Example:
  taxon bench --model resnet20,resnet18 --json
)";

struct Request {
  std::string models = "resnet18", shortcut = "B", precision = "f32", device = "cpu", loader;
  std::int64_t batch = 128, size = 0, threads = 0;
  double seconds = 3;
  bool peak = false, no_train = false, json = false;
};

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

/// Resident memory now; 0 where the system does not tell.
double rss_mb() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

// A GPU works behind the program: several runs are waited for together, as a training would.
template <class Run>
double median_run_ms(Device device, double seconds, const Run& run, int on_gpu = 10) {
  const int together = device == cpu ? 1 : on_gpu;
  const double ms = median_ms(
      [&] {
        for (int i = 0; i < together; ++i) run();
        synchronize(device);
      },
      seconds);
  return ms / together;
}

nlohmann::ordered_json measure(const Request& r, const std::string& name) {
  const double start_mb = rss_mb();
  const Device device = Device::parse(r.device);
  TrainingStep step(bench_spec(name, r.size, r.shortcut), r.batch, device);
  step.model().set_precision(parse_precision(r.precision));
  const double train_ms = r.no_train ? 0 : median_run_ms(device, r.seconds, [&] { step.run(); });
  const double train_mb = peak_rss_mb();
  step.optimizer().zero_grad();
  Model& model = step.model();
  const Tensor& x = step.images();
  model.eval();
  model.optimize_for_inference();
  const NoGrad no_grad;
  const auto forward_ms = [&](const Tensor& images, double seconds, int on_gpu) {
    return median_run_ms(
        device, seconds, [&] { model.forward(images); }, on_gpu);
  };
  const double infer_ms = forward_ms(x, r.seconds / 2, 10);
  const double b1_ms = forward_ms(slice(x, 0, 0, 1), r.seconds / 3, 1);

  nlohmann::ordered_json j;
  j["model"] = name;
  j["precision"] = r.precision;
  j["batch"] = r.batch;
  j["threads"] = num_threads();
  j["isa"] = std::string(name_of(active_isa()));
  j["device"] = device.str();
  if (!r.no_train) {
    j["train_ms"] = train_ms;
    j["train_img_s"] = 1e3 * static_cast<double>(r.batch) / train_ms;
  }
  j["infer_ms"] = infer_ms;
  j["infer_img_s"] = 1e3 * static_cast<double>(r.batch) / infer_ms;
  j["b1_ms"] = b1_ms;
  j["start_rss_mb"] = start_mb;
  if (!r.no_train) j["train_rss_mb"] = train_mb;
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
  check_available(Device::parse(r.device));
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
  a.option("--loader", r.loader);
  a.flag("--no-train", r.no_train);
  a.flag("--json", r.json);
  bool exact = false;
  a.flag("--exact-conv", exact);
  bool fast = false;
  a.flag("--fast", fast);
  if (!a.parse(args)) return done;
  for (const char* option : {"--model", "--shortcut", "--precision", "--peak", "--no-train"}) {
    if (a.given("--loader") && a.given(option)) {
      fail<OptionError>(option, " is of no use with --loader, which runs no model");
    }
  }
  check(r);
  use_threads(r.threads);
  set_exact_conv(exact);
  set_fast(fast);
  catch_interrupts();
  if (r.peak) {
    show(measure_peak(), r.json);
    return done;
  }
  if (!r.loader.empty()) {
    const auto j = loader_speed({r.loader, r.size > 0 ? r.size : 224, r.batch, r.seconds});
    if (interrupt_flag().load()) return interrupted;
    show(j, r.json);
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

// taxon info --kernels MODEL: one training step with an observer at the kernels' door. It notes
// what each layer asked for and which row was chosen, and times the rows where they run.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "kernels.h"
#include "peak.h"
#include "recorder.h"
#include "step.h"

#include <algorithm>
#include <map>
#include <optional>

namespace taxon::cli {
namespace {

using kernels::Needs;
using Json = nlohmann::ordered_json;

/// What the machine can do at best.
struct Limits {
  double f32_gflops = 0, bf16_gflops = 0, amx_gflops = 0, gbytes = 0;
  double of(const Call& c) const {
    if (c.gflop == 0) return gbytes;
    return c.needs == Needs::amx          ? amx_gflops
           : c.needs == Needs::avx512bf16 ? bf16_gflops
                                          : f32_gflops;
  }
};

Limits limits() {
  const Json peak = measure_peak();
  const auto value = [&](const char* key) {
    return peak[key].is_null() ? 0.0 : peak[key].get<double>();
  };
  return {value("f32_gflops_n"), value("bf16_gflops_n"), value("amx_gflops_n"),
          value("bandwidth_gb_s")};
}

/// Work a second as a share of the machine's limit; nothing for a call that was not timed.
std::optional<double> share(const Call& c, const Limits& limit) {
  const double ms = c.median_ms(), most = limit.of(c);
  if (ms == 0 || most == 0) return {};
  return 1e3 * (c.gflop + c.gbyte) / ms / most;
}

/// All calls of one row in a step.
struct RowSum {
  std::string row;
  int calls = 0;
  double ms = 0, limit_ms = 0;  ///< measured; at the limit, where the work is known
};

struct Step {
  std::vector<Call> layers;  ///< calls of a layer's own
  std::vector<RowSum> rows;  ///< all calls, the most time first
  double ms = 0, kernels_ms = 0;
};

std::vector<RowSum> sum_rows(const std::vector<Call>& calls, const Limits& limit) {
  std::map<std::string, RowSum> sums;
  for (const Call& call : calls) {
    RowSum& sum = sums[call.row];
    sum.row = call.row;
    ++sum.calls;
    sum.ms += call.median_ms();
    sum.limit_ms += share(call, limit).value_or(0) * call.median_ms();
  }
  std::vector<RowSum> out;
  for (const auto& [row, sum] : sums) out.push_back(sum);
  std::stable_sort(out.begin(), out.end(),
                   [](const RowSum& a, const RowSum& b) { return a.ms > b.ms; });
  return out;
}

Step measure(const LayerRequest& r, const Limits& limit) {
  TrainingStep step(r.spec, r.batch);
  step.model().set_precision(r.precision);
  Recorder recorder(step.model(), r.seconds > 0);
  std::vector<double> times;
  const double start = now();
  do {
    const double t = now();
    step.run();
    times.push_back(1e3 * (now() - t));
    recorder.end_step();
  } while (r.seconds > 0 && !interrupt_flag().load() &&
           (times.size() < 4 || now() - start < r.seconds));
  Step out;
  std::sort(times.begin(), times.end());
  out.ms = times[times.size() / 2];
  for (const Call& call : recorder.calls()) {
    out.kernels_ms += call.median_ms();
    if (!call.layer.empty()) out.layers.push_back(call);
  }
  out.rows = sum_rows(recorder.calls(), limit);
  return out;
}

/// "conv2d_forward/winograd/avx512" -> "winograd/avx512"; a row without a table's name stays.
std::string without_table(const std::string& row) {
  return row.substr(row.find('/') + 1);
}

std::string column(std::string s, std::size_t width, bool right = false) {
  if (s.size() < width) s.insert(right ? 0 : s.size(), width - s.size(), ' ');
  return s;
}

void show_layers(const Step& step, const Limits& limit) {
  std::size_t layers = 5, shapes = 5, rows = 6;
  for (const Call& c : step.layers) {
    layers = std::max(layers, c.layer.size());
    shapes = std::max(shapes, c.shape.size());
    rows = std::max(rows, c.row.size());
  }
  print(text(column("layer", layers), "  ", column("shape", shapes), "  pass      ",
             column("kernel", rows), "         work        ms  of limit  passed over\n"));
  for (const Call& c : step.layers) {
    std::vector<std::string> reasons;
    for (const auto& [row, reason] : c.passed_over) {
      reasons.push_back(text(without_table(row), ": ", reason));
    }
    const std::string work =
        c.gflop > 0 ? fixed(c.gflop, 3) + " GFLOP" : fixed(c.gbyte, 3) + " GB   ";
    const std::optional<double> part = share(c, limit);
    std::string line =
        text(column(c.layer, layers), "  ", column(c.shape, shapes), "  ", column(c.pass, 8), "  ",
             column(c.row, rows), "  ", column(work, 14, true), "  ",
             column(c.ms.empty() ? "-" : fixed(c.median_ms(), 3), 8, true), "  ",
             column(part ? fixed(100 * *part, 0) + " %" : "-", 8, true), "  ", join(reasons, "; "));
    line.erase(line.find_last_not_of(' ') + 1);
    print(line + "\n");
  }
}

void show_rows(const Step& step, bool timed) {
  print("\nkernel                                        calls");
  print(timed ? "        ms  of limit\n" : "\n");
  for (const RowSum& r : step.rows) {
    std::string times;
    if (timed) {
      times = column(fixed(r.ms, 3), 10, true);
      if (r.limit_ms > 0) times += column(fixed(100 * r.limit_ms / r.ms, 0) + " %", 10, true);
    }
    print(text(column(r.row, 46), column(text(r.calls), 5, true), times, "\n"));
  }
}

void show(const LayerRequest& r, const Step& step, const Limits& limit) {
  print(text(r.spec.name, ", training step, ", r.batch, " images of ", r.spec.height, 'x',
             r.spec.width, 'x', r.spec.channels, ", ", r.precision, ", ", num_threads(),
             " threads, ", name_of(active_isa()), "\n"));
  if (r.seconds > 0) {
    print(text("limit ", fixed(limit.f32_gflops, 0), " GFLOP/s f32",
               limit.bf16_gflops > 0 ? ", " + fixed(limit.bf16_gflops, 0) + " bf16" : "",
               limit.amx_gflops > 0 ? ", " + fixed(limit.amx_gflops, 0) + " AMX" : "", "; ",
               fixed(limit.gbytes, 0), " GB/s. Work is the definition's: Winograd multiplies a ",
               "quarter of it,\nso that 400 % would be its limit; a pass over memory counts each ",
               "image once, caches may help.\n"));
  }
  print("\n");
  show_layers(step, limit);
  show_rows(step, r.seconds > 0);
  if (r.seconds > 0) {
    print(text("\nstep ", fixed(step.ms, 1), " ms, of which ", fixed(step.kernels_ms, 1),
               " in kernels\n"));
  }
}

Json json_of(const LayerRequest& r, const Step& step, const Limits& limit) {
  Json j;
  j["model"] = r.spec.name;
  j["precision"] = std::string(name_of(r.precision));
  j["batch"] = r.batch;
  j["threads"] = num_threads();
  j["isa"] = std::string(name_of(active_isa()));
  const bool timed = r.seconds > 0;
  const auto if_timed = [&](double value) { return timed ? Json(value) : Json(nullptr); };
  j["f32_gflops"] = if_timed(limit.f32_gflops);
  j["bandwidth_gb_s"] = if_timed(limit.gbytes);
  j["step_ms"] = if_timed(step.ms);
  j["layers"] = Json::array();
  for (const Call& c : step.layers) {
    Json reasons = Json::array();
    for (const auto& [row, reason] : c.passed_over) {
      reasons.push_back({{"row", row}, {"reason", reason}});
    }
    const std::optional<double> part = share(c, limit);
    j["layers"].push_back({{"layer", c.layer},
                           {"shape", c.shape},
                           {"pass", c.pass},
                           {"row", c.row},
                           {"passed_over", reasons},
                           {"gflop", c.gflop},
                           {"gbyte", c.gbyte},
                           {"ms", if_timed(c.median_ms())},
                           {"of_limit", part ? Json(*part) : Json(nullptr)}});
  }
  j["kernels"] = Json::array();
  for (const RowSum& sum : step.rows) {
    const bool known = sum.limit_ms > 0;
    j["kernels"].push_back({{"row", sum.row},
                            {"calls", sum.calls},
                            {"ms", if_timed(sum.ms)},
                            {"of_limit", known ? Json(sum.limit_ms / sum.ms) : Json(nullptr)}});
  }
  return j;
}

}  // namespace

void print_layer_kernels(const LayerRequest& request) {
  const Limits limit = request.seconds > 0 ? limits() : Limits{};
  const Step step = measure(request, limit);
  if (request.json) {
    print(json_of(request, step, limit).dump() + "\n");
  } else {
    show(request, step, limit);
  }
}

}  // namespace taxon::cli

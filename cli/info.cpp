// taxon info: this machine, its kernels, or what a model file or a run holds.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>
#include <taxon/data/image.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model_file.h>

#include "command.h"
#include "kernels.h"
#include "step.h"

#include <algorithm>
#include <filesystem>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon info [MODEL|RUN] [options]

Without an argument: version, processor, instruction set, threads and the decoder of
JPEGs. With a model file or the folder of a run: what it holds.

Options  --kernels (the kernels of each operation, best first, and why better ones
         are passed over; with a model, which may be a name such as resnet18: the
         kernels of a training step by layer, their time and share of the limit)
         --verify (runs the model on the sample stored with it)
Kernels  --batch N (default 128)  --size N (pixels)  --shortcut A|B (default B)
of a     --seconds S (of timing, default 2; 0: the choices only, nothing is run)
model    --precision f32|bf16  --threads N  --exact-conv (no Winograd)
         --json (one object)

The environment variable TAXON_ISA (baseline, avx2, avx512, avx512bf16, amx) caps
the instruction set; TAXON_JPEG=stb does without libjpeg-turbo.

Example:
  taxon info runs/fashion-mnist-cnn --verify
  taxon info --kernels resnet18
)";

// A line a GPU; none in a build without CUDA.
std::string gpus() {
  const std::vector<Device> devices = available_devices();
  std::string out, why;
  for (const Device& d : devices) {
    if (d.type == DeviceType::cuda) out += text(d, " ", device_name(d), "\n");
  }
  if (devices.size() == 1 && has_cuda() && !is_available({DeviceType::cuda, 0}, &why)) {
    out = text("cuda ", why, "\n");
  }
  return out;
}

void machine() {
  print(
      text(version_text(), "processor ", cpu_model(), "\ninstruction set ", name_of(active_isa())));
  if (active_isa() != detected_isa()) {
    print(text(" (the processor has ", name_of(detected_isa()), "; TAXON_ISA caps it)"));
  }
  print(text("\nthreads ", num_threads(), "\n", gpus(), "JPEG ", jpeg_decoder(), "\n"));
}

std::string numbers(const std::vector<float>& values) {
  std::string out;
  for (const float v : values) out += text(out.empty() ? "" : ", ", static_cast<double>(v));
  return out;
}

void show_model(const std::string& path, bool verify) {
  const LoadedModel loaded = load_model(path);
  const ModelMeta& m = loaded.meta;
  const Preprocess& p = m.preprocess;
  print(text("model ", path, "\narchitecture ", m.spec.name, ", ", loaded.model->parameter_count(),
             " parameters\ninput ", p.height, 'x', p.width, 'x', p.channels, ", resize ",
             name_of(p.resize), ", mean ", numbers(p.mean), ", std ", numbers(p.std), "\ntask ",
             name_of(m.spec.task), "-label, ", m.classes.size(),
             " classes: ", join(m.classes, ", "), "\n"));
  if (!m.thresholds.empty()) print(text("thresholds ", numbers(m.thresholds), "\n"));
  if (m.temperature != 1) print(text("temperature ", m.temperature, "\n"));
  if (!m.conformal.empty()) print("calibrated  on val: --coverage and --accuracy of predict\n");
  for (const auto& [key, value] : m.notes) print(text(key, " ", value, "\n"));
  if (!m.golden) {
    print("golden sample none\n");
  } else if (!verify) {
    print("golden sample stored (--verify runs it)\n");
  }
  if (verify) {
    const double difference = verify_golden(*loaded.model, m, path);
    print(
        text("verified: probabilities of the golden sample differ by at most ", difference, "\n"));
  }
}

void show_run(const std::string& folder) {
  const std::string results = folder + "/results.csv";
  print(text("run ", folder, "\n"));
  if (!file_exists(results)) {
    print("no epoch is finished yet\n");
    return;
  }
  const auto lines = split(trim(read_text(results)), '\n');
  print(
      text(lines.size() - 1, " epochs, the last:\n  ", lines.front(), "\n  ", lines.back(), "\n"));
}

struct Request {
  std::string target, shortcut = "B", precision = "f32";
  bool kernels = false, verify = false, exact = false;
  std::int64_t size = 0, threads = 0;
  LayerRequest layers;
};

void show_layers(Request& r) {
  use_threads(r.threads);
  set_exact_conv(r.exact);
  r.layers.precision = parse_precision(r.precision);
  std::error_code error;
  if (std::filesystem::exists(r.target, error) || r.target.find('.') != std::string::npos) {
    r.layers.spec = load_model_meta(model_path(r.target)).spec;
    if (r.size != 0) r.layers.spec.height = r.layers.spec.width = r.size;
  } else {
    r.layers.spec = bench_spec(r.target, r.size, r.shortcut);
  }
  catch_interrupts();
  print_layer_kernels(r.layers);
}

int run(const std::vector<std::string>& args) {
  Request r;
  Arguments a(info_verb);
  a.positional("MODEL", r.target, false);
  a.flag("--kernels", r.kernels);
  a.flag("--verify", r.verify);
  a.option("--batch", r.layers.batch, 1, 1'000'000);
  a.option("--size", r.size, 1, 4096);
  a.option("--shortcut", r.shortcut);
  a.option("--precision", r.precision);
  a.option("--seconds", r.layers.seconds, 0, 3600);
  a.option("--threads", r.threads, 0, 1024);
  a.flag("--exact-conv", r.exact);
  a.flag("--json", r.layers.json);
  if (!a.parse(args)) return done;
  const bool named = !r.target.empty();
  if (r.verify && !named) fail<OptionError>("--verify needs a model: taxon info MODEL --verify");
  for (const char* option : {"--batch", "--size", "--shortcut", "--precision", "--seconds",
                             "--threads", "--exact-conv", "--json"}) {
    if (a.given(option) && !(r.kernels && named)) {
      fail<OptionError>(option, " goes with the kernels of a model: taxon info --kernels MODEL");
    }
  }
  if (r.kernels && named) {
    show_layers(r);
  } else if (r.kernels) {
    print_kernels();
  } else if (!named) {
    machine();
  }
  if (!named || (r.kernels && !r.verify)) return done;
  std::error_code error;
  const std::string path = model_path(r.target);
  if (std::filesystem::is_directory(r.target, error)) show_run(r.target);
  show_model(path, r.verify);
  return done;
}

}  // namespace

const Verb info_verb{"info", help, run};

}  // namespace taxon::cli

// taxon info: this machine, its kernels, or what a model file or a run holds.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model_file.h>

#include "command.h"

#include <algorithm>
#include <filesystem>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon info [MODEL|RUN] [options]

Without an argument: version, processor, instruction set and threads. With a model
file or the folder of a run: what it holds.

Options  --kernels (the kernels of each operation, best first, and why better ones
         are passed over)
         --verify (runs the model on the sample stored with it)

The environment variable TAXON_ISA (baseline, avx2, avx512, avx512bf16, amx) caps
the instruction set.

Example:
  taxon info runs/fashion-mnist-cnn --verify
)";

void machine() {
  print(
      text(version_text(), "processor ", cpu_model(), "\ninstruction set ", name_of(active_isa())));
  if (active_isa() != detected_isa()) {
    print(text(" (the processor has ", name_of(detected_isa()), "; TAXON_ISA caps it)"));
  }
  print(text("\nthreads ", num_threads(), "\n"));
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

int run(const std::vector<std::string>& args) {
  std::string target;
  bool kernels = false, verify = false;
  Arguments a(info_verb);
  a.positional("MODEL", target, false);
  a.flag("--kernels", kernels);
  a.flag("--verify", verify);
  if (!a.parse(args)) return done;
  if (verify && target.empty())
    fail<OptionError>("--verify needs a model: taxon info MODEL --verify");
  if (kernels) print_kernels();
  if (target.empty()) {
    if (!kernels) machine();
    return done;
  }
  std::error_code error;
  const std::string path = model_path(target);
  if (std::filesystem::is_directory(target, error)) show_run(target);
  show_model(path, verify);
  return done;
}

}  // namespace

const Verb info_verb{"info", help, run};

}  // namespace taxon::cli

// The program `taxon`: picks the verb and turns errors into exit codes.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/interrupted.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/core/devices.h>
#include <taxon/train/trainer.h>

#include "build_version.h"
#include "command.h"
#include "embedded_licenses.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

namespace taxon::cli {
namespace {

std::atomic<bool> interrupt{false};

extern "C" void on_signal(int number) {
  interrupt.store(true);
  std::signal(number, SIG_DFL);  // a second one ends the program
}

constexpr std::string_view help = R"(taxon: train, evaluate and use image classifiers

  taxon train   DATA [options]           a run folder: weights, curves, predictions
  taxon eval    MODEL DATA [options]     metrics of a model on a split
  taxon predict MODEL IMAGE|FOLDER|- ... labels with probabilities
  taxon report  RUN [RUN2]               report.html: each prediction to look at
  taxon metrics PREDICTIONS.csv          metrics of anyone's predictions
  taxon data    list | get | show | check  known data sets, what they hold, what is wrong
  taxon info    [MODEL|RUN] [--kernels]  this machine, or what a model file holds
  taxon bench   [options]                training and inference speed here

  DATA: a name (mnist, fashion-mnist, cifar10, ...), a folder of class folders,
  or a .csv manifest. MODEL: a model file or a run's folder.

  taxon VERB --help   options of a verb
  taxon --version     version, commit, compiler, instruction set, backends
  taxon --licenses    licence notices of what is built in

Example:
  taxon train fashion-mnist
  taxon predict runs/fashion-mnist-cnn photo.png
)";

const std::vector<const Verb*>& verbs() {
  static const std::vector<const Verb*> all{&train_verb,   &eval_verb, &predict_verb, &report_verb,
                                            &metrics_verb, &data_verb, &info_verb,    &bench_verb};
  return all;
}

void print_licenses() {
  print(
      "Taxon, and the notices of what is built into this program. Each library is used under the\n"
      "licence below its name.\n");
  for (const auto& [file, content] : embedded::licenses()) {
    print(text("\n==== ", file, " ", std::string(80 - std::min<std::size_t>(file.size(), 70), '='),
               "\n"));
    print(content);
  }
}

int run_verb(const std::string& name, const std::vector<std::string>& args) {
  std::vector<std::string> names{"--help", "--version", "--licenses"};
  for (const Verb* verb : verbs()) {
    if (verb->name == name) return verb->run(args);
    names.emplace_back(verb->name);
  }
  const bool option = !name.empty() && name[0] == '-';
  fail<OptionError>(option ? "unknown option '" : "unknown verb '", name, "'",
                    did_you_mean(name, names), "; see taxon --help");
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    complain(help);
    return wrong_usage;
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print(help);
  } else if (args[0] == "--version" || args[0] == "-V") {
    print(version_text());
  } else if (args[0] == "--licenses") {
    print_licenses();
  } else {
    return run_verb(args[0], {args.begin() + 1, args.end()});
  }
  return done;
}

int failed(int code, const std::string& what) {
  complain("taxon: " + what + "\n");
  return code;
}

int guarded(const std::vector<std::string>& args) {
  try {
    const int code = run(args);
    // What failed before left its mark; the last flush may have nothing to write.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return failed(input_output, "cannot write to stdout");
    return code;
  } catch (...) {
    return report_error();
  }
}

}  // namespace

int report_error() {
  try {
    throw;
  } catch (const Interrupted& e) {
    return failed(interrupted, e.what());
  } catch (const OptionError& e) {
    return failed(wrong_usage, e.what());
  } catch (const IoError& e) {
    return failed(input_output, e.what());
  } catch (const TrainingError& e) {
    return failed(training_failed, e.what());
  } catch (const DeviceError& e) {
    return failed(training_failed, e.what());
  } catch (const std::bad_alloc&) {
    return failed(training_failed, "out of memory; a smaller --batch or --size needs less");
  } catch (const Error& e) {  // format, shape, dtype
    return failed(bad_data, e.what());
  } catch (const std::exception& e) {
    return failed(training_failed, text("internal error: ", e.what()));
  }
}

const std::atomic<bool>& interrupt_flag() {
  return interrupt;
}

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

double now() {
  const auto t = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(t).count();
}

void print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
}

void complain(std::string_view line) {
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void use_threads(std::int64_t threads) {
  if (threads > 0) set_num_threads(static_cast<int>(threads));
}

std::string model_path(const std::string& given) {
  std::error_code error;
  if (!std::filesystem::is_directory(given, error)) return given;
  const std::string best = given + "/best.safetensors";
  if (file_exists(best)) return best;
  const std::string last = given + "/last.safetensors";
  if (file_exists(last)) return last;
  fail<IoError>(given,
                " is not the folder of a run: it holds neither best.safetensors nor "
                "last.safetensors");
}

std::string version_text() {
#if defined(__clang__)
  const std::string compiler = text("clang ", __clang_major__, '.', __clang_minor__);
#else
  const std::string compiler = text("gcc ", __GNUC__, '.', __GNUC_MINOR__);
#endif
  return text("taxon ", TAXON_VERSION, "\ncommit ", TAXON_COMMIT, "\ncompiler ", compiler, "\nisa ",
              name_of(active_isa()), "\nbackends cpu", has_cuda() ? " cuda" : "", "\n");
}

}  // namespace taxon::cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file that grows too large is an error of write(), as a full disk
  return taxon::cli::guarded(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}

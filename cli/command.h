// What the verbs share: arguments, exit codes, interruption, output.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace taxon::cli {

enum ExitCode : int {
  done = 0,
  some_failed = 1,
  wrong_usage = 2,
  bad_data = 3,
  input_output = 4,
  training_failed = 5,
  interrupted = 130
};

/// A verb of the program: one row here, one file cli/VERB.cpp.
struct Verb {
  std::string_view name;
  std::string_view help;  ///< what `taxon VERB --help` prints
  int (*run)(const std::vector<std::string>& args);
};
extern const Verb train_verb, eval_verb, predict_verb, report_verb, metrics_verb, data_verb,
    info_verb, bench_verb;

/// Declares and reads a verb's arguments. Values are set when parse() returns true.
class Arguments {
 public:
  explicit Arguments(const Verb& verb);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void positional(const std::string& name, std::string& value, bool required = true);
  void positional(const std::string& name, std::vector<std::string>& values);
  void option(const std::string& flag, std::string& value);
  void option(const std::string& flag, std::int64_t& value, std::int64_t low, std::int64_t high);
  void option(const std::string& flag, double& value, double low, double high);
  void flag(const std::string& flag, bool& value);
  /// False: --help was asked for and printed. Throws OptionError (unknown options with a
  /// suggestion).
  bool parse(const std::vector<std::string>& args);
  /// Whether the option was given.
  bool given(const std::string& flag) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// In a catch block: says what went wrong, and gives the exit code for it.
int report_error();

/// Set by the first Ctrl-C (or SIGTERM); a second one ends the program at once.
const std::atomic<bool>& interrupt_flag();
void catch_interrupts();

/// Writes a line to stdout / stderr at once.
void print(std::string_view line);
/// Seconds on a clock that never jumps.
double now();
void complain(std::string_view line);
/// --threads of any verb: 0 leaves the default.
void use_threads(std::int64_t threads);
/// MODEL as typed: a model file, or a run's folder (its best model).
std::string model_path(const std::string& given);
std::string version_text();

}  // namespace taxon::cli

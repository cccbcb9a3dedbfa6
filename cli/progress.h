// How long work looks to a person: a bar on a terminal, and of training one line an epoch that
// stays.
#pragma once

#include <taxon/train/trainer.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace taxon::cli {

/// A bar on the last line of a terminal; nothing where `out` is none.
class Bar {
 public:
  explicit Bar(std::FILE* out);
  bool shown() const { return terminal_; }
  /// What is done, as a share; at most ten times a second, but always the end.
  void draw(double part, const std::string& left, const std::string& right);
  /// Takes the bar away, so that other lines can be written.
  void clear();

 private:
  std::FILE* out_;
  bool terminal_, utf8_;
  bool drawn_ = false;
  double last_draw_ = 0;
};

class ProgressView {
 public:
  /// Bars are drawn only if `out` is a terminal.
  ProgressView(std::FILE* out, BestMetric best, Task task, std::int64_t epochs, bool watch_is_val);
  void step(const StepReport& report);
  void epoch(const EpochResult& result, bool best);
  void test(std::int64_t done, std::int64_t all);
  /// Takes the bar away, so that other lines can be written.
  void clear() { bar_.clear(); }

 private:
  std::FILE* out_;
  Bar bar_;
  BestMetric best_;
  Task task_;
  std::int64_t epochs_;
  bool watch_is_val_;
  double epoch_began_;
};

/// "1:05", "2:03:10".
std::string clock_text(double seconds);
/// "512 bytes", "9.9 MB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace taxon::cli

// How training looks to a person: a bar on a terminal, and one line an epoch that stays.
#pragma once

#include <taxon/train/trainer.h>

#include <cstdio>
#include <string>

namespace taxon::cli {

class ProgressView {
 public:
  /// Bars are drawn only if `out` is a terminal.
  ProgressView(std::FILE* out, Task task, std::int64_t epochs, bool watch_is_val);
  void step(const StepReport& report);
  void epoch(const EpochResult& result, bool best);
  void test(std::int64_t done, std::int64_t all);
  /// Takes the bar away, so that other lines can be written.
  void clear();

 private:
  void draw(double part, const std::string& left, const std::string& right);
  std::FILE* out_;
  Task task_;
  std::int64_t epochs_;
  bool watch_is_val_, terminal_, utf8_;
  bool drawn_ = false;
  double last_draw_ = 0, epoch_began_;
};

/// "1:05", "2:03:10".
std::string clock_text(double seconds);
/// A number with so many digits behind the point.
std::string fixed(double value, int digits);

}  // namespace taxon::cli

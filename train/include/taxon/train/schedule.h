// Learning-rate schedules as pure functions of the step, so that resuming needs the step alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace taxon {

enum class ScheduleKind : std::uint8_t {
  constant,
  step,
  cosine,
  onecycle,
  linear,
  triangle,
  exponential
};
std::string name_of(ScheduleKind kind);
/// Throws OptionError with a suggestion.
ScheduleKind parse_schedule(const std::string& name);
const std::vector<std::string>& schedule_names();

/// Steps are optimizer updates, from 0. After the warm-up the schedule runs over the steps that are
/// left, as torch.optim.lr_scheduler.SequentialLR of a LinearLR and the schedule.
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double lr = 0.1;               ///< the base (onecycle: the maximum)
  std::int64_t total_steps = 1;  ///< warm-up included
  std::int64_t warmup_steps = 0;
  double warmup_start =
      0.01;             ///< share of the rate that the warm-up starts from (LinearLR start_factor)
  double final_lr = 0;  ///< cosine: eta_min; linear: the end value
  std::int64_t step_size = 0;  ///< step: steps between drops; 0: a third of the total
  double gamma = 0.1;          ///< step: factor of a drop
  double start_part = 0.2, peak = 0.23, end_part = 0.07;            ///< triangle
  double pct_start = 0.3, div_factor = 25, final_div_factor = 1e4;  ///< onecycle, as OneCycleLR

  /// The rate of update number `step`. cosine: CosineAnnealingLR (Loshchilov and Hutter, "SGDR",
  /// 2017, eq. 5); onecycle: OneCycleLR with cosine annealing and the momentum left alone (Smith
  /// and Topin, "Super-convergence", 2019); step: StepLR; linear: LinearLR from 1 to final_lr / lr;
  /// triangle: straight from start_part lr up to lr at step `peak` of the whole, down to end_part
  /// lr; exponential: by equal factors from lr at the first step to final_lr at the last.
  double rate(std::int64_t step) const;
};

}  // namespace taxon

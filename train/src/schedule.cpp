// The schedules' formulas.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/train/schedule.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

constexpr double pi = 3.14159265358979323846;

double cosine(double from, double to, double part) {
  return to + (from - to) * (1 + std::cos(pi * part)) / 2;
}

// As torch's OneCycleLR: up to step pct_start * total - 1, then down to the last step.
double one_cycle(const Schedule& s, double step, double total) {
  const double first = s.lr / s.div_factor;
  const double last = first / s.final_div_factor;
  const double peak = s.pct_start * total - 1;
  if (step <= peak) return cosine(first, s.lr, step / peak);
  const double down = total - 1 - peak;
  return cosine(s.lr, last, down > 0 ? std::min(1.0, (step - peak) / down) : 1.0);
}

double triangle(const Schedule& s, double step, double total) {
  const double top = std::floor(s.peak * total);
  if (step < top) return s.lr * (s.start_part + (1 - s.start_part) * step / top);
  return s.lr * (1 + (s.end_part - 1) * (step - top) / std::max(1.0, total - top));
}

double after_warmup(const Schedule& s, std::int64_t step, std::int64_t total) {
  const double part = std::min(
      1.0, static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(total, 1)));
  switch (s.kind) {
    case ScheduleKind::constant:
      return s.lr;
    case ScheduleKind::step: {
      const std::int64_t size =
          s.step_size > 0 ? s.step_size : std::max<std::int64_t>(1, (total + 2) / 3);
      return s.lr * std::pow(s.gamma, static_cast<double>(step / size));
    }
    case ScheduleKind::cosine:
      return cosine(s.lr, s.final_lr, part);
    case ScheduleKind::onecycle:
      return one_cycle(s, static_cast<double>(step),
                       static_cast<double>(std::max<std::int64_t>(total, 1)));
    case ScheduleKind::linear:
      return s.lr + (s.final_lr - s.lr) * part;
    case ScheduleKind::exponential:
      return s.lr * std::pow(s.final_lr / s.lr,
                             static_cast<double>(step) /
                                 static_cast<double>(std::max<std::int64_t>(total - 1, 1)));
    case ScheduleKind::triangle:
      return triangle(s, static_cast<double>(step), static_cast<double>(total));
  }
  return s.lr;
}

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names{"constant", "step",     "cosine",     "onecycle",
                                              "linear",   "triangle", "exponential"};
  return names;
}

std::string name_of(ScheduleKind kind) {
  return schedule_names()[static_cast<std::size_t>(kind)];
}

ScheduleKind parse_schedule(const std::string& name) {
  const auto& names = schedule_names();
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    fail<OptionError>("unknown schedule '", name, "'", did_you_mean(name, names), "; there are ",
                      join(names, ", "));
  }
  return static_cast<ScheduleKind>(at - names.begin());
}

double Schedule::rate(std::int64_t step) const {
  if (step < warmup_steps) {
    const double part = static_cast<double>(step) / static_cast<double>(warmup_steps);
    const double target = kind == ScheduleKind::onecycle ? lr / div_factor : lr;
    return target * (warmup_start + (1 - warmup_start) * part);
  }
  return after_warmup(*this, step - warmup_steps, total_steps - warmup_steps);
}

}  // namespace taxon

// See lr_range.h.
#include <taxon/base/error.h>
#include <taxon/base/interrupted.h>
#include <taxon/base/text.h>
#include <taxon/train/lr_range.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace taxon {
namespace {

constexpr double kSmoothing = 0.9;
constexpr double kDiverged = 4;    // times the lowest smoothed loss
constexpr std::int64_t kSpan = 3;  // steps on each side of a slope

std::string short_number(double v, const char* format = "%.2g") {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, v);
  return buffer;
}

// Collects the batches of each update, and says when to stop.
class Watch {
 public:
  Watch(LrRange& out, const LrRangeOptions& options) : out_(out), options_(options) {}

  bool over(const StepReport& r) {
    sum_ += r.batch_loss;
    ++batches_;
    const bool whole = r.batch % options_.accumulate == 0 || r.batch == r.batches;
    if (!whole) return false;
    const double loss = sum_ / static_cast<double>(batches_);
    sum_ = 0;
    batches_ = 0;
    return add(r.lr, loss);
  }

 private:
  bool add(double lr, double loss) {
    average_ = kSmoothing * average_ + (1 - kSmoothing) * loss;
    weight_ = kSmoothing * weight_ + (1 - kSmoothing);
    const double smoothed = average_ / weight_;
    out_.steps.push_back({lr, loss, smoothed});
    lowest_ = std::min(lowest_, smoothed);
    out_.diverged = smoothed > kDiverged * lowest_;
    return out_.diverged || static_cast<std::int64_t>(out_.steps.size()) >= options_.updates;
  }

  LrRange& out_;
  const LrRangeOptions& options_;
  double sum_ = 0, average_ = 0, weight_ = 0;
  double lowest_ = std::numeric_limits<double>::infinity();
  std::int64_t batches_ = 0;
};

}  // namespace

void choose_lr(LrRange& range) {
  const auto& steps = range.steps;
  const auto count = static_cast<std::int64_t>(steps.size());
  const auto at = [&](std::int64_t i) -> const LrRangeStep& {
    return steps[static_cast<std::size_t>(std::clamp<std::int64_t>(i, 0, count - 1))];
  };
  std::int64_t lowest = 0, steepest = -1;
  for (std::int64_t i = 0; i < count; ++i) {
    if (at(i).smoothed < at(lowest).smoothed) lowest = i;
  }
  double slope = 0;
  for (std::int64_t i = 0; i <= lowest && i < count; ++i) {
    const LrRangeStep &a = at(i - kSpan), &b = at(i + kSpan);
    const double here = (b.smoothed - a.smoothed) / std::log(b.lr / a.lr);
    if (here < slope) {
      slope = here;
      steepest = i;
    }
  }
  if (steepest < 0) {
    fail<TrainingError>(
        "--lr auto: no learning rate",
        steps.empty() ? ""
                      : text(" from ", short_number(at(0).lr), " to ", short_number(at(count).lr)),
        " makes the loss fall; expected data that can be learnt, or a rate with "
        "--lr");
  }
  range.steepest = at(steepest).lr;
  range.lr = parse_number(short_number(std::min(range.steepest, at(count).lr / 10)), "--lr auto");
}

LrRange lr_range_test(TrainerParts parts, const LrRangeOptions& options,
                      const std::atomic<bool>* interrupt) {
  const std::int64_t batches = parts.train->batches();
  const std::int64_t updates = (batches + options.accumulate - 1) / options.accumulate;
  parts.watch.reset();
  parts.average.reset();
  TrainerOptions t;
  t.epochs = (options.updates + updates - 1) / updates;
  t.accumulate = options.accumulate;
  t.clip_norm = options.clip_norm;
  t.schedule.kind = ScheduleKind::exponential;
  t.schedule.lr = options.low;
  t.schedule.final_lr = options.high;
  t.schedule.total_steps = options.updates;
  Trainer trainer(std::move(parts), t);
  LrRange out;
  Watch watch(out, options);
  std::atomic<bool> stop{false};
  const auto interrupted = [&] { return interrupt != nullptr && interrupt->load(); };
  Trainer::Callbacks callbacks;
  callbacks.on_step = [&](const StepReport& r) {
    if (watch.over(r) || interrupted()) stop = true;
  };
  try {
    trainer.fit(callbacks, &stop);
  } catch (const TrainingError&) {
    out.diverged = true;  // not finite any more
  }
  if (interrupted()) fail<Interrupted>("--lr auto: interrupted");
  choose_lr(out);
  return out;
}

std::string LrRange::text() const {
  const std::string last = short_number(steps.back().lr);
  return taxon::text("--lr auto: ", short_number(lr), " (the loss fell fastest at ",
                     short_number(steepest), diverged ? " and diverged at " : "; tried up to ",
                     last, ")");
}

std::string LrRange::csv() const {
  std::string out = "lr,loss,smoothed\n";
  for (const LrRangeStep& s : steps) {
    out += taxon::text(s.lr, ',', s.loss, ',', s.smoothed, '\n');
  }
  return out;
}

std::string LrRange::plot() const {
  constexpr std::int64_t rows = 8, columns = 64;
  double low = steps[0].smoothed, top = steps[0].smoothed;
  for (const LrRangeStep& s : steps) {
    low = std::min(low, s.smoothed);
    top = std::max(top, std::min(s.smoothed, 2 * steps[0].smoothed));  // the rise may be endless
  }
  std::vector<std::string> canvas(rows, std::string(columns, ' '));
  const double from = std::log(steps.front().lr);
  const double span = std::max(std::log(steps.back().lr) - from, 1e-9);
  const auto column = [&](double rate) {
    const double part = std::clamp((std::log(rate) - from) / span, 0.0, 1.0);
    return static_cast<std::size_t>(std::lround(part * (columns - 1)));
  };
  for (std::string& row : canvas) row[column(lr)] = '|';
  for (const LrRangeStep& s : steps) {
    const double part = (top - s.smoothed) / std::max(top - low, 1e-12);
    const auto row = static_cast<std::size_t>(std::lround(std::clamp(part, 0.0, 1.0) * (rows - 1)));
    canvas[row][column(s.lr)] = '*';
  }
  std::string out;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::string label = i == 0          ? short_number(top, "%8.3g")
                              : i == rows - 1 ? short_number(low, "%8.3g")
                                              : std::string(8, ' ');
    out += label + " " + canvas[static_cast<std::size_t>(i)] + "\n";
  }
  const std::string first = short_number(steps.front().lr), last = short_number(steps.back().lr);
  return out + "    loss " + first +
         std::string(columns - std::min<std::size_t>(columns, first.size() + last.size()), ' ') +
         last;
}

}  // namespace taxon

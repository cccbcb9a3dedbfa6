// The progress bar and the lines of the epochs.
#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include "progress.h"

#include "command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace taxon::cli {
namespace {

std::size_t columns(std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    return std::strstr(value, "UTF-8") != nullptr || std::strstr(value, "utf8") != nullptr;
  }
  return false;
}

std::string percent(double share) {
  return fixed(100 * share, 2) + " %";
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::max(0.0, std::round(seconds)));
  char buffer[64];
  if (s >= 3600) {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", static_cast<long long>(s / 3600),
                  static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld", static_cast<long long>(s / 60),
                  static_cast<long long>(s % 60));
  }
  return buffer;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return text(bytes, " bytes");
  double value = static_cast<double>(bytes) / 1e3;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB", "TB"}) {
    if (value < 999.95) break;
    value /= 1e3;
    unit = larger;
  }
  return text(fixed(value, 1), ' ', unit);
}

Bar::Bar(std::FILE* out) : out_(out), terminal_(isatty(fileno(out)) == 1), utf8_(speaks_utf8()) {}

void Bar::draw(double part, const std::string& left, const std::string& right) {
  if (!terminal_) return;
  const double t = now();
  if (t - last_draw_ < 0.1 && part < 1) return;
  last_draw_ = t;
  drawn_ = true;
  const std::size_t width = columns(out_);
  const std::size_t taken = left.size() + right.size() + 4;
  const std::size_t cells = width > taken + 5 ? std::min<std::size_t>(30, width - taken) : 0;
  const auto full =
      static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(cells));
  std::string bar;
  for (std::size_t i = 0; i < cells; ++i) {
    bar += i < full ? (utf8_ ? "━" : "#") : (utf8_ ? "─" : "-");
  }
  std::string line = left + " " + bar + "  " + right;
  if (cells == 0) line = (left + "  " + right).substr(0, width - 1);
  std::fprintf(out_, "\r%s\033[K", line.c_str());
  std::fflush(out_);
}

void Bar::clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", out_);
  std::fflush(out_);
  drawn_ = false;
}

ProgressView::ProgressView(std::FILE* out, BestMetric best, Task task, std::int64_t epochs,
                           bool watch_is_val)
    : out_(out),
      bar_(out),
      best_(best),
      task_(task),
      epochs_(epochs),
      watch_is_val_(watch_is_val),
      epoch_began_(now()) {}

void ProgressView::step(const StepReport& r) {
  if (!bar_.shown()) return;
  const double part = static_cast<double>(r.batch) / static_cast<double>(r.batches);
  bar_.draw(part, text("epoch ", r.epoch, '/', r.epochs),
            text("loss ", fixed(r.loss, 4), "  acc ", percent(r.accuracy), "  ",
                 fixed(r.images_per_s, 0), " img/s  ", clock_text(r.seconds_left), " left"));
}

void ProgressView::test(std::int64_t done, std::int64_t all) {
  if (!bar_.shown()) return;
  bar_.draw(static_cast<double>(done) / static_cast<double>(all), "testing", text(done, '/', all));
  if (done == all) clear();
}

void ProgressView::epoch(const EpochResult& r, bool best) {
  clear();
  std::string line = text("epoch ", r.epoch, '/', epochs_, "  loss ", fixed(r.train_loss, 4));
  const char* split = watch_is_val_ ? "val" : "test";
  if (std::isfinite(r.loss)) {
    line += text("  ", split, " loss ", fixed(r.loss, 4));
    line += task_ == Task::multi
                ? text("  mAP ", fixed(r.mean_ap, 4), "  F1 micro ", fixed(r.f1_micro, 4),
                       " macro ", fixed(r.f1_macro, 4))
                : text("  accuracy ", percent(r.top1), "  top-5 ", percent(r.top5));
    if (best_ == BestMetric::balanced_accuracy || best_ == BestMetric::macro_f1)
      line += text("  ", name_of(best_), ' ', fixed(r.score(best_), 4));
  }
  line += text("  lr ", fixed(r.lr, 5), "  ", fixed(r.images_per_s, 0), " img/s  ",
               clock_text(now() - epoch_began_));
  if (best && watch_is_val_) line += "  best";
  epoch_began_ = now();
  std::fprintf(out_, "%s\n", line.c_str());
  std::fflush(out_);
}

}  // namespace taxon::cli

// taxon data get: fetches a data set, with a bar, lines or events.
#include "data_get.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/data/sources.h>
#include <taxon/fetch/fetch.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "progress.h"

#include <algorithm>

namespace taxon::cli {
namespace {

void emit(const nlohmann::ordered_json& event) {
  print(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  std::fflush(stdout);
}

/// What fetching says, to a person or as events.
class Reporter {
 public:
  Reporter(bool json, bool quiet)
      : json_(json), quiet_(quiet), out_(json ? stderr : stdout), bar_(out_) {}

  FetchCallbacks callbacks() {
    FetchCallbacks c;
    c.on_progress = [this](const FetchProgress& p) { progress(p); };
    c.on_file = [this](const FetchedFile& f) { file(f); };
    c.on_note = [this](const std::string& what) { note(what); };
    return c;
  }

  void say(const std::string& line) {
    if (quiet_) return;
    bar_.clear();
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
  }

  void finish(const KnownDataset& known, const std::string& folder) {
    if (json_) {
      emit({{"event", "done"}, {"name", known.name}, {"folder", folder}, {"fetched", fetched_}});
    }
    say(text(known.name, " is in ", folder, "\nlicence: ", known.publication.licence,
             "\nplease cite: ", known.publication.citation));
  }

  void clear() { bar_.clear(); }

 private:
  void progress(const FetchProgress& p) {
    if (json_ && now() - last_event_ >= 1) {
      last_event_ = now();
      emit({{"event", "progress"},
            {"file", p.file},
            {"bytes", p.bytes},
            {"total", p.total},
            {"bytes_per_s", p.bytes_per_s}});
    }
    if (quiet_ || !bar_.shown()) return;
    const double left =
        static_cast<double>(p.total - std::min(p.bytes, p.total)) / std::max(p.bytes_per_s, 1.0);
    bar_.draw(static_cast<double>(p.bytes) / static_cast<double>(p.total), p.file,
              text(bytes_text(p.bytes), " of ", bytes_text(p.total), "  ",
                   bytes_text(static_cast<std::uint64_t>(p.bytes_per_s)), "/s  ", clock_text(left),
                   " left"));
  }

  void file(const FetchedFile& f) {
    fetched_ += f.fetched;
    if (json_) {
      emit({{"event", "file"},
            {"file", f.file},
            {"bytes", f.bytes},
            {"fetched", f.fetched},
            {"from",
             f.from.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(f.from)},
            {"seconds", f.seconds}});
    }
    say(text(f.file, "  ", bytes_text(f.bytes),
             f.from.empty() ? "  here already, checked"
                            : text("  fetched from ", f.from, " in ", clock_text(f.seconds))));
  }

  void note(const std::string& what) {
    if (json_) emit({{"event", "note"}, {"text", what}});
    say("note: " + what);
  }

  bool json_, quiet_;
  std::FILE* out_;
  Bar bar_;
  std::uint64_t fetched_ = 0;
  double last_event_ = 0;
};

}  // namespace

int get_data(const GetRequest& r) {
  FetchOptions options;
  options.interrupt = &interrupt_flag();
  if (!r.mirror.empty()) {
    if (!r.mirror.starts_with("http://") && !r.mirror.starts_with("https://")) {
      fail<OptionError>("--mirror is '", r.mirror,
                        "', expected an address that begins with http:// or https://");
    }
    options.mirrors.push_back(r.mirror);
  }
  Reporter reporter(r.json, r.quiet);
  catch_interrupts();
  std::string folder;
  try {
    folder = fetch_dataset(r.name, r.data_dir, options, reporter.callbacks());
  } catch (const Interrupted&) {
    reporter.clear();
    fail<Interrupted>("interrupted; the same command goes on from here");
  } catch (...) {
    reporter.clear();
    throw;
  }
  for (const KnownDataset& known : known_datasets(r.data_dir)) {
    if (known.name == r.name) reporter.finish(known, folder);
  }
  return done;
}

}  // namespace taxon::cli

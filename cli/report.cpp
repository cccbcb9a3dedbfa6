// taxon report: the page on which each prediction of a run can be looked at.
#include "report.h"

#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/text.h>
#include <taxon/data/image.h>
#include <taxon/report/report.h>

#include "command.h"

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon report RUN [RUN2] [options]

Makes report.html of a run: one file that works offline, with the figures, the
curves, the confusion matrix and every prediction to look at. RUN is the folder of
a run, one that `taxon eval --out` wrote, or a predictions.csv. With RUN2, on the
same samples, the page compares the two: what got better and what worse, sample
by sample (compare.html in RUN's folder).

Options  --out FILE  --data-dir DIR (where the data for the pictures lie)

train and eval --out make a report by themselves.

Example:
  taxon report runs/fashion-mnist-cnn
  taxon report runs/photos-resnet18 runs/photos-resnet18-2 --out better.html
)";

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const std::string& line : split(trim(version_text()), '\n')) {
    const std::size_t space = line.find(' ');
    facts.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  facts.emplace_back("processor", cpu_model());
  facts.emplace_back("threads", std::to_string(num_threads()));
  facts.emplace_back("JPEG", jpeg_decoder());
  return facts;
}

int run(const std::vector<std::string>& args) {
  std::string first, second;
  ReportOptions options;
  Arguments a(report_verb);
  a.positional("RUN", first);
  a.positional("RUN2", second, false);
  a.option("--out", options.out);
  a.option("--data-dir", options.data_dir);
  if (!a.parse(args)) return done;
  const Report report = write_report(first, second, options);
  for (const std::string& note : report.notes) complain("note: " + note + "\n");
  print(text("report: ", report.file, "\n", report.samples, " samples, ", report.shown,
             " to look at, ", report.pictures, " with a picture, ",
             fixed(static_cast<double>(report.bytes) / 1e6, 1), " MB\n"));
  return done;
}

}  // namespace

std::string make_report(const std::string& folder, const std::string& data_dir) {
  try {
    ReportOptions options;
    options.data_dir = data_dir;
    options.environment = environment();
    const Report report = write_report(folder, "", options);
    for (const std::string& note : report.notes) complain("note: report: " + note + "\n");
    return report.file;
  } catch (const std::exception& e) {
    complain(text("note: no report: ", e.what(), "\n"));
    return "";
  }
}

const Verb report_verb{"report", help, run};

}  // namespace taxon::cli

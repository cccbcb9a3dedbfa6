// Driver of metrics.py: prints metrics.json (or, with "text", the report) of a predictions.csv.
// Use: peer_metrics FILE.csv single|multi [text]
#include <taxon/metrics/predictions.h>
#include <taxon/metrics/report.h>

#include <cstdio>
#include <exception>
#include <string_view>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    taxon::PredictionsOptions options;
    options.multi_label = std::string_view(argv[2]) == "multi";
    const taxon::Predictions p = taxon::read_predictions(argv[1], options);
    if (argc == 3) {
      taxon::FiguresOptions figures;
      figures.intervals_up_to = 0;  // scikit-learn has none
      std::puts(metrics_json(taxon::figures(p, figures)).c_str());
    } else {
      std::fputs(p.multi_label ? classification_report(multi_label_metrics(p)).c_str()
                               : classification_report(single_label_metrics(p)).c_str(),
                 stdout);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}

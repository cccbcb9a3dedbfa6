// Metrics as text, laid out as scikit-learn's classification_report.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/base/utf8.h>
#include <taxon/metrics/report.h>

#include <algorithm>
#include <cmath>

namespace taxon {

namespace {

// Names come from folders and files of others.
std::string name_of(const ClassScores& k) {
  return printable(k.name);
}

// Columns a name takes on a terminal, near enough: its code points.
std::size_t width_of(const std::string& s) {
  return static_cast<std::size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string right(const std::string& s, std::size_t width) {
  const std::size_t w = width_of(s);
  return std::string(width > w ? width - w : 0, ' ') + s;
}

std::string or_dash(const std::optional<double>& v, int digits) {
  return v ? fixed(*v, digits) : "-";
}

// A number of samples, or a sum of their weights.
std::string counted(double v) {
  return v == std::floor(v) ? fixed(v, 0) : fixed(v, 2);
}

// The table: name column, then columns of nine characters.
class Table {
 public:
  Table(const std::vector<ClassScores>& classes, int digits)
      : width_(std::string_view("weighted avg").size()), digits_(digits) {
    for (const ClassScores& k : classes) width_ = std::max(width_, width_of(name_of(k)));
    for (const ClassScores& k : classes) support_ += k.support;
    line({"", "precision", "recall", "f1-score", "support"});
    out_ += '\n';
    for (const ClassScores& k : classes) {
      line({name_of(k), or_dash(k.precision, digits), or_dash(k.recall, digits),
            or_dash(k.f1, digits), counted(k.support)});
      note(k);
    }
    out_ += '\n';
  }

  void average(const char* name, const Scores& s) {
    line({name, fixed(s.precision, digits_), fixed(s.recall, digits_), fixed(s.f1, digits_),
          counted(support_)});
  }
  void accuracy(double value) {
    line({"accuracy", "", "", fixed(value, digits_), counted(support_)});
  }

  std::string str() const {
    if (undefined_.empty()) return out_;
    return text(out_,
                "\nwarning: undefined (nothing to divide by), shown as '-' and averaged as 0: ",
                join(undefined_, "; "), "\n");
  }

 private:
  void line(const std::vector<std::string>& cells) {
    out_ += right(cells[0], width_) + " ";
    for (std::size_t i = 1; i < cells.size(); ++i) out_ += text(' ', right(cells[i], 9));
    out_ += '\n';
  }
  void note(const ClassScores& k) {
    std::vector<std::string> names;
    if (!k.precision) names.emplace_back("precision");
    if (!k.recall) names.emplace_back("recall");
    if (!k.f1) names.emplace_back("f1-score");
    if (!names.empty()) undefined_.push_back(text(join(names, ", "), " of '", name_of(k), "'"));
  }

  std::size_t width_;
  int digits_;
  double support_ = 0;
  std::string out_;
  std::vector<std::string> undefined_;
};

struct Line {
  std::string name;
  std::optional<double> value;
  const char* key = "";  // of its interval
  bool wanted = true;
};

std::string figures(const std::vector<Line>& lines, const Intervals& around) {
  std::string out = "\n";
  for (const Line& line : lines) {
    if (!line.wanted) continue;
    out += text(right(line.name, 18), "  ", or_dash(line.value, 4));
    if (const Interval* i = line.value ? around.find(line.key) : nullptr)
      out += text("  (", fixed(i->low, 4), " to ", fixed(i->high, 4), ")");
    out += '\n';
  }
  if (!around.of.empty())
    out += text("(in brackets: ", shortest(100 * around.level), " % intervals: of ",
                around.find("accuracy") != nullptr ? "accuracy and top-5" : "subset accuracy",
                " Wilson's, else bootstrap of ", around.resamples, " resamples)\n");
  return out;
}

// Areas that classes lack although others have them.
std::string undefined_areas(const std::vector<ClassScores>& classes) {
  bool some = false;
  std::vector<std::string> names;
  for (const ClassScores& k : classes) {
    some = some || k.roc_auc;
    if (!k.roc_auc) names.push_back(text("'", name_of(k), "'"));
  }
  if (!some || names.empty()) return "";
  return text("warning: undefined (no sample with or none without it), averaged as 0: ROC AUC of ",
              join(names, ", "), "\n");
}

}  // namespace

std::string classification_report(const SingleLabelMetrics& m, int digits) {
  Table table(m.per_class, digits);
  table.accuracy(m.accuracy);
  table.average("macro avg", m.macro);
  table.average("weighted avg", m.weighted);
  return table.str();
}

std::string classification_report(const MultiLabelMetrics& m, int digits) {
  Table table(m.per_class, digits);
  table.average("micro avg", m.micro);
  table.average("macro avg", m.macro);
  table.average("weighted avg", m.weighted);
  table.average("samples avg", m.samples_avg);
  return table.str();
}

namespace {

std::string f_beta(double beta) {
  return text("F", shortest(beta), " (macro)");
}

std::string single_text(const SingleLabelMetrics& m, const Intervals& around) {
  std::string out = classification_report(m);
  out += figures({{"accuracy", m.accuracy, "accuracy"},
                  {"top-5 accuracy", m.top5, "top5"},
                  {text("top-", m.k, " accuracy"), m.top_k, "", m.k > 0},
                  {"balanced accuracy", m.balanced_accuracy, "balanced_accuracy"},
                  {"F1 (macro)", m.macro.f1, "macro.f1"},
                  {f_beta(m.beta), m.macro.fbeta, "", m.beta != 1},
                  {"log loss", m.log_loss, "log_loss"},
                  {"Brier score", m.brier, "brier"},
                  {"ECE", m.ece},
                  {"MCC", m.mcc, "mcc"},
                  {"Cohen's kappa", m.cohen_kappa, "cohen_kappa"},
                  {"ROC AUC (macro)", m.roc_auc.macro, "roc_auc_ovr_macro"}},
                 around) +
         undefined_areas(m.per_class);
  const std::vector<Confusion> worst = worst_confusions(m, 5);
  if (worst.empty()) return out;
  out += "\nmost frequent mistakes (true -> predicted)\n";
  for (const Confusion& w : worst) {
    const std::string truth = name_of(m.per_class[static_cast<std::size_t>(w.truth)]);
    const std::string predicted = name_of(m.per_class[static_cast<std::size_t>(w.predicted)]);
    out += text(right(counted(w.count), 7), "  ", truth, " -> ", predicted, "  (",
                fixed(100 * w.share, 1), " % of ", truth, ")\n");
  }
  return out;
}

// The labels that are wrong most often.
std::string worst_labels(const MultiLabelMetrics& m) {
  std::vector<const ClassScores*> worst;
  for (const ClassScores& k : m.per_class)
    if (k.missed + k.added > 0) worst.push_back(&k);
  if (worst.empty()) return "";
  std::stable_sort(worst.begin(), worst.end(), [](const ClassScores* a, const ClassScores* b) {
    return a->missed + a->added > b->missed + b->added;
  });
  constexpr std::size_t most = 5;
  if (worst.size() > most) worst.resize(most);
  std::string out = "\nmost mistakes\n missed   added  label\n";
  for (const ClassScores* k : worst)
    out += text(right(counted(k->missed), 7), " ", right(counted(k->added), 7), "  ", name_of(*k),
                "\n");
  return out;
}

std::string multi_text(const MultiLabelMetrics& m, const Intervals& around) {
  return classification_report(m) +
         figures({{"subset accuracy", m.subset_accuracy, "subset_accuracy"},
                  {"Hamming loss", m.hamming_loss, "hamming_loss"},
                  {"F1 (micro)", m.micro.f1, "micro.f1"},
                  {"F1 (macro)", m.macro.f1, "macro.f1"},
                  {f_beta(m.beta), m.macro.fbeta, "", m.beta != 1},
                  {"mAP", m.mean_average_precision, "mAP"},
                  {"ROC AUC (macro)", m.roc_auc.macro, "roc_auc_macro"},
                  {"ranking precision", m.label_ranking_average_precision,
                   "label_ranking_average_precision"},
                  {"ECE", m.ece}},
                 around) +
         undefined_areas(m.per_class) + worst_labels(m);
}

std::string sets_text(const std::vector<SetFigures>& sets) {
  std::string out = sets.empty() ? "" : "\nprediction sets (taxon predict --coverage X)\n";
  for (const SetFigures& s : sets)
    out += text("  ", fixed(100 * s.wanted, 0), " % asked for: ", fixed(100 * s.coverage, 1),
                " % hold the truth, ", fixed(s.mean_size, 2), " labels a set, ",
                fixed(100 * s.empty, 1), " % empty\n");
  return out;
}

std::string answers_text(const std::vector<AnswerFigures>& answers) {
  std::string out = answers.empty() ? "" : "\nanswers (taxon predict --accuracy X)\n";
  for (const AnswerFigures& a : answers)
    out += text("  ", fixed(100 * a.wanted, 0), " % asked for: ", fixed(100 * a.answered, 1),
                " % answered, ", fixed(100 * a.accuracy, 1), " % of those right\n");
  return out;
}

}  // namespace

std::string metrics_text(const Figures& f) {
  std::string out =
      f.single ? single_text(*f.single, f.intervals) : multi_text(f.multi.value(), f.intervals);
  if (f.too_many_for_intervals)
    out += "(no intervals of so many samples; taxon metrics --bootstrap 1000 makes them)\n";
  if (f.temperature && f.ece_before)
    out += text("\ncalibrated on val by a temperature of ", fixed(*f.temperature, 2),
                "; ECE without it ", fixed(*f.ece_before, 4), "\n");
  out += sets_text(f.sets) + answers_text(f.answers);
  if (f.by_thresholds)
    out += text(
        "\nanswers that reach their class's threshold: ", fixed(100 * f.by_thresholds->answered, 1),
        " % of the samples, ", fixed(100 * f.by_thresholds->accuracy, 1), " % of those right\n");
  return out;
}

std::string confusion_table(const SingleLabelMetrics& m, std::optional<Normalize> by) {
  const std::size_t c = m.per_class.size();
  std::vector<std::string> cells;
  if (by) {
    for (const double share : normalized(m.confusion, static_cast<std::int64_t>(c), *by))
      cells.push_back(fixed(100 * share, 1));
  } else {
    for (const double count : m.confusion) cells.push_back(counted(count));
  }
  std::size_t name_width = width_of("true \\ predicted");
  for (const ClassScores& k : m.per_class) name_width = std::max(name_width, width_of(name_of(k)));
  std::string out = right("true \\ predicted", name_width);
  std::vector<std::size_t> widths(c);
  for (std::size_t p = 0; p < c; ++p) {
    widths[p] = width_of(name_of(m.per_class[p]));
    for (std::size_t t = 0; t < c; ++t) widths[p] = std::max(widths[p], cells[t * c + p].size());
    out += text("  ", right(name_of(m.per_class[p]), widths[p]));
  }
  out += '\n';
  for (std::size_t t = 0; t < c; ++t) {
    out += right(name_of(m.per_class[t]), name_width);
    for (std::size_t p = 0; p < c; ++p) out += text("  ", right(cells[t * c + p], widths[p]));
    out += '\n';
  }
  return out;
}

std::vector<Confusion> worst_confusions(const SingleLabelMetrics& m, std::size_t limit) {
  const auto c = static_cast<std::int64_t>(m.per_class.size());
  std::vector<Confusion> found;
  for (std::int64_t t = 0; t < c; ++t)
    for (std::int64_t p = 0; p < c; ++p) {
      const double count = m.confusion[static_cast<std::size_t>(t * c + p)];
      if (t == p || count == 0) continue;
      found.push_back({t, p, count, count / m.per_class[static_cast<std::size_t>(t)].support});
    }
  std::stable_sort(found.begin(), found.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

}  // namespace taxon

// The findings for a terminal.
#include <taxon/base/text.h>
#include <taxon/base/utf8.h>
#include <taxon/check/report.h>

#include "names.h"

#include <algorithm>

namespace taxon::check {
namespace {

class Text {
 public:
  Text(const Findings& f, std::int64_t names) : f_(f), names_(names) {}

  std::string run() {
    summary();
    for (const std::string& w : f_.warnings) out_ += "note: " + printable(w) + "\n";
    unreadable();
    duplicates();
    near();
    leaks();
    labels();
    conflicts();
    missing();
    balance();
    sizes();
    outliers();
    return std::move(out_);
  }

 private:
  template <class... Parts>
  void line(const Parts&... parts) {
    out_ += text(parts..., "\n");
  }

  template <class... Parts>
  void heading(const Parts&... parts) {
    line("\n", parts...);
  }

  // The first items, a line each, and how many more there are.
  template <class Items, class F>
  void list(const Items& items, F show) {
    std::int64_t shown = 0;
    for (const auto& item : items) {
      if (names_ >= 0 && shown == names_) {
        line("  ... and ", static_cast<std::int64_t>(items.size()) - shown, " more");
        return;
      }
      line("  ", show(item));
      ++shown;
    }
  }

  std::string name(std::int64_t n) const { return printable(name_of(f_.samples, n)); }
  std::string label(std::int64_t n) const { return printable(f_.samples.label_text(n)); }
  std::string class_name(std::int64_t c) const {
    return printable(f_.samples.class_names()[static_cast<std::size_t>(c)]);
  }

  void row(std::string what, std::size_t count, const std::string& more = "") {
    what.resize(std::max<std::size_t>(what.size(), 20), ' ');
    std::string number = std::to_string(count);
    if (number.size() < 7) number.insert(0, 7 - number.size(), ' ');
    line("  ", what, number, more.empty() ? "" : "   ", more);
  }

  void summary() {
    std::string splits;
    for (std::size_t s = 0; s < f_.samples.splits().size(); ++s) {
      splits += text(s > 0 ? ", " : "", f_.samples.splits()[s], " ", f_.samples.part(s).size());
    }
    line(printable(f_.name), ": ", f_.samples.size(), " samples (", splits, "), ",
         f_.samples.classes(), " classes\nfrom ", printable(f_.where), "\n");
    row("unreadable files", f_.unreadable.size());
    std::size_t copies = 0;
    for (const DuplicateGroup& g : f_.duplicates) copies += g.samples.size() - 1;
    row("exact duplicates", copies, "samples that another one equals");
    row("near duplicates", f_.near.size(), f_.near_threshold > 0 ? "pairs" : "not looked for");
    for (const Leak& l : f_.leaks) {
      row("leaks", l.exact.size() + l.near.size(),
          text(l.to, " samples that ", l.from, " holds as well: ", l.exact.size(), " exactly, ",
               l.near.size(), " nearly"));
    }
    row("suspicious labels", f_.labels.suspicious.size(), judged(f_.labels));
    row("label conflicts", f_.conflicts.size(), "same picture, different label");
    row("missing classes", f_.missing.size());
    row("outliers", f_.outliers.size());
  }

  void unreadable() {
    if (f_.unreadable.empty()) return;
    heading("Unreadable files: training would stop at the first");
    list(f_.unreadable, [](const Unreadable& u) { return printable(u.why); });
  }

  void duplicates() {
    if (f_.duplicates.empty()) return;
    heading("Exact duplicates: ", f_.duplicates.size(), " groups of equal pixels");
    list(f_.duplicates, [&](const DuplicateGroup& g) {
      std::string names;
      for (std::size_t k = 0; k < std::min<std::size_t>(g.samples.size(), 4); ++k) {
        names += (k > 0 ? " = " : "") + name(g.samples[k]);
      }
      if (g.samples.size() > 4) names += text(" = ... (", g.samples.size(), ")");
      return names + (g.same_labels ? "" : "   (labels differ)");
    });
  }

  std::string pair_text(const Pair& p) const {
    return text(fixed(p.similarity, 3), "  ", name(p.a), " ~ ", name(p.b),
                p.mirrored ? "   (mirrored)" : "", p.same_labels ? "" : "   (labels differ)");
  }

  void near() {
    if (f_.near.empty()) return;
    heading("Near duplicates: ", f_.near.size(), f_.near_capped ? " pairs and more" : " pairs",
            ", similarity ", fixed(f_.near_threshold, 3), " and above");
    if (f_.near_raised) {
      line("  (raised to that: below, so many look alike that it tells little; --near fixes it)");
    }
    list(f_.near, [&](const Pair& p) { return pair_text(p); });
  }

  void leaks() {
    for (const Leak& l : f_.leaks) {
      const auto all = f_.samples.size();
      std::int64_t size = 0;
      for (std::int64_t n = 0; n < all; ++n) size += f_.samples.split_name(n) == l.to ? 1 : 0;
      const auto shared = static_cast<std::int64_t>(l.exact.size() + l.near.size());
      heading("Leaks: ", shared, " of ", size, " ", l.to, " samples (",
              fixed(100.0 * static_cast<double>(shared) / static_cast<double>(size), 2),
              " %) lie in ", l.from, " as well; figures on ", l.to, " flatter the model");
      list(l.exact, [&](const Leak::Shared& s) { return name(s.sample) + " = " + name(s.of); });
      list(l.near, [&](const Leak::Shared& s) { return name(s.sample) + " ~ " + name(s.of); });
    }
  }

  void labels() {
    if (f_.labels.suspicious.empty()) return;
    heading("Suspicious labels, the worst first (margin: p given - p other)");
    list(f_.labels.suspicious, [&](const SuspiciousLabel& s) {
      return text(fixed(s.margin, 3), "  ", name(s.sample), "   ",
                  printable(change_of(f_.samples, s)));
    });
  }

  void conflicts() {
    if (f_.conflicts.empty()) return;
    heading("The same picture under different labels");
    list(f_.conflicts, [&](const Conflict& p) {
      return text(name(p.a), " [", label(p.a), "] ~ ", name(p.b), " [", label(p.b), "]");
    });
  }

  void missing() {
    if (f_.missing.empty()) return;
    heading("Classes without a sample in a split");
    list(f_.missing, [&](const MissingClass& m) { return m.split + ": " + class_name(m.label); });
  }

  void balance() {
    const Balance& b = f_.balance;
    const auto count = [&](std::int64_t c) { return b.total[static_cast<std::size_t>(c)]; };
    heading("Balance: from ", count(b.rarest), " (", class_name(b.rarest), ") to ", count(b.most),
            " (", class_name(b.most), ") samples a class, a ratio of ", fixed(b.ratio, 2));
  }

  void sizes() {
    const Sizes& s = f_.sizes;
    if (s.images == 0) return;
    if (s.different == 1) {
      heading("Images: all ", s.most_height, "x", s.most_width);
    } else {
      heading("Images: ", s.different, " sizes, heights ", s.least_height, " to ", s.most_height,
              " (median ", s.median_height, "), widths ", s.least_width, " to ", s.most_width,
              " (median ", s.median_width, ")");
    }
    line("  ", s.colour, " in colour, ", s.grey, " grey in three channels, ", s.one_channel,
         " of one channel", s.colour > 0 && s.grey + s.one_channel > 0 ? ": mixed" : "");
    images("of one colour", s.constant);
    images("with a side below 16 pixels", s.tiny);
    images("more than 4 times as long as wide", s.stretched);
  }

  void images(const char* what, const std::vector<std::int64_t>& samples) {
    if (samples.empty()) return;
    line("  ", samples.size(), " ", what, ":");
    list(samples, [&](std::int64_t n) { return "  " + name(n); });
  }

  void outliers() {
    if (f_.outliers.empty()) return;
    heading("Outliers: far from all others of their class (robust z-score)");
    list(f_.outliers, [&](const Outlier& o) {
      return text(fixed(o.z, 1), "  ", name(o.sample), "   ", label(o.sample));
    });
  }

  const Findings& f_;
  std::int64_t names_;
  std::string out_;
};

}  // namespace

std::string to_text(const Findings& findings, std::int64_t names) {
  return Text(findings, names).run();
}

}  // namespace taxon::check

// check.html: the findings to look at. One file, no scripts, nothing from elsewhere.
#include <taxon/base/text.h>
#include <taxon/base/utf8.h>
#include <taxon/check/report.h>

#include "names.h"
#include "sheets.h"

#include <algorithm>

namespace taxon::check {
namespace {

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{color-scheme:light dark;--line:#8886}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:0 auto;padding:16px}
h1{font-size:1.5em;margin:.2em 0}h2{font-size:1.15em;margin:1.8em 0 .4em;border-bottom:1px solid var(--line)}
table{border-collapse:collapse}td,th{padding:2px 14px 2px 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
ul{list-style:none;padding:0;margin:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(215px,1fr));gap:10px}
li{border:1px solid var(--line);border-radius:6px;padding:6px;overflow-wrap:anywhere;font-size:13px}
img{image-rendering:pixelated;max-width:48%;margin-right:1%;height:auto}
p{margin:.4em 0}.m{opacity:.75}.bad{color:#b3261e}@media(prefers-color-scheme:dark){.bad{color:#ff8a80}}
</style>
)";

std::string escaped(std::string_view s) {
  std::string out;
  for (const char c : printable(s)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// A name keeps to itself: right-to-left text does not turn what stands around it.
std::string name_html(std::string_view s) {
  return "<bdi>" + escaped(s) + "</bdi>";
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

class Page {
 public:
  Page(const Findings& f, std::size_t most) : f_(f), most_(most), side_(tile_side(f)) {}

  std::string run() {
    out_ = text(head, "<title>", escaped(f_.name), ": data check</title></head><body>\n<h1>",
                name_html(f_.name), "</h1>\n<p class=m>", name_html(f_.where), "</p>\n");
    summary();
    unreadable();
    for (const Leak& l : f_.leaks) leak(l);
    duplicates();
    pairs("Near duplicates", f_.near);
    pairs("The same picture under different labels", f_.conflicts);
    labels();
    outliers();
    samples("Images of one colour", f_.sizes.constant);
    samples("Images with a side below 16 pixels", f_.sizes.tiny);
    samples("Images more than 4 times as long as wide", f_.sizes.stretched);
    classes();
    return std::move(out_) + "</body></html>\n";
  }

 private:
  void row(std::string_view what, std::size_t count, const std::string& more = "") {
    out_ += text("<tr><td>", what, "</td><td class=n>", count, "</td><td class=m>", escaped(more),
                 "</td></tr>\n");
  }

  void summary() {
    out_ += "<table>\n";
    row("samples", static_cast<std::size_t>(f_.samples.size()));
    row("unreadable files", f_.unreadable.size());
    row("groups of exact duplicates", f_.duplicates.size());
    row("pairs of near duplicates", f_.near.size());
    for (const Leak& l : f_.leaks)
      row(text("leaks from ", l.from, " to ", l.to), l.exact.size() + l.near.size(),
          text(l.exact.size(), " exactly, ", l.near.size(), " nearly"));
    row("suspicious labels", f_.labels.suspicious.size(), judged(f_.labels));
    row("label conflicts", f_.conflicts.size());
    row("classes missing in a split", f_.missing.size());
    row("outliers", f_.outliers.size());
    out_ += "</table>\n" + sizes();
    for (const std::string& w : f_.warnings) out_ += "<p>Note: " + name_html(w) + "</p>\n";
  }

  std::string sizes() const {
    const Sizes& s = f_.sizes;
    if (s.images == 0) return "";
    const std::string size = s.different == 1
                                 ? text("all of ", s.median_width, "x", s.median_height)
                                 : text("of ", s.different, " sizes, ", s.least_width, "x",
                                        s.least_height, " to ", s.most_width, "x", s.most_height,
                                        ", median ", s.median_width, "x", s.median_height);
    return text("<p class=m>Images: ", size, "; ", s.colour, " in colour, ", s.grey + s.one_channel,
                " grey.</p>\n");
  }

  void leak(const Leak& l) {
    std::vector<Leak::Shared> all = l.exact;
    all.insert(all.end(), l.near.begin(), l.near.end());
    std::size_t shown = 0;
    gallery(text("Leaks: samples of ", l.to, " that ", l.from, " holds as well"), all,
            [&](const Leak::Shared& s) {
              picture(s.sample);
              picture(s.of);
              out_ += text(about(s.sample), about(s.of), "<br><span class=bad>",
                           shown++ < l.exact.size() ? "equal" : "nearly equal", "</span>");
            });
  }

  // Begins a section; tells what is left out. False: there is nothing to show.
  bool begin(std::string_view title, std::size_t count) {
    if (count == 0) return false;
    out_ += text("<h2>", title, " <span class=m>", count, "</span></h2>\n");
    if (count > most_) {
      out_ += text("<p class=m>The first ", most_,
                   " are shown; the lists beside this page hold all ", count, ".</p>\n");
    }
    return true;
  }

  template <class Items, class F>
  void gallery(std::string_view title, const Items& items, F item) {
    if (!begin(title, items.size())) return;
    out_ += "<ul>\n";
    for (std::size_t i = 0; i < std::min(items.size(), most_); ++i) {
      out_ += "<li>";
      item(items[i]);
      out_ += "</li>\n";
    }
    out_ += "</ul>\n";
  }

  void picture(std::int64_t n) {
    const Image image = tile(f_.samples, n, side_);
    const bool photo = side_ > 64;
    out_ += text("<img alt=\"\" width=", side_, " height=", side_, " src=\"data:image/",
                 photo ? "jpeg" : "png", ";base64,",
                 base64(photo ? encode_jpeg(image, 80) : encode_png(image)), "\">");
  }

  std::string about(std::int64_t n) const {
    return text("<br>", name_html(name_of(f_.samples, n)), " <span class=m>",
                name_html(f_.samples.label_text(n)), "</span>");
  }

  void pairs(std::string_view title, const std::vector<Pair>& list) {
    gallery(title, list, [&](const Pair& p) {
      picture(p.a);
      picture(p.b);
      out_ += text(about(p.a), about(p.b), "<br>similarity ", fixed(p.similarity, 3),
                   p.mirrored ? ", mirrored" : "",
                   p.same_labels ? "" : ", <span class=bad>labels differ</span>");
    });
  }

  void unreadable() {
    if (!begin("Unreadable files", f_.unreadable.size())) return;
    for (std::size_t i = 0; i < std::min(f_.unreadable.size(), most_); ++i) {
      out_ += "<p>" + name_html(f_.unreadable[i].why) + "</p>\n";
    }
  }

  void duplicates() {
    gallery("Exact duplicates", f_.duplicates, [&](const DuplicateGroup& g) {
      picture(g.samples.front());
      constexpr std::size_t shown = 6;
      for (std::size_t k = 0; k < std::min(g.samples.size(), shown); ++k) {
        out_ += about(g.samples[k]);
      }
      if (g.samples.size() > shown) out_ += text("<br>and ", g.samples.size() - shown, " more");
      if (!g.same_labels) out_ += "<br><span class=bad>labels differ</span>";
    });
  }

  void labels() {
    gallery("Suspicious labels", f_.labels.suspicious, [&](const SuspiciousLabel& s) {
      picture(s.sample);
      out_ += text(about(s.sample), "<br><b>", name_html(change_of(f_.samples, s)),
                   "</b>, probabilities ", fixed(s.given_probability, 3), " and ",
                   fixed(s.suggested_probability, 3));
    });
  }

  void outliers() {
    gallery("Outliers", f_.outliers, [&](const Outlier& o) {
      picture(o.sample);
      out_ += text(about(o.sample), "<br>z ", fixed(o.z, 1));
    });
  }

  void samples(std::string_view title, const std::vector<std::int64_t>& list) {
    gallery(title, list, [&](std::int64_t n) {
      picture(n);
      out_ += about(n);
    });
  }

  void classes() {
    out_ += text("<h2>Classes</h2>\n<p>The most frequent class has ", fixed(f_.balance.ratio, 2),
                 " times as many samples as the rarest.</p>\n<table><tr><th>class</th>");
    for (const std::string& split : f_.samples.splits()) out_ += "<th>" + split + "</th>";
    out_ += "</tr>\n";
    for (std::size_t c = 0; c < f_.balance.total.size(); ++c) {
      out_ += "<tr><td>" + name_html(f_.samples.class_names()[c]) + "</td>";
      for (const auto& counts : f_.balance.counts) {
        out_ += text("<td class=\"n", counts[c] == 0 ? " bad" : "", "\">", counts[c], "</td>");
      }
      out_ += "</tr>\n";
    }
    out_ += "</table>\n";
  }

  const Findings& f_;
  std::size_t most_;
  std::int64_t side_;
  std::string out_;
};

}  // namespace

std::string to_html(const Findings& findings, std::size_t most) {
  return Page(findings, most).run();
}

}  // namespace taxon::check

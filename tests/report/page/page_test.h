// What the tests of the page share: a report of made-up predictions, and reading the page as a
// person does.
#pragma once

#include <taxon/report/report.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <thread>

#include "browser.h"
#include "catch.h"
#include "report_test.h"

namespace taxon::test {

using nlohmann::json;

// A report of made-up predictions in a folder of its own.
struct Page {
  explicit Page(Predictions p) : predictions(std::move(p)) {
    write_run(folder / "run", predictions);
    file = write_report(folder / "run").file;
    complete(predictions);
  }
  Folder folder;
  Predictions predictions;
  std::string file;
};

inline std::vector<std::string> selected(Browser& browser) {
  return browser.evaluate("[...selection].map((i) => report.ids[i])");
}

// The ids of the samples that `wanted` says yes to, in the file's order.
inline std::vector<std::string> ids_where(const Predictions& p,
                                          const std::function<bool(std::size_t)>& wanted) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < p.id.size(); ++i)
    if (wanted(i)) out.push_back(p.id[i]);
  return out;
}

inline void type_into(Browser& browser, const std::string& selector, const std::string& value,
                      const std::string& event = "input") {
  browser.evaluate("(() => { const e = document.querySelector(" + json(selector).dump() +
                   "); e.value = " + json(value).dump() + "; e.dispatchEvent(new Event(" +
                   json(event).dump() + ", {bubbles: true})); })()");
}
inline void choose(Browser& browser, const std::string& selector, const std::string& value) {
  type_into(browser, selector, value, "change");
}

inline std::string text_of(Browser& browser, const std::string& selector) {
  return browser.evaluate("document.querySelector(" + json(selector).dump() + ").textContent");
}

// The figure `key` of the thresholds as the page shows it: "1,234" or "0.5000".
inline std::string figure(Browser& browser, const std::string& key) {
  std::string out = text_of(browser, "#threshold-figures [data-figure=" + key + "] b");
  out.erase(std::remove(out.begin(), out.end(), ','), out.end());
  return out;
}

inline void check_figures(Browser& browser, const Counts& c) {
  CHECK(figure(browser, "tp") == std::to_string(c.tp));
  CHECK(figure(browser, "fp") == std::to_string(c.fp));
  CHECK(figure(browser, "fn") == std::to_string(c.fn));
  CHECK(figure(browser, "tn") == std::to_string(c.tn));
  const auto ratio = [&](const char* key, std::int64_t a, std::int64_t b) {
    char expected[32] = "\xe2\x80\x93";
    if (b > 0)
      std::snprintf(expected, sizeof expected, "%.4f",
                    static_cast<double>(a) / static_cast<double>(b));
    CHECK(figure(browser, key) == expected);
  };
  ratio("precision", c.tp, c.tp + c.fp);
  ratio("recall", c.tp, c.tp + c.fn);
  ratio("f1", 2 * c.tp, 2 * c.tp + c.fp + c.fn);
  ratio("fpr", c.fp, c.fp + c.tn);
}

// Whether the expression becomes true within a second.
inline bool eventually(Browser& browser, const std::string& expression) {
  for (int tries = 0; tries < 50; ++tries) {
    if (browser.evaluate(expression) == true) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

// Contrast by WCAG 2.1 of every text that is visible against the nearest ground behind it: those
// below 4.5.
inline json poor_contrast(Browser& browser) {
  return browser.evaluate(R"((() => {
        const rgb = (css) => css.match(/[\d.]+/g).map(Number);
        const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
        const poor = [];
        for (const e of document.querySelectorAll('body *')) {
          const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
          if (!own || !e.checkVisibility() || e.disabled || ['SCRIPT', 'OPTION'].includes(e.tagName)) continue;
          const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 30)}: ${ratio}`);
        }
        return poor;
      })())");
}

inline void check_quiet(const Browser& browser) {
  CHECK(browser.complaints() == std::vector<std::string>{});
  CHECK(browser.requests() == std::vector<std::string>{});
}

}  // namespace taxon::test

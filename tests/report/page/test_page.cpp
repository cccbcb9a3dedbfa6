// The report in Chromium: what a person sees and does, held against predictions.csv.
#include <taxon/base/error.h>

#include <numeric>

#include "page_test.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("a click on a confusion cell shows exactly its samples") {
  const Page page(made_up(300, 4, 1));
  const Predictions& p = page.predictions;
  Browser browser;
  browser.open(page.file);
  CHECK(browser.evaluate("document.title") == "run \xe2\x80\x93 Taxon report");
  CHECK(selected(browser) == p.id);
  for (std::int64_t t = 0; t < 4; ++t) {
    for (std::int64_t q = 0; q < 4; ++q) {
      const std::string cell = ".matrix td[data-row='" + std::to_string(t) + "'][data-column='" +
                               std::to_string(q) + "']";
      const auto expected =
          ids_where(p, [&](std::size_t i) { return p.truth[i] == t && p.predicted[i] == q; });
      CHECK(text_of(browser, cell) == std::to_string(expected.size()));
      browser.click(cell);
      CHECK(selected(browser) == expected);
      const json shown = browser.evaluate(
          "[...document.querySelectorAll('.gallery [data-sample]')].map((e) => "
          "report.ids[e.dataset.sample])");
      CHECK(shown.size() == std::min<std::size_t>(60, expected.size()));
    }
  }
  // Charts are drawn once they come into view.
  CHECK(browser.evaluate("charts.length") >= 4);
  browser.evaluate(
      "(async () => { for (const c of charts) { c.canvas.scrollIntoView(); await new "
      "Promise((f) => setTimeout(f, 50)); } })()");
  CHECK(eventually(browser, "charts.every((c) => c.chart)"));
  choose(browser, "#matrix-kind", "row");
  const auto row = ids_where(p, [&](std::size_t i) { return p.truth[i] == 0; });
  const auto hits =
      ids_where(p, [&](std::size_t i) { return p.truth[i] == 0 && p.predicted[i] == 0; });
  char share[16];
  std::snprintf(share, sizeof share, "%.1f",
                100.0 * static_cast<double>(hits.size()) / static_cast<double>(row.size()));
  CHECK(text_of(browser, ".matrix td[data-row='0'][data-column='0']") == share);
  // The most confused pair, from its link.
  const json pair = browser.evaluate("report.pairs[0]");
  browser.click("#pairs td button");
  CHECK(selected(browser) == ids_where(p, [&](std::size_t i) {
          return p.truth[i] == pair[0] && p.predicted[i] == pair[1];
        }));
  CHECK(selected(browser).size() == pair[2]);
  check_quiet(browser);
}

TEST_CASE("the threshold's figures are those of predictions.csv") {
  const Page page(made_up(500, 3, 2));
  const Predictions written = read_predictions(page.folder / "run/predictions.csv");
  Browser browser;
  browser.open(page.file);
  for (const std::size_t k : {std::size_t{0}, std::size_t{2}}) {
    choose(browser, "#threshold-class", std::to_string(k));
    for (const double t : {0.0, 0.001, 0.1, 0.25, 0.5, 0.731, 0.999, 1.0}) {
      INFO("class " << k << " at " << t);
      char value[16];
      std::snprintf(value, sizeof value, "%g", t);
      type_into(browser, "#threshold-number", value);
      check_figures(browser, counts_at(written, k, t));
    }
    // Exactly at a probability that occurs, and next to it.
    const double at = written.probability[30 + k];
    for (const double t : {at, std::nextafter(static_cast<float>(at), 0.0f) * 1.0,
                           std::nextafter(static_cast<float>(at), 1.0f) * 1.0}) {
      char value[32];
      std::snprintf(value, sizeof value, "%.17g", t);
      type_into(browser, "#threshold-number", value);
      check_figures(browser, counts_at(written, k, t));
    }
  }
  type_into(browser, "#threshold-number", "0.5");
  browser.evaluate("document.getElementById('threshold').focus()");
  browser.key("ArrowRight");
  CHECK(browser.evaluate("thresholdState.threshold") == 0.501);
  const Counts c = counts_at(written, 2, 0.501);
  check_figures(browser, c);
  // The curves: their marker moves along, and the area below the ROC is the class's.
  browser.evaluate("document.querySelector('#thresholds canvas').scrollIntoView()");
  REQUIRE(eventually(browser, "charts[0].chart && charts[1].chart ? true : false"));
  const json marker = browser.evaluate("charts[0].chart.data.datasets[0].data[0]");
  CHECK(marker["x"] == Approx(static_cast<double>(c.tp) / static_cast<double>(c.tp + c.fn)));
  CHECK(marker["y"] == Approx(static_cast<double>(c.tp) / static_cast<double>(c.tp + c.fp)));
  const json roc = browser.evaluate("charts[1].chart.data.datasets[1].data");
  double area = 0;
  for (std::size_t i = 1; i < roc.size(); ++i)
    area += (roc[i]["x"].get<double>() - roc[i - 1]["x"].get<double>()) *
            (roc[i]["y"].get<double>() + roc[i - 1]["y"].get<double>()) / 2;
  CHECK(area == Approx(*single_label_metrics(written).per_class[2].roc_auc).margin(0.002));
  check_quiet(browser);
}

TEST_CASE("several labels: cells, thresholds of each label, micro and macro") {
  const Page page(made_up(200, 4, 3, true));
  const Predictions& p = page.predictions;
  Browser browser;
  browser.open(page.file);
  for (const double t : {0.3, 0.5, 0.82}) {
    type_into(browser, "#threshold-number", std::to_string(t));
    Counts sum;
    double f1 = 0, precision = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const Counts c = counts_at(p, k, t);
      choose(browser, "#threshold-class", std::to_string(k));
      check_figures(browser, c);
      sum = {sum.tp + c.tp, sum.fp + c.fp, sum.fn + c.fn, sum.tn + c.tn};
      f1 += 0.25 * 2 * static_cast<double>(c.tp) /
            static_cast<double>(std::max<std::int64_t>(1, 2 * c.tp + c.fp + c.fn));
      precision += 0.25 * static_cast<double>(c.tp) /
                   static_cast<double>(std::max<std::int64_t>(1, c.tp + c.fp));
    }
    choose(browser, "#threshold-class", "micro");
    check_figures(browser, sum);
    choose(browser, "#threshold-class", "macro");
    CHECK(std::stod(figure(browser, "f1")) == Approx(f1).margin(5e-5));
    CHECK(std::stod(figure(browser, "precision")) == Approx(precision).margin(5e-5));
  }
  const auto is = [&](std::size_t i, std::size_t k) { return p.truth_labels[i * 4 + k] != 0; };
  const auto said = [&](std::size_t i, std::size_t k) {
    return p.predicted_labels[i * 4 + k] != 0;
  };
  for (std::size_t k = 0; k < 4; ++k) {
    for (int outcome = 0; outcome < 4; ++outcome) {
      browser.click(".matrix td[data-row='" + std::to_string(k) + "'][data-column='" +
                    std::to_string(outcome) + "']");
      CHECK(selected(browser) == ids_where(p, [&](std::size_t i) {
              return is(i, k) == (outcome == 0 || outcome == 2) && said(i, k) == (outcome < 2);
            }));
    }
  }
  const json pair = browser.evaluate("report.pairs[0]");
  browser.click("#pairs td button");
  CHECK(selected(browser) == ids_where(p, [&](std::size_t i) {
          const auto missed = pair[0].get<std::size_t>(), added = pair[1].get<std::size_t>();
          return is(i, missed) && !said(i, missed) && said(i, added) && !is(i, added);
        }));
  check_quiet(browser);
}

TEST_CASE("filters and orders") {
  const Page page(made_up(250, 3, 4));
  const Predictions& p = page.predictions;
  Browser browser;
  browser.open(page.file);
  choose(browser, "#filter-result", "wrong");
  CHECK(selected(browser) ==
        ids_where(p, [&](std::size_t i) { return p.truth[i] != p.predicted[i]; }));
  choose(browser, "#filter-truth", "1");
  CHECK(selected(browser) ==
        ids_where(p, [&](std::size_t i) { return p.truth[i] == 1 && p.predicted[i] != 1; }));
  browser.click("#clear-filters");
  CHECK(selected(browser) == p.id);
  choose(browser, "#filter-predicted", "2");
  CHECK(selected(browser) == ids_where(p, [&](std::size_t i) { return p.predicted[i] == 2; }));
  browser.click("#clear-filters");
  type_into(browser, "#filter-low", "0.6");
  type_into(browser, "#filter-high", "0.9");
  CHECK(selected(browser) == ids_where(p, [&](std::size_t i) {
          return p.confidence[i] >= 0.6 && p.confidence[i] <= 0.9;
        }));
  browser.click("#clear-filters");
  type_into(browser, "#filter-text", "TEST/13");
  CHECK(selected(browser) ==
        ids_where(p, [&](std::size_t i) { return p.id[i].rfind("test/13", 0) == 0; }));
  browser.click("#clear-filters");

  const auto sorted_by = [&](const std::function<double(std::size_t)>& key) {
    std::vector<std::size_t> order(p.id.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return static_cast<float>(key(a)) < static_cast<float>(key(b));
    });
    std::vector<std::string> out;
    for (const std::size_t i : order) out.push_back(p.id[i]);
    return out;
  };
  const auto given = [&](std::size_t i) {
    return p.probability[i * 3 + static_cast<std::size_t>(p.truth[i])];
  };
  choose(browser, "#filter-sort", "suspicious");
  CHECK(selected(browser) == sorted_by(given));
  choose(browser, "#filter-sort", "loss");  // the losses in the file have six digits
  const Predictions written = read_predictions(page.folder / "run/predictions.csv");
  CHECK(selected(browser) == sorted_by([&](std::size_t i) { return -written.loss[i]; }));
  choose(browser, "#filter-sort", "margin");
  const std::vector<std::string> by_margin = selected(browser);
  double before = -1;
  for (const std::string& id : by_margin) {
    const auto i = static_cast<std::size_t>(std::stoi(id.substr(5)));
    std::vector<double> row(p.probability.begin() + static_cast<long>(3 * i),
                            p.probability.begin() + static_cast<long>(3 * i + 3));
    std::sort(row.begin(), row.end());
    CHECK(row[2] - row[1] >= before - 1e-7);
    before = row[2] - row[1];
  }
  // What is selected is what is exported, in that order.
  choose(browser, "#filter-truth", "0");
  browser.save_downloads_to(page.folder.path());
  browser.click("#export");
  const std::string saved = page.folder / "selection.csv";
  for (int tries = 0; tries < 100 && !file_exists(saved); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::string expected = "filename,true,predicted,confidence\r\n";
  const std::string csv = read_text(saved);
  CHECK(csv == browser.evaluate("selectionCsv()"));
  CHECK(csv.rfind(expected + selected(browser).front() + ",class 0,", 0) == 0);
  CHECK(std::count(csv.begin(), csv.end(), '\n') ==
        static_cast<long>(selected(browser).size() + 1));
  check_quiet(browser);
}

TEST_CASE("by keyboard alone; and an address that leads to a sample") {
  const Page page(made_up(200, 3, 5));
  const Predictions& p = page.predictions;
  Browser browser;
  browser.open(page.file);
  const auto focus = [&] {
    return browser.evaluate(
        "document.activeElement.dataset.row + ',' + document.activeElement.dataset.column");
  };
  browser.evaluate("document.querySelector('#matrix-kind').focus()");
  browser.key("Tab");
  CHECK(focus() == "0,0");
  browser.key("ArrowRight");
  browser.key("ArrowDown");
  CHECK(focus() == "1,1");
  browser.key("End");
  CHECK(focus() == "1,2");
  browser.key("ArrowRight");
  CHECK(focus() == "1,2");
  CHECK(browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid");
  browser.key("Enter");
  const auto cell =
      ids_where(p, [&](std::size_t i) { return p.truth[i] == 1 && p.predicted[i] == 2; });
  CHECK(selected(browser) == cell);
  browser.click("#clear-filters");

  const auto sample = [&] {
    return browser.evaluate("Number(document.activeElement.dataset.sample)");
  };
  browser.evaluate("document.querySelector('.gallery button').focus()");
  browser.key("ArrowRight");
  CHECK(sample() == 1);
  const json columns = browser.evaluate(
      "getComputedStyle(document.querySelector('.gallery')).gridTemplateColumns.split(' ').length");
  browser.key("ArrowDown");
  CHECK(sample() == 1 + columns.get<int>());
  browser.key("End");
  CHECK(sample() == 59);
  browser.key("ArrowRight");  // to the next page
  CHECK(sample() == 60);
  browser.key("ArrowLeft");
  CHECK(sample() == 59);
  browser.key("PageDown");
  CHECK(sample() == 119);
  browser.key("Enter");
  CHECK(browser.evaluate("document.getElementById('sample').open") == true);
  CHECK(text_of(browser, "#sample-title") == "test/119");
  CHECK(browser.evaluate("location.hash") == "#sample=test%2F119");
  browser.key("ArrowRight");
  CHECK(text_of(browser, "#sample-title") == "test/120");
  browser.key("Escape");
  CHECK(browser.evaluate("document.getElementById('sample').open") == false);
  CHECK(eventually(browser, "location.hash === ''"));
  // A heading's button sorts the table.
  browser.evaluate("document.querySelector('#classes th button').focus()");
  browser.key("Enter");
  CHECK(browser.evaluate("document.querySelector('#classes th').getAttribute('aria-sort')") ==
        "ascending");
  CHECK(text_of(browser, "#classes tbody td") == "class 0");

  browser.open(page.file, "#sample=test%2F42");
  CHECK(text_of(browser, "#sample-title") == "test/42");
  browser.evaluate("location.hash = '#sample=test%2F7'");
  CHECK(eventually(browser, "document.getElementById('sample-title').textContent === 'test/7'"));
  check_quiet(browser);
}

TEST_CASE("a frame on the map selects the points within") {
  const Folder folder;
  Predictions p = made_up(100, 3, 6);
  write_run(folder / "run", p);
  std::string csv = "id,x,y\n";
  for (int i = 0; i < 100; ++i)
    csv += "test/" + std::to_string(i) + "," + std::to_string(i % 10) + "," +
           std::to_string(i / 10) + "\n";
  write_file_atomic(folder / "run/embedding.csv", csv);
  Browser browser;
  browser.open(write_report(folder / "run").file);
  browser.drag("canvas.map", 0.01, 0.01, 0.5, 0.5);  // left half, upper half: x < 5, y >= 5
  CHECK(selected(browser) == ids_where(p, [](std::size_t i) { return i % 10 < 5 && i / 10 >= 5; }));
  browser.drag("canvas.map", 0.19, 0.19, 0.19, 0.19);  // a click beside the points: the frame stays
  browser.key("ArrowRight");
  browser.key("Enter");
  CHECK(selected(browser) ==
        ids_where(p, [](std::size_t i) { return i % 10 >= 1 && i % 10 < 5 && i / 10 >= 5; }));
  browser.key("Escape");
  CHECK(selected(browser).size() == 100);
  check_quiet(browser);
}

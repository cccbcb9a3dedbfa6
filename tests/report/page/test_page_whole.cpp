// The report in Chromium: comparisons, large and hostile content, phones, light and dark.
#include <taxon/base/error.h>
#include <taxon/metrics/mcnemar.h>

#include <cstdlib>

#include "page_test.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("figures of all samples where some are left out, with their intervals") {
  const Folder folder;
  Predictions p = made_up(1000, 3, 12);
  write_run(folder / "run", p);
  json metrics = json::parse(read_text(folder / "run/metrics.json"));
  metrics["intervals"] = {{"accuracy", json::array({0.5, 0.75})},
                          {"macro.f1", json::array({0.25, 0.5})}};
  write_file_atomic(folder / "run/metrics.json", metrics.dump());
  ReportOptions options;
  options.max_samples = 100;
  Browser browser;
  browser.open(write_report(folder / "run", "", options).file);
  CHECK(text_of(browser, "#notes").find("100 of 1000 samples") != std::string::npos);
  CHECK(text_of(browser, "#figures [data-figure=accuracy]").find("50.00 to 75.00 %") !=
        std::string::npos);
  CHECK(text_of(browser, "#figures [data-figure='macro.f1']").find("0.2500 to 0.5000") !=
        std::string::npos);
  CHECK(selected(browser).size() == 100);
  for (const double t : {0.0, 0.35, 0.501, 1.0}) {
    type_into(browser, "#threshold-number", std::to_string(t));
    check_figures(browser, counts_at(p, 0, t));
  }
  check_quiet(browser);
}

TEST_CASE("a thousand classes: figures are exact above the floor") {
  const Page page(made_up(1500, 1000, 13));
  const Predictions& p = page.predictions;
  Browser browser;
  browser.open(page.file);
  const double least = browser.evaluate("floor");
  CHECK(least > 0);
  for (const std::size_t k : {std::size_t{3}, std::size_t{999}}) {
    choose(browser, "#threshold-class", std::to_string(k));
    for (const double t : {least, 2 * least, 0.02, 0.1}) {
      type_into(browser, "#threshold-number", std::to_string(t));
      check_figures(browser, counts_at(p, k, t));
    }
  }
  CHECK(browser.evaluate("document.querySelectorAll('.matrix tbody tr').length") == 30);
  check_quiet(browser);
}

TEST_CASE("two runs compared, sample by sample") {
  const Folder folder;
  Predictions a = made_up(300, 3, 7), b = a;
  for (std::size_t i = 0; i < 300; i += 6) {  // some answers become right, and some wrong
    const auto row = b.probability.begin() + static_cast<long>(3 * i);
    const auto at = i % 12 == 0 ? a.truth[i] : (a.truth[i] + 1) % 3;
    std::iter_swap(std::max_element(row, row + 3), row + at);
  }
  write_run(folder / "a", a);
  write_run(folder / "b", b);
  complete(a);
  complete(b);
  Browser browser;
  browser.open(write_report(folder / "a", folder / "b").file);
  const auto right = [](const Predictions& p, std::size_t i) {
    return p.truth[i] == p.predicted[i];
  };
  browser.click("[data-change='2']");
  const auto better = ids_where(a, [&](std::size_t i) { return !right(a, i) && right(b, i); });
  CHECK(selected(browser) == better);
  CHECK(text_of(browser, "[data-change='2'] b") == std::to_string(better.size()));
  browser.click("[data-change='3']");
  const auto worse = ids_where(a, [&](std::size_t i) { return right(a, i) && !right(b, i); });
  CHECK(selected(browser) == worse);
  const McNemar m =
      mcnemar(static_cast<std::int64_t>(worse.size()), static_cast<std::int64_t>(better.size()));
  char expected[32];
  std::snprintf(expected, sizeof expected, "p = %.4f", m.p_value);
  CHECK(text_of(browser, "#mcnemar").find(expected) != std::string::npos);
  browser.click(".gallery button");
  CHECK(text_of(browser, "dialog .facts").find("got worse") != std::string::npos);
  browser.evaluate("document.getElementById('sample').close()");
  CHECK(poor_contrast(browser) == json::array());
  browser.click("#theme");
  CHECK(poor_contrast(browser) == json::array());
  browser.screen(360, 800, true);
  CHECK(browser.evaluate("document.documentElement.scrollWidth") <= 360);
  check_quiet(browser);
}

TEST_CASE("hostile names are shown and never run") {
  const Folder folder;
  Predictions p = made_up(60, 4, 9);
  p.classes = {"<script>window.hacked = 1</script>", "\"quotes\" & 'such', <b>",
               "\xf0\x9f\x90\xb3 whale",
               "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae"
               "evil"};
  p.id[0] = "</script><img src=x onerror=window.hacked=2>.png";
  p.id[1] = "a,\"b\"\nc.png";
  p.id[2] = "\xf0\x9f\x92\xa5 #sample=%.png";
  p.truth[0] = p.truth[1] = p.truth[2] = 0;
  write_run(folder / "run", p);
  write_file_atomic(folder / "run/args.toml", "data = \"<svg onload=window.hacked=3>\"\n");
  Browser browser;
  browser.open(write_report(folder / "run").file);
  CHECK(browser.evaluate(
            "[...document.querySelectorAll('.matrix tbody th')].map((e) => e.textContent)") ==
        json(p.classes));
  CHECK(browser.evaluate("document.querySelectorAll('img, svg, b script').length") == 0);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    browser.evaluate("openSample(" + std::to_string(i) + ")");
    CHECK(text_of(browser, "#sample-title") == p.id[i]);
    const std::string address = browser.evaluate("location.hash");
    browser.evaluate("document.getElementById('sample').close()");
    CHECK(eventually(browser, "location.hash === ''"));
    browser.evaluate("location.hash = " + json(address).dump());
    CHECK(eventually(browser, "document.getElementById('sample').open"));
    CHECK(text_of(browser, "#sample-title") == p.id[i]);
    browser.evaluate("document.getElementById('sample').close()");
  }
  // RFC 4180: the line break and the quotes of the second name stay within one cell.
  const std::string csv = browser.evaluate("selectionCsv()");
  CHECK(csv.find("\r\n\"a,\"\"b\"\"\nc.png\",") != std::string::npos);
  CHECK(browser.evaluate("typeof window.hacked") == "undefined");
  check_quiet(browser);
  // Even a script that got into the page would not run.
  browser.evaluate(
      "(() => { const s = document.createElement('script'); s.textContent = 'window.hacked = 4'; "
      "document.body.append(s); })()");
  CHECK(browser.evaluate("typeof window.hacked") == "undefined");
  CHECK(browser.complaints().size() == 1);
}

TEST_CASE("ten thousand samples open and filter within a second") {
  const Folder folder;
  Predictions p = made_up(10'000, 10, 10);
  std::filesystem::create_directories(folder / "pictures");
  Rng rng(3);
  for (int i = 0; i < 100; ++i) {  // with noise, so that they take as much as photos
    Image image = coloured(i, 32, 32);
    for (std::size_t k = 0; k < image.bytes(); ++k)
      image.data()[k] = static_cast<std::uint8_t>(image.data()[k] / 2 + rng.below(60));
    save_png(image, folder / ("pictures/" + std::to_string(i) + ".png"));
  }
  for (int i = 0; i < 10'000; ++i)
    p.path.push_back(folder / ("pictures/" + std::to_string(i % 100) + ".png"));
  write_run(folder / "run", p);
  std::string csv = "id,x,y\n";
  for (int i = 0; i < 10'000; ++i)
    csv += p.id[static_cast<std::size_t>(i)] + "," + std::to_string(i % 113) + "," +
           std::to_string(i % 97) + "\n";
  write_file_atomic(folder / "run/embedding.csv", csv);
  const Report report = write_report(folder / "run");
  REQUIRE(report.pictures == 10'000);
  Browser browser;
  browser.open(report.file);
  const double opened =
      std::stod(browser.evaluate("document.documentElement.dataset.ready").get<std::string>());
  // Each until the browser has laid the page out and painted a frame.
  double slowest = 0;
  for (const char* step :
       {"setFilter({result: 'wrong'})", "setFilter({sort: 'loss'})", "setFilter({text: '99'})",
        "setFilter({}, true)", "setFilter({sort: 'suspicious'})", "setFilter({truth: 3})"}) {
    const double ms =
        browser.evaluate(std::string("(async () => { const t = performance.now(); ") + step +
                         "; document.body.offsetHeight; await new Promise(requestAnimationFrame); "
                         "return performance.now() - t; })()");
    slowest = std::max(slowest, ms);
  }
  std::printf("10,000 samples, %.1f MB: open in %.0f ms, the slowest filter in %.0f ms\n",
              static_cast<double>(report.bytes) / 1e6, opened, slowest);
  CHECK(opened < 1000);
  CHECK(slowest < 1000);
  CHECK(browser.evaluate("document.getElementsByTagName('*').length") < 3000);
  check_quiet(browser);
}

TEST_CASE("what val decided, and how folds vary, stand on the page") {
  const Folder folder;
  const std::string run = folder / "run";
  write_run(run, made_up(60, 3, 5));
  json metrics = json::parse(read_text(run + "/metrics.json"));
  metrics["calibration"] = {
      {"temperature", 1.25},
      {"prediction_sets",
       {{{"wanted", 0.9},
         {"threshold", 0.1},
         {"coverage", 0.913},
         {"mean_size", 1.5},
         {"empty", 0}}}},
      {"answers",
       {{{"wanted", 0.95}, {"threshold", 0.8}, {"answered", 0.707}, {"accuracy", 0.961}}}}};
  write_file_atomic(run + "/metrics.json", metrics.dump());
  write_file_atomic(
      run + "/folds.json",
      R"({"folds": 4, "figures": {"accuracy": {"mean": 0.71, "std": 0.02, "worst": 0.688},
          "macro_f1": {"mean": 0.7, "std": 0.02, "worst": 0.65}}})");
  Browser browser;
  browser.open(write_report(run).file);
  CHECK(text_of(browser, "#subtitle").find("60 samples of test") != std::string::npos);
  CHECK(text_of(browser, "#subtitle").find("temperature 1.25") != std::string::npos);
  CHECK(text_of(browser, "#figures").find("95 % intervals") != std::string::npos);
  CHECK(text_of(browser, "#figures").find("Over 4 folds") != std::string::npos);
  CHECK(text_of(browser, "#figures table").find("68.80 %") != std::string::npos);
  CHECK(text_of(browser, "#figures table").find("Macro F1") != std::string::npos);
  const std::string calibration = text_of(browser, "#calibration");
  for (const char* shown : {"91.3 %", "1.50", "70.7 %", "96.1 %"})
    CHECK(calibration.find(shown) != std::string::npos);
  check_quiet(browser);
}

// Colours of charts that stand out less than 3:1 from a card (WCAG 2.1, 1.4.11).
constexpr const char* faint_colours = R"((() => {
  const luminance = (css) => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = css;
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number).map(
        (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    probe.remove();
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const card = luminance(colour('card'));
  const contrast = (l) => (Math.max(l, card) + 0.05) / (Math.min(l, card) + 0.05);
  return palette.filter((c) => contrast(luminance(c)) < 3);
})())";

TEST_CASE("readable on a phone, in light and in dark") {
  const Page page(made_up(120, 10, 11));
  Browser browser;
  for (const char* scheme : {"light", "dark"}) {
    browser.prefer(scheme);
    for (const int width : {360, 1280}) {
      browser.screen(width, 800, width == 360);
      browser.open(page.file);
      INFO(scheme << ", " << width << " pixels");
      // To look at: a folder in TAXON_SCREENSHOTS.
      if (const char* to = std::getenv("TAXON_SCREENSHOTS"))
        browser.screenshot(text(to, "/", scheme, "-", width, ".png"));
      CHECK(browser.evaluate("document.documentElement.scrollWidth") <= width);
      CHECK(poor_contrast(browser) == json::array());
      CHECK(browser.evaluate(faint_colours) == json::array());
      browser.evaluate("openSample(3)");
      CHECK(poor_contrast(browser) == json::array());
      CHECK(browser.evaluate("document.getElementById('sample').scrollWidth") <= width);
      browser.evaluate("document.getElementById('sample').close()");
    }
  }
  CHECK(browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)");
  browser.click("#theme");
  CHECK(browser.evaluate("getComputedStyle(document.body).backgroundColor") ==
        "rgb(244, 245, 247)");
  // Every control has a name.
  CHECK(browser.evaluate("[...document.querySelectorAll('button, input, select')].filter((e) => "
                         "!e.textContent && !e.labels?.length && !e.ariaLabel).length") == 0);
  check_quiet(browser);
}

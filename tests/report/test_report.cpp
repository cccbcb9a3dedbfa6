// report.html: what is gathered, what is kept where there is too much, and that nothing of it is
// markup.
#include <taxon/base/error.h>
#include <taxon/metrics/mcnemar.h>
#include <taxon/report/report.h>

#include <algorithm>

#include "catch.h"
#include "figures.h"
#include "page.h"
#include "report_test.h"
#include "thinning.h"

using namespace taxon;
using namespace taxon::test;

namespace {

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}
bool mentions(const std::vector<std::string>& notes, const std::string& what) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& n) { return n.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("a report holds what lies in the run's folder") {
  const Folder folder;
  const std::string run = folder / "run";
  Predictions p = made_up(50, 3, 1);
  for (std::int64_t i = 0; i < 50; ++i) {
    p.path.push_back(folder / ("pictures/" + std::to_string(i) + ".png"));
    std::filesystem::create_directories(folder / "pictures");
    if (i != 7) save_png(coloured(i), p.path.back());
  }
  write_run(run, p);
  write_file_atomic(run + "/results.csv", "epoch,time,train/loss,lr\n1,2.5,0.7,0.1\n2,5,,0.05\n");
  write_file_atomic(run + "/args.toml", "model = \"cnn\"\nepochs = 2\n");
  write_file_atomic(run + "/embedding.csv", "id,x,y\ntest/3,1.5,-2\n");
  write_file_atomic(
      run + "/folds.json",
      R"({"folds": 2, "figures": {"accuracy": {"mean": 0.7, "std": 0.1, "worst": 0.6}}})");
  const Report report = write_report(run);
  CHECK(report.file == run + "/report.html");
  CHECK(report.samples == 50);
  CHECK(report.shown == 50);
  CHECK(report.pictures == 49);
  CHECK(mentions(report.notes, "1 of 50 samples have no picture"));
  const std::string html = read_text(report.file);
  CHECK(html.size() == report.bytes);
  const nlohmann::json j = payload_of(html);
  CHECK(j["classes"] == p.classes);
  CHECK(j["ids"] == p.id);
  CHECK(j["metrics"]["samples"] == 50);
  CHECK(j["split"] == "test");  // as all ids begin
  CHECK(j["folds"]["figures"]["accuracy"]["std"] == 0.1);
  CHECK(j["results"]["rows"][1][2].is_null());
  CHECK(j["args"] == nlohmann::json::parse(R"([["epochs", "2"], ["model", "cnn"]])"));
  CHECK(j["sprites"]["width"] == 20);
  CHECK(j["notes"].size() == report.notes.size());
  complete(p);
  const auto predicted = array_of<std::uint16_t>(html, "predicted");
  CHECK(std::equal(predicted.begin(), predicted.end(), p.predicted.begin(), p.predicted.end()));
  CHECK(array_of<float>(html, "plane")[6] == 1.5f);
  CHECK(std::isnan(array_of<float>(html, "plane")[0]));
  CHECK(array_of<std::int32_t>(html, "tile")[7] == -1);
  // The first tile of the first sheet is the first picture.
  const std::string jpeg = decoded(block(html, "blob-sheet0"));
  const Image sheet =
      decode_image({reinterpret_cast<const std::uint8_t*>(jpeg.data()), jpeg.size()});
  for (std::int64_t c = 0; c < 3; ++c)
    CHECK(std::abs(sheet.at(8, 8, c) - coloured(0).at(8, 8, c)) <= 4);
  // Only the report is new.
  CHECK(std::distance(std::filesystem::directory_iterator(run), {}) == 7);
}

TEST_CASE("pictures come from the data that args.toml names") {
  const Folder folder;
  const std::string data = folder / "photos", run = folder / "run";
  Predictions p = made_up(0, 2, 1);
  p.classes = {"bottom", "top"};
  std::vector<float> probability;
  for (const std::string split : {"train", "test"}) {
    for (std::int64_t i = 0; i < 4; ++i) {
      const std::string id =
          split + (i % 2 == 0 ? "/bottom/" : "/top/") + std::to_string(i) + ".png";
      std::filesystem::create_directories(std::filesystem::path(data + "/" + id).parent_path());
      save_png(coloured(i, 30, 60), data + "/" + id);
      if (split == "train") continue;
      p.id.push_back(id);
      p.truth.push_back(i % 2);
      probability.insert(probability.end(), {0.75f, 0.25f});
    }
  }
  p.probability = as_written(probability);
  write_run(run, p);
  write_file_atomic(run + "/args.toml", "data = \"" + data + "\"\n");
  ReportOptions options;
  options.environment = {{"processor", "a <b>"}};
  const Report report = write_report(run, "", options);
  CHECK(report.pictures == 4);
  CHECK(report.notes.empty());
  const nlohmann::json facts = nlohmann::json::parse(read_text(run + "/environment.json"));
  CHECK(facts["processor"] == "a <b>");
  CHECK(facts["data fingerprint"].get<std::string>().size() == 16);
  const nlohmann::json j = payload_of(read_text(report.file));
  CHECK(j["sprites"]["width"] == 60);
  CHECK(j["sprites"]["height"] == 30);
  const auto sizes = array_of<std::uint8_t>(read_text(report.file), "tile_size");
  CHECK(std::vector<int>(sizes.begin(), sizes.begin() + 2) == std::vector<int>{60, 30});

  save_png(coloured(1), data + "/test/top/new.png");  // other data now
  CHECK(mentions(write_report(run).notes, "the data have changed since the run"));
  std::filesystem::remove_all(data);
  const Report without = write_report(run);
  CHECK(without.pictures == 0);
  CHECK(mentions(without.notes, "no pictures"));
  CHECK(mentions(without.notes, "photos"));  // what could not be opened
}

TEST_CASE("names are text, whatever they are") {
  const Folder folder;
  Predictions p = made_up(20, 3, 2);
  p.classes = {"</script><script>alert(1)</script>", "a \"b\" & 'c', <!-- d",
               "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"};
  p.id[0] = "<img src=x onerror=alert(2)>.png";
  p.id[1] = "\xf0\x9f\x90\xa0,\"\n</script>.png";
  write_run(folder / "run", p);
  const std::string html = read_text(write_report(folder / "run").file);
  CHECK(html.find("alert(1)</script>") == std::string::npos);
  CHECK(html.find("<img") == std::string::npos);
  CHECK(html.find("<!-- d") == std::string::npos);
  const nlohmann::json j = payload_of(html);
  CHECK(j["classes"] == p.classes);
  CHECK(j["ids"] == p.id);
  // Text that is not UTF-8 is replaced, not refused.
  p.id[2] = "\xff.png";
  write_run(folder / "run", p);
  CHECK(payload_of(read_text(write_report(folder / "run").file))["ids"][2] == "\xef\xbf\xbd.png");
}

TEST_CASE("predictions of others, with little in them") {
  const Folder folder;
  const std::string file = folder / "theirs.csv";
  write_file_atomic(file, "true,predicted\ncat,cat\ndog,cat\n");
  ReportOptions options;
  options.out = folder / "out.html";
  const Report report = write_report(file, "", options);
  CHECK(report.file == options.out);
  CHECK(mentions(report.notes, "no pictures"));
  const nlohmann::json j = payload_of(read_text(report.file));
  CHECK(j["name"] == "theirs.csv");
  CHECK(j["probability"].is_null());
  CHECK(j["reliability"].is_null());
  CHECK(j["ids"] == nlohmann::json({"0", "1"}));
  CHECK(j["confusion"] == nlohmann::json({{0, 0, 1}, {1, 0, 1}}));
  CHECK(j["metrics"]["accuracy"] == 0.5);
  // Probabilities of more digits than a float holds are kept as doubles.
  write_file_atomic(file, "true,prob_a,prob_b\na,0.123456789012,0.876543210988\n");
  const std::string html = read_text(write_report(file, "", options).file);
  CHECK(payload_of(html)["probability"]["type"] == "f64");
  CHECK(array_of<double>(html, "probability") ==
        std::vector<double>{0.123456789012, 0.876543210988});
}

TEST_CASE("weights are told: the page counts samples") {
  const Folder folder;
  write_file_atomic(folder / "weighted.csv", "id,true,predicted,weight\nx,a,a,3\ny,a,b,1\n");
  const Report report = write_report(folder / "weighted.csv");
  CHECK(mentions(report.notes, "samples have weights"));
  const nlohmann::json j = payload_of(read_text(report.file));
  CHECK(j["metrics"]["accuracy"] == 0.75);
  CHECK(j["split"] == "");
  CHECK(j["folds"].is_null());
}

TEST_CASE("nothing of a run is taken for other predictions") {
  const Folder folder;
  write_run(folder / "run", made_up(40, 3, 1));
  const std::string own = read_text(write_report(folder / "run").file);
  const std::string file = folder / "run/theirs.csv";
  write_file_atomic(file, "true,predicted\ncat,cat\ndog,cat\n");
  const Report report = write_report(file);
  CHECK(report.file == folder / "run/theirs.html");
  const nlohmann::json j = payload_of(read_text(report.file));
  CHECK(j["metrics"]["accuracy"] == 0.5);
  CHECK(j["results"].is_null());
  CHECK(j["args"].empty());
  CHECK(read_text(folder / "run/report.html") == own);
  // metrics.json of as many other predictions.
  Predictions p = made_up(40, 3, 1);
  for (std::int64_t& t : p.truth) t = (t + 1) % 3;
  complete(p);
  write_predictions(folder / "run/predictions.csv", p);
  const Report anew = write_report(folder / "run");
  CHECK(mentions(anew.notes, "metrics.json"));
  CHECK(payload_of(read_text(anew.file))["metrics"]["accuracy"] ==
        nlohmann::json::parse(metrics_json(p))["accuracy"]);
}

TEST_CASE("a run's name is its folder's, however it is said") {
  const Folder folder;
  write_run(folder / "photos", made_up(10, 2, 3));
  for (const char* same : {"photos", "photos/", "photos/.", "photos/../photos"}) {
    INFO(same);
    CHECK(payload_of(read_text(write_report(folder / same).file))["name"] == "photos");
  }
}

TEST_CASE("what is missing or damaged") {
  const Folder folder;
  std::filesystem::create_directories(folder / "empty");
  CHECK_THROWS_AS(write_report(folder / "empty"), IoError);
  CHECK_THROWS_AS(write_report(folder / "nowhere"), IoError);
  const std::string run = folder / "run";
  write_run(run, made_up(10, 2, 3));
  write_file_atomic(run + "/results.csv", "epoch,lr\n1\n");
  write_file_atomic(run + "/embedding.csv", "id,x\n");
  write_file_atomic(run + "/environment.json", "{");
  write_file_atomic(run + "/metrics.json", "{\"samples\": 11, \"accuracy\": 1}");
  write_file_atomic(run + "/args.toml", "epochs = ");
  const Report report = write_report(run);
  for (const char* name :
       {"results.csv", "embedding.csv", "environment.json", "metrics.json", "args.toml"})
    CHECK(mentions(report.notes, name));
  CHECK(payload_of(read_text(report.file))["metrics"]["samples"] == 10);
  ReportOptions options;
  options.out = folder / "no/such/folder/x.html";
  CHECK_THROWS_AS(write_report(run, "", options), IoError);
}

TEST_CASE("too many samples are thinned, figures stay those of all") {
  const std::vector<std::uint8_t> marks{1, 0, 1, 0, 0, 0, 1, 0, 0, 0};
  const report::Thinned all = report::thin(marks, 10, "mistakes");
  CHECK(all.samples.size() == 10);
  CHECK(all.note.empty());
  const report::Thinned half = report::thin(marks, 6, "mistakes");
  CHECK(half.samples.size() == 6);
  CHECK(std::is_sorted(half.samples.begin(), half.samples.end()));
  for (const std::int64_t mistake : {0, 2, 6})
    CHECK(std::count(half.samples.begin(), half.samples.end(), mistake) == 1);
  CHECK(contains(half.note, "6 of 10 samples"));
  CHECK(contains(half.note, "3 of 3 mistakes"));
  CHECK(report::thin(marks, 6, "mistakes").samples == half.samples);
  const std::vector<std::uint8_t> bad(10, 1);
  CHECK(report::thin(bad, 4, "mistakes").samples.size() == 4);

  const Folder folder;
  const Predictions p = made_up(3000, 4, 4);
  write_run(folder / "run", p);
  ReportOptions options;
  options.max_samples = 500;
  const Report report = write_report(folder / "run", "", options);
  CHECK(report.shown == 500);
  const std::string html = read_text(report.file);
  const nlohmann::json j = payload_of(html);
  CHECK(j["samples"] == 3000);
  CHECK(j["shown"] == 500);
  CHECK(j["metrics"]["samples"] == 3000);
  CHECK(j["grid"] == 1000);
  const auto grid = array_of<std::uint32_t>(html, "grid");
  for (const std::size_t k : {std::size_t{0}, std::size_t{3}}) {
    for (const int step : {0, 1, 130, 500, 999, 1000}) {
      const Counts c = counts_at(p, k, step / 1000.0);
      INFO(k << " at " << step);
      CHECK(grid[(2 * k + 1) * 1001 + static_cast<std::size_t>(step)] == c.tp);
      CHECK(grid[2 * k * 1001 + static_cast<std::size_t>(step)] == c.fp);
    }
  }
}

TEST_CASE("a thousand classes: small probabilities are left out, those of the labels are not") {
  const Folder folder;
  const Predictions p = made_up(3000, 1000, 5);
  write_run(folder / "run", p);
  ReportOptions options;
  const Report report = write_report(folder / "run", "", options);
  CHECK(report.bytes < options.max_bytes);
  CHECK(report.shown == 3000);
  const std::string html = read_text(report.file);
  const double floor = payload_of(html)["probability"]["floor"];
  CHECK(floor > 0);
  const auto values = array_of<float>(html, "probability");
  const auto classes = array_of<std::uint16_t>(html, "probability_class");
  const auto counts = array_of<std::uint16_t>(html, "probability_count");
  REQUIRE(counts.size() == 3000);
  std::size_t at = 0;
  bool same = true;
  for (std::size_t i = 0; i < 3000; ++i) {
    std::size_t expected = 0;
    for (std::size_t k = 0; k < 1000; ++k)
      expected +=
          p.probability[i * 1000 + k] >= floor || p.truth[i] == static_cast<std::int64_t>(k);
    same = same && counts[i] == expected;
    for (std::size_t e = 0; e < counts[i]; ++e, ++at)
      same = same && values[at] == static_cast<float>(p.probability[i * 1000 + classes[at]]);
  }
  CHECK(same);
}

TEST_CASE("ten thousand noisy pictures fit into the budget") {
  const Folder folder;
  const std::string run = folder / "run", data = folder / "data";
  Predictions p = made_up(10'000, 10, 6);
  Rng rng(9);
  std::filesystem::create_directories(data);
  Image noise(64, 64, 3);
  for (int file = 0; file < 20; ++file) {  // each is the picture of 500 samples
    for (std::size_t i = 0; i < noise.bytes(); ++i)
      noise.data()[i] = static_cast<std::uint8_t>(rng.below(256));
    save_png(noise, data + "/" + std::to_string(file) + ".png");
  }
  for (int i = 0; i < 10'000; ++i) p.path.push_back(data + "/" + std::to_string(i % 20) + ".png");
  write_run(run, p);
  const Report report = write_report(run);
  CHECK(report.pictures == 10'000);
  CHECK(report.bytes <= 10'000'000);
  ReportOptions small;
  small.max_bytes = 1'500'000;
  const Report less = write_report(run, "", small);
  CHECK(less.bytes <= small.max_bytes);
  CHECK(less.shown < 10'000);
  CHECK(mentions({payload_of(read_text(less.file))["thinned"].get<std::string>()},
                 "of 10000 samples"));
}

TEST_CASE("several labels a sample") {
  const Folder folder;
  Predictions p = made_up(100, 5, 7, true);
  write_run(folder / "run", p);
  const std::string html = read_text(write_report(folder / "run").file);
  const nlohmann::json j = payload_of(html);
  CHECK(j["task"] == "multi");
  complete(p);
  const auto bits = array_of<std::uint8_t>(html, "predicted");
  bool same = bits.size() == 63;
  for (std::size_t at = 0; at < 500 && same; ++at)
    same = (bits[at / 8] >> at % 8 & 1) == p.predicted_labels[at];
  CHECK(same);
  for (std::size_t k = 0; k < 5; ++k) {
    const Counts c = counts_at(p, k, 0.5);
    CHECK(j["confusion"][k] == nlohmann::json({k, c.tp, c.fp, c.fn, c.tn}));
  }
  std::int64_t pairs = 0, expected = 0;
  for (const auto& pair : j["pairs"]) pairs += pair[2].get<std::int64_t>();
  for (std::size_t i = 0; i < 500; i += 5) {
    std::int64_t missed = 0, added = 0;
    for (std::size_t k = i; k < i + 5; ++k) {
      missed += p.truth_labels[k] != 0 && p.predicted_labels[k] == 0;
      added += p.truth_labels[k] == 0 && p.predicted_labels[k] != 0;
    }
    expected += missed * added;
  }
  CHECK(pairs == expected);
}

TEST_CASE("two runs are matched by id") {
  const Folder folder;
  const Predictions a = made_up(200, 3, 8);
  Predictions b = made_up(200, 3, 9);
  b.truth = a.truth;
  std::swap(b.id[0], b.id[199]);  // another order
  std::swap(b.truth[0], b.truth[199]);
  b.id[5] = "test/other";
  b.truth[6] = (b.truth[6] + 1) % 3;
  write_run(folder / "a", a);
  write_run(folder / "b", b);
  const Report report = write_report(folder / "a", folder / "b");
  CHECK(report.file == folder / "a/compare.html");
  CHECK(mentions(report.notes, "1 samples are labelled otherwise"));
  CHECK(mentions(report.notes, "1 samples are not in"));
  const std::string html = read_text(report.file);
  const auto change = array_of<std::uint8_t>(html, "change");
  const auto first = most_probable(a.probability, 3), second = most_probable(b.probability, 3);
  std::int64_t better = 0, worse = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::size_t j = i == 0 ? 199 : i == 199 ? 0 : i;
    const bool x = first[i] == a.truth[i], y = second[j] == a.truth[i];
    const int expected = i == 5 || i == 6 ? 0 : x && y ? 1 : !x && y ? 2 : x ? 3 : 4;
    CHECK(change[i] == expected);
    better += expected == 2;
    worse += expected == 3;
  }
  const nlohmann::json m = payload_of(html)["other"]["mcnemar"];
  CHECK(m["better"] == better);
  CHECK(m["worse"] == worse);
  CHECK(m["p"] == mcnemar(worse, better).p_value);

  // Classes are matched by name: in another order, the same answers.
  Predictions turned = b;
  std::reverse(turned.classes.begin(), turned.classes.end());
  for (std::int64_t& t : turned.truth) t = 2 - t;
  for (std::size_t i = 0; i < 200; ++i)
    std::swap(turned.probability[3 * i], turned.probability[3 * i + 2]);
  write_run(folder / "turned", turned);
  const std::string again = read_text(write_report(folder / "a", folder / "turned").file);
  CHECK(array_of<std::uint8_t>(again, "change") == change);
  CHECK(array_of<std::uint16_t>(again, "other_predicted") ==
        array_of<std::uint16_t>(html, "other_predicted"));

  Predictions c = made_up(20, 3, 1);
  for (std::string& id : c.id) id = "else/" + id;
  write_run(folder / "c", c);
  CHECK_THROWS_AS(write_report(folder / "a", folder / "c"), OptionError);
  write_run(folder / "d", made_up(20, 3, 1, true));
  CHECK_THROWS_AS(write_report(folder / "a", folder / "d"), OptionError);
}

TEST_CASE("the page: scripts end where they should, base64 is right") {
  CHECK(report::base64("") == "");
  CHECK(report::base64("f") == "Zg==");
  CHECK(report::base64("fo") == "Zm8=");
  CHECK(report::base64("foobar") == "Zm9vYmFy");
  const std::string html = report::page_html({});
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = html.find(what); at != std::string::npos; at = html.find(what, at + 1))
      ++n;
    return n;
  };
  CHECK(count("<script") == count("</script>"));
  CHECK(count("</script") == count("</script>"));
  CHECK(contains(html, "default-src 'none'; script-src 'sha256-"));
  CHECK(contains(html, "Chart.js v3"));
  CHECK(contains(html, "Released under the MIT License"));
}

TEST_CASE("reliability bins agree with the calibration error") {
  Predictions p = made_up(1000, 4, 10);
  complete(p);
  const auto r = report::reliability_of(p);
  double ece = 0, count = 0;
  for (const auto& bin : r["bins"]) {
    if (bin[0] == 0) continue;
    ece += bin[0].get<double>() / 1000 * std::abs(bin[1].get<double>() - bin[2].get<double>());
    count += bin[0].get<double>();
  }
  CHECK(count == 1000);
  CHECK(ece == Approx(r["ece"].get<double>()).epsilon(1e-12));
}

// What the checker writes: names that mean harm stay text, lists hold every finding, predictions
// are matched by id.
#include <taxon/base/file.h>

#include "check_test.h"

#include <nlohmann/json.hpp>

#include <filesystem>

using namespace taxon;
using namespace taxon::check;
using namespace taxon::test;

namespace {

const std::string hostile = "<script>alert(1)</script>";

// Folder names cannot hold a slash: the end tag is spelt without one.
void fill_hostile(const Folder& folder) {
  const std::string bad = "<script>alert(1)<script>\"'&";
  const std::string emoji = "\xF0\x9F\x90\xB1 \xD7\xA9\xD7\x9C";
  for (int i = 0; i < 4; ++i) {
    folder.write(text("train/", bad, "/", i, ",\"x\".png"),
                 encode_png(picture(static_cast<std::uint64_t>(i))));
    folder.write(text("train/", emoji, "/", i, "\n.png"),
                 encode_png(picture(static_cast<std::uint64_t>(i))));
  }
  folder.write("train/" + bad + "/broken.png", hostile);
}

}  // namespace

TEST_CASE("check: hostile names are shown, not run") {
  const Folder folder;
  fill_hostile(folder);
  const Findings f = checked(folder.path());
  CHECK(f.duplicates.size() == 4);
  CHECK(f.conflicts.size() == 4);
  const std::string page = to_html(f);
  CHECK_FALSE(contains(page, "<script"));
  CHECK(contains(page, "&lt;script&gt;alert(1)&lt;script&gt;&quot;&#39;&amp;"));
  CHECK(contains(page, "default-src 'none'"));
  CHECK(contains(page, "\xF0\x9F\x90\xB1"));
  CHECK_FALSE(contains(page, "http://"));
  CHECK_FALSE(contains(page, "https://"));
  const std::string shown = to_text(f, -1);
  CHECK(contains(shown, "0\\x0a.png"));
  CHECK_FALSE(contains(shown, "0\n.png"));
  const auto j = nlohmann::json::parse(to_json(f));
  CHECK(j["unreadable"].size() == 1);
  CHECK(j["duplicates"].size() == 4);
  CHECK(j["duplicates"][0]["same_bytes"] == true);
}

TEST_CASE("check: names that are not UTF-8 are written all the same") {
  const Folder folder;
  folder.write("train/a\xff/1.png", encode_png(picture(1)));
  folder.write("train/b/1.png", encode_png(picture(1)));
  const Findings f = checked(folder.path());
  CHECK(nlohmann::json::parse(to_json(f))["conflicts"].size() == 1);
}

TEST_CASE("check: the folder holds lists of what was found, and none of an earlier check") {
  const Folder folder, out;
  fill_hostile(folder);
  const Findings f = checked(folder.path());
  const std::string where = out / "new/check";
  const Written w = write_folder(f, where);
  CHECK(w.files == std::vector<std::string>{"check.html", "check.json", "unreadable.csv",
                                            "duplicates.csv", "conflicts.csv"});
  const std::string rows = read_text(where + "/duplicates.csv");
  CHECK(rows.starts_with("group,id,path,split,label,same_bytes\n"));
  CHECK(contains(rows, "\"train/<script>alert(1)<script>\"\"'&/0,\"\"x\"\".png\""));
  const Folder clean;
  clean.write("train/a/1.png", encode_png(picture(1)));
  clean.write("train/b/1.png", encode_png(picture(2)));
  CHECK(write_folder(checked(clean.path()), where).files ==
        std::vector<std::string>{"check.html", "check.json"});
  CHECK_FALSE(file_exists(where + "/duplicates.csv"));
  const std::string taken = out.write("file", "x");
  CHECK(contains(error_of<IoError>([&] { write_folder(f, taken); }), taken));
}

TEST_CASE("check: pages of many findings are capped, with a note") {
  const Folder folder;
  for (std::uint64_t i = 0; i < 70; ++i) {
    folder.write(text("train/a/", i, ".png"), encode_png(picture(i)));
    folder.write(text("train/b/", i, ".png"), encode_png(picture(i)));
  }
  const Findings f = checked(folder.path());
  CHECK(f.duplicates.size() == 70);
  const std::string page = to_html(f, 60);
  CHECK(contains(page, "The first 60 are shown"));
  CHECK(contains(to_text(f, 5), "... and 65 more"));
  CHECK_FALSE(contains(to_text(f, -1), "more\n"));
}

TEST_CASE("check: labels are judged by predictions matched by id") {
  const Folder folder;
  std::string rows = "id,true,prob_b,prob_a\n";
  for (std::uint64_t i = 0; i < 10; ++i) {
    folder.write(text("train/a/", i, ".png"), encode_png(picture(i)));
    folder.write(text("train/b/", i, ".png"), encode_png(picture(100 + i)));
    // Of train/a/4 the model says b.
    rows += text("train/a/", i, ".png,a,", i == 4 ? "0.95,0.05" : "0.1,0.9", "\n");
    rows += text("train/b/", i, ".png,b,0.9,0.1\n");
  }
  const std::string file = folder.write("p.csv", rows);
  CheckOptions options;
  options.labels = LabelSource::file;
  options.predictions = file;
  const Splits data = open_dataset(folder.path());
  const Findings f = check_data(data, options);
  CHECK(f.labels.judged == 20);
  CHECK(f.labels.accuracy == Approx(0.95));
  REQUIRE(f.labels.suspicious.size() == 1);
  CHECK(f.samples.id(f.labels.suspicious[0].sample) == "train/a/4.png");
  CHECK(f.labels.suspicious[0].suggested == 1);
  write_folder(f, folder / "out");
  CHECK(contains(read_text(folder / "out/labels.csv"),
                 "train/a/4.png," + folder.path() + "/train/a/4.png,train,a,a,b,0.05,0.95,"));

  const auto refused = [&](const std::string& content) {
    options.predictions = folder.write("bad.csv", content);
    return error_of<FormatError>([&] { check_data(data, options); });
  };
  CHECK(contains(refused("id,true,prob_a\ntrain/a/1.png,a,1\n"), "no column 'prob_b'"));
  CHECK(contains(refused("id,true,predicted\ntrain/a/1.png,a,a\n"), "no columns prob_"));
  CHECK(contains(refused("true,prob_a,prob_b\na,1,0\n"), "neither a column 'id' nor 'path'"));
  CHECK(contains(refused("id,true,prob_a,prob_b\nx,a,1,0\n"), "none of its 1 rows"));
  CHECK(contains(refused("id,true,prob_a,prob_b\nx,a,1,0\nx,a,1,0\n"), "two rows are of 'x'"));
}

TEST_CASE("check: an interruption is obeyed") {
  const Folder folder;
  folder.write("train/a/1.png", encode_png(picture(1)));
  const std::atomic<bool> stop{true};
  CheckOptions options;
  options.interrupt = &stop;
  CHECK_THROWS_AS(check_data(open_dataset(folder.path()), options), Error);
}

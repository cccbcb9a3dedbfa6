// Each finding on folders with planted cases: exactly those are found.
#include <taxon/base/parallel.h>

#include "check_test.h"

#include <filesystem>
#include <set>

using namespace taxon;
using namespace taxon::check;
using namespace taxon::test;

namespace fs = std::filesystem;

namespace {

// train/{a,b}/0..19, test/{a,b}/0..4: all different.
void fill(const Folder& folder) {
  std::uint64_t seed = 1;
  for (const auto& [split, n] : {std::pair{"train", 20}, std::pair{"test", 5}}) {
    for (const char* label : {"a", "b"}) {
      for (int i = 0; i < n; ++i) {
        folder.write(text(split, '/', label, '/', i, ".png"), encode_png(picture(seed++)));
      }
    }
  }
}

}  // namespace

TEST_CASE("check: clean data have no findings") {
  const Folder folder;
  fill(folder);
  const Findings f = checked(folder.path(), LabelSource::none);
  CHECK(f.samples.size() == 50);
  CHECK(f.unreadable.empty());
  CHECK(f.duplicates.empty());
  CHECK(f.near.empty());
  CHECK(f.leaks.empty());
  CHECK(f.conflicts.empty());
  CHECK(f.missing.empty());
  CHECK(f.outliers.empty());
  CHECK(f.sizes.different == 1);
  CHECK(f.sizes.colour == 50);
  CHECK(f.balance.ratio == 1);
}

TEST_CASE("check: planted duplicates, leaks and conflicts are found exactly") {
  const Folder folder;
  fill(folder);
  const auto copy = [&](const std::string& from, const std::string& to) {
    fs::copy_file(folder / from, folder / to);
  };
  copy("train/a/3.png", "train/a/x.png");                                // within a class
  copy("train/a/4.png", "test/b/x.png");                                 // a leak, other label
  folder.write("test/a/x.bmp", encode_png(picture(6)));                  // train/a/5's pixels
  folder.write("test/a/y.png", encode_png(mirrored(picture(7))));        // train/a/6 mirrored
  folder.write("train/b/z.png", encode_png(disturbed(picture(21), 1)));  // near train/b/0
  folder.write("test/b/w.jpg",
               encode_jpeg(picture(22, 80, 80), 60));  // train/b/1, 4 times as large
  const Findings f = checked(folder.path());
  REQUIRE(f.duplicates.size() == 3);
  CHECK(ids(f, f.duplicates[0].samples) == "train/a/3.png train/a/x.png");
  CHECK(f.duplicates[0].same_bytes);
  CHECK(f.duplicates[0].same_labels);
  CHECK(ids(f, f.duplicates[1].samples) == "train/a/4.png test/b/x.png");
  CHECK_FALSE(f.duplicates[1].same_labels);
  CHECK(ids(f, f.duplicates[2].samples) == "train/a/5.png test/a/x.bmp");
  std::set<std::string> near;
  for (const Pair& p : f.near)
    near.insert(ids(f, std::vector<std::int64_t>{p.a, p.b}) + (p.mirrored ? " mirrored" : ""));
  CHECK(near == std::set<std::string>{"train/a/6.png test/a/y.png mirrored",
                                      "train/b/0.png train/b/z.png", "train/b/1.png test/b/w.jpg"});
  REQUIRE(f.leaks.size() == 1);
  CHECK(f.leaks[0].from == "train");
  CHECK(f.leaks[0].to == "test");
  CHECK(ids(f, f.leaks[0].exact) == "test/a/x.bmp=train/a/5.png test/b/x.png=train/a/4.png");
  CHECK(ids(f, f.leaks[0].near) == "test/a/y.png=train/a/6.png test/b/w.jpg=train/b/1.png");
  REQUIRE(f.conflicts.size() == 1);
  CHECK(ids(f, std::vector<std::int64_t>{f.conflicts[0].a, f.conflicts[0].b}) ==
        "train/a/4.png test/b/x.png");
}

TEST_CASE("check: equal pixels in files of other bytes are duplicates but not the same files") {
  const Folder folder;
  fill(folder);
  auto bytes = encode_png(picture(1));
  bytes.push_back(0);  // behind the end: the same picture
  folder.write("train/a/x.png", bytes);
  const Findings f = checked(folder.path());
  REQUIRE(f.duplicates.size() == 1);
  CHECK(ids(f, f.duplicates[0].samples) == "train/a/0.png train/a/x.png");
  CHECK_FALSE(f.duplicates[0].same_bytes);
}

TEST_CASE("check: a near duplicate of a duplicate leaks from each split that has it") {
  const Folder folder;
  fill(folder);
  for (const char* split : {"val/a/0.png", "val/b/0.png"}) {
    folder.write(split, encode_png(picture(split[4] == 'a' ? 1 : 900)));
  }
  folder.write("test/a/x.png", encode_png(disturbed(picture(1), 1)));
  const Findings f = checked(folder.path());
  REQUIRE(f.leaks.size() == 3);
  CHECK(f.leaks[0].from + f.leaks[0].to == "trainval");
  CHECK(ids(f, f.leaks[0].exact) == "val/a/0.png=train/a/0.png");
  CHECK(f.leaks[1].from + f.leaks[1].to == "traintest");
  CHECK(ids(f, f.leaks[1].near) == "test/a/x.png=train/a/0.png");
  CHECK(f.leaks[2].from + f.leaks[2].to == "valtest");
  CHECK(ids(f, f.leaks[2].near) == "test/a/x.png=val/a/0.png");
}

TEST_CASE("check: unreadable files are found exactly and the others are still checked") {
  const Folder folder;
  fill(folder);
  auto half = encode_png(picture(1));
  half.resize(half.size() / 2);
  folder.write("train/a/cut.png", half);
  folder.write("train/a/empty.png", "");
  folder.write("train/b/text.jpg", "no picture");
  folder.write("test/b/copy.png", encode_png(picture(1)));
  fs::create_symlink(folder / "nowhere.png", folder / "train/b/gone.png");
  fs::create_directory_symlink(folder / "train/b", folder / "train/b/loop");
  const Findings f = checked(folder.path(), LabelSource::fast);
  std::vector<std::int64_t> samples;
  for (const Unreadable& u : f.unreadable) {
    samples.push_back(u.sample);
    CHECK(contains(u.why, f.samples.path(u.sample)));
  }
  CHECK(ids(f, samples) == "train/a/cut.png train/a/empty.png train/b/gone.png train/b/text.jpg");
  REQUIRE(f.leaks.size() == 1);
  CHECK(ids(f, f.leaks[0].exact) == "test/b/copy.png=train/a/0.png");
  CHECK(f.labels.judged == 51);
}

TEST_CASE("check: odd images, balance and missing classes") {
  const Folder folder;
  fill(folder);
  folder.write("train/c/0.png", encode_png(Image(40, 40, 3)));
  folder.write("train/c/1.png", encode_png(Image(40, 40, 3)));
  folder.write("train/c/2.png", encode_png(picture(901, 8, 40)));
  folder.write("train/c/3.png", encode_png(convert_channels(picture(902), 1)));
  folder.write("train/c/4.png", encode_png(convert_channels(convert_channels(picture(903), 1), 3)));
  const Findings f = checked(folder.path());
  CHECK(ids(f, f.sizes.constant) == "train/c/0.png train/c/1.png");
  CHECK(ids(f, f.sizes.tiny) == "train/c/2.png");
  CHECK(ids(f, f.sizes.stretched) == "train/c/2.png");
  CHECK(f.sizes.one_channel == 1);
  CHECK(f.sizes.grey == 3);  // the constant ones are grey as well
  CHECK(f.sizes.different == 2);
  REQUIRE(f.missing.size() == 1);
  CHECK(f.missing[0].split == "test");
  CHECK(f.missing[0].label == 2);
  CHECK(f.balance.rarest == 2);
  CHECK(f.balance.most == 0);
  CHECK(f.balance.ratio == 5);
  CHECK(f.near.empty());  // pictures of one colour look like nothing
  REQUIRE(f.duplicates.size() == 1);
}

TEST_CASE("check: classes that train lacks are findings, not errors") {
  const Folder folder;
  fill(folder);
  folder.write("test/c/0.png", encode_png(picture(901)));
  fs::create_directories(folder / "train/d");
  DataOptions options;
  CHECK_THROWS_AS(open_dataset(folder.path(), options), FormatError);
  options.allow_missing_classes = true;
  const Findings f = check::check_data(open_dataset(folder.path(), options));
  std::string missing;
  for (const check::MissingClass& m : f.missing)
    missing += m.split + " " + f.samples.class_names()[static_cast<std::size_t>(m.label)] + ", ";
  CHECK(missing == "train c, train d, test d, ");
}

TEST_CASE("check: a picture of another kind is an outlier of its class") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) {  // variations of one picture
    Image image = picture(5);
    Rng rng(static_cast<std::uint64_t>(i), 3);
    for (std::size_t k = 0; k < image.bytes(); ++k) {
      image.data()[k] = static_cast<std::uint8_t>(image.data()[k] / 2 + rng.below(60));
    }
    folder.write(text("train/a/", i, ".png"), encode_png(image));
    folder.write(text("train/b/", i, ".png"), encode_png(mirrored(image)));
  }
  folder.write("train/b/other.png", encode_png(picture(77)));
  const Findings f = checked(folder.path());
  REQUIRE(f.outliers.size() == 1);
  CHECK(f.samples.id(f.outliers[0].sample) == "train/b/other.png");
}

TEST_CASE("check: the quick look finds flipped labels of pictures that are easy to tell") {
  Labels labels{Task::single, {"flat", "steep", "third"}, {}, {}};
  Bytes pixels;
  std::set<std::int64_t> flipped;
  for (std::int64_t i = 0; i < 600; ++i) {
    const std::int64_t truth = i % 3;
    Image image = disturbed(truth == 0   ? picture(31)
                            : truth == 1 ? picture(32)
                                         : picture(33),
                            static_cast<std::uint64_t>(i));
    pixels.insert(pixels.end(), image.data(), image.data() + image.bytes());
    const bool flip = i % 20 == 7;
    if (flip) flipped.insert(i);
    labels.index.push_back(flip ? (truth + 1) % 3 : truth);
  }
  Splits data;
  data.class_names = labels.class_names;
  data.train = memory_dataset("x/train", std::move(pixels), Shape{40, 40, 3}, std::move(labels));
  CheckOptions options;
  options.near = 0;
  const Findings one = [&] {
    set_num_threads(1);
    return check_data(data, options);
  }();
  set_num_threads(2);
  const Findings two = check_data(data, options);
  std::set<std::int64_t> found;
  for (const SuspiciousLabel& s : one.labels.suspicious) {
    found.insert(s.sample);
    CHECK(s.suggested == s.sample % 3);
  }
  CHECK(found == flipped);
  CHECK(one.near.empty());
  CHECK(to_json(one) == to_json(two));
}

TEST_CASE("check: one class and several labels") {
  const Folder folder;
  std::string rows = "filename,labels\n";
  for (int i = 0; i < 120; ++i) {  // the picture is x, or y, or both side by side
    const bool x = i % 3 != 0, y = i % 3 != 1;
    Image image(32, 32, 3);
    for (std::int64_t r = 0; r < 32; ++r) {
      for (std::int64_t c = 0; c < 32; ++c) {
        const bool stripe = c < 16 ? x && r % 8 < 4 : y && c % 8 < 4;
        for (std::int64_t k = 0; k < 3; ++k) image.at(r, c, k) = stripe ? 200 : 30;
      }
    }
    folder.write(text(i, ".png"), encode_png(disturbed(image, static_cast<std::uint64_t>(i))));
    const bool wrong = i == 60;  // both, of which x is left out... and y alone is given
    const bool given_x = wrong ? !x : x;
    rows += text(i, ".png,", given_x ? "x" : "", given_x && y ? "|" : "", y ? "y" : "", "\n");
  }
  folder.write("labels.csv", rows);
  const Findings f = checked(folder / "labels.csv", LabelSource::fast);
  CHECK(f.samples.task() == Task::multi);
  REQUIRE(f.labels.suspicious.size() == 1);
  CHECK(f.samples.id(f.labels.suspicious[0].sample) == "60.png");
  CHECK(f.labels.suspicious[0].about == 0);
  CHECK(f.labels.suspicious[0].given == 1);
  CHECK(f.labels.suspicious[0].suggested == 0);

  const Folder alone;
  for (int i = 0; i < 6; ++i) {
    alone.write(text("train/a/", i, ".png"), encode_png(picture(static_cast<std::uint64_t>(i))));
  }
  const Findings one = checked(alone.path(), LabelSource::fast);
  CHECK(one.labels.suspicious.empty());
  CHECK(contains(one.labels.skipped, "one class"));
}

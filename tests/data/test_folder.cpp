// Folders of images.
#include "catch.h"

#include <taxon/data/sources.h>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

void put_images(const Folder& folder, const std::string& below, int n, std::int64_t channels = 3) {
  for (int i = 0; i < n; ++i) {
    folder.write(below + "/" + std::to_string(i) + ".png", encode_png(pattern(6, 9, channels)));
  }
}

std::string format_error(const std::string& data) {
  return error_of<FormatError>([&] { open_dataset(data); });
}

}  // namespace

TEST_CASE("splits of class folders; classes are matched by name") {
  const Folder folder;
  for (const char* name : {"zebra", "ant", "Bee"}) {
    put_images(folder, std::string("animals/train/") + name, 3);
  }
  put_images(folder, "animals/valid/zebra", 2);
  put_images(folder, "animals/valid/ant", 1);
  put_images(folder, "animals/test/Bee", 2);
  folder.write("animals/train/.DS_Store", std::string_view("x"));
  folder.write("animals/train/ant/.hidden.png", std::string_view("x"));
  folder.write("animals/train/ant/notes.txt", std::string_view("x"));
  const Splits s = open_dataset(folder / "animals/");
  CHECK(s.name == "animals");
  CHECK(s.format == "folder");
  CHECK(s.class_names == std::vector<std::string>{"Bee", "ant", "zebra"});
  CHECK(s.train->size() == 9);
  REQUIRE(s.val);
  CHECK(s.val->size() == 3);
  CHECK(s.val->label(0) == 1);
  CHECK(s.val->label(1) == 2);
  CHECK(s.val->id(1) == "valid/zebra/0.png");
  CHECK(s.val->path(1) == folder / "animals/valid/zebra/0.png");
  CHECK(s.test->label(0) == 0);
  CHECK_FALSE(s.divided);
  CHECK((s.facts.height == 6 && s.facts.width == 9 && s.facts.channels == 3));
  CHECK(s.warnings.size() == 2);  // Bee in val; ant, zebra in test
  CHECK(contains(s.warnings[0], "no val sample of 1 class: Bee"));
}

TEST_CASE("a folder without splits is divided 80/10/10, seeded and by class") {
  const Folder folder;
  put_images(folder, "f/a", 20, 1);
  put_images(folder, "f/b", 10, 1);
  put_images(folder, "f/c", 2, 1);
  const Splits s = open_dataset(folder / "f");
  CHECK(s.divided);
  CHECK(s.train->class_counts() == std::vector<std::int64_t>{16, 8, 2});
  CHECK(s.val->class_counts() == std::vector<std::int64_t>{2, 1, 0});
  CHECK(s.test->class_counts() == std::vector<std::int64_t>{2, 1, 0});
  CHECK(s.facts.channels == 1);
  CHECK(s.fingerprint() == open_dataset(folder / "f").fingerprint());
  DataOptions o;
  o.seed = 1;
  CHECK(s.fingerprint() != open_dataset(folder / "f", o).fingerprint());
  o.val_fraction = 0.5;
  CHECK(open_dataset(folder / "f", o).val->class_counts() == std::vector<std::int64_t>{10, 5, 1});
  o.val_fraction = 0.0;
  CHECK(open_dataset(folder / "f", o).val == nullptr);
}

TEST_CASE("folders with mistakes are named") {
  const Folder folder;
  put_images(folder, "a/train/cat", 1);
  put_images(folder, "a/train/dog", 1);
  std::filesystem::create_directories(folder / "a/train/emu");
  CHECK(contains(format_error(folder / "a"), folder / "a/train/emu: empty class folder"));
  folder.write("a/train/emu/x.webp", std::string_view("x"));
  CHECK(contains(format_error(folder / "a"), "other image formats must be converted"));
  put_images(folder, "a/train/emu", 1);
  CHECK(open_dataset(folder / "a").warnings.size() == 1);  // the .webp
  put_images(folder, "a/test/dogs", 1);
  CHECK(contains(format_error(folder / "a"),
                 "class 'dogs' is missing in " + (folder / "a/train") + " (did you mean 'dog'?)"));
  std::filesystem::remove_all(folder / "a/test/dogs");
  CHECK(contains(format_error(folder / "a"), "a/test: no class folders"));

  put_images(folder, "b/val/x", 1);
  put_images(folder, "b/validation/x", 1);
  CHECK(contains(format_error(folder / "b"), "two folders for the split val"));
  put_images(folder, "c", 2);
  CHECK(contains(format_error(folder / "c"), "no class folders (2 images lie in it directly)"));
  std::filesystem::create_directories(folder / "d");
  CHECK(contains(format_error(folder / "d"), "no class folders"));
}

TEST_CASE("test alone will do for evaluation, not for training") {
  const Folder folder;
  put_images(folder, "a/test/cat", 1);
  put_images(folder, "a/val/dog", 1);
  CHECK(contains(format_error(folder / "a"), "no train split"));
  DataOptions o;
  o.require_train = false;
  const Splits s = open_dataset(folder / "a", o);
  CHECK(s.class_names == std::vector<std::string>{"cat", "dog"});
  CHECK(s.val->label(0) == 1);
  CHECK(with_classes(s.val, {"bird", "dog", "cat"})->label(0) == 1);
}

TEST_CASE("a val fraction where there is a val split is refused") {
  const Folder folder;
  put_images(folder, "a/train/cat", 4);
  put_images(folder, "a/val/cat", 1);
  DataOptions o;
  o.val_fraction = 0.25;
  CHECK(contains(error_of<OptionError>([&] { open_dataset(folder / "a", o); }),
                 "have a val split of 1"));
}

TEST_CASE("images may lie deeper in a class folder, and links in circles are not followed") {
  const Folder folder;
  put_images(folder, "a/train/cat/2019", 2);
  put_images(folder, "a/train/cat/2020", 1);
  put_images(folder, "elsewhere", 4);
  const auto link = [&](const std::string& to, const std::string& from) {
    std::filesystem::create_directory_symlink(folder / to, folder / from);
  };
  link("elsewhere", "a/train/dog");  // no circle
  CHECK(open_dataset(folder / "a").train->size() == 7);
  CHECK(open_dataset(folder / "a").warnings.empty());
  link("a/train/cat", "a/train/cat/2020/loop");
  link("a/train", "a/train/all");    // would be a class
  link("a", "a/train/cat/2019/up");  // would bring in other splits
  link("a/train/knot", "a/train/knot");
  const Splits s = open_dataset(folder / "a");
  CHECK(s.train->size() == 7);
  CHECK(s.class_names == std::vector<std::string>{"cat", "dog"});
  REQUIRE(s.warnings.size() == 1);
  CHECK(contains(s.warnings[0], "a/train: 3 links back to a folder above are ignored"));
}

TEST_CASE("default preprocessing follows the images") {
  DataFacts facts;
  facts.height = 300;
  facts.width = 210;
  facts.mean = imagenet_mean(3);
  facts.std = imagenet_std(3);
  CHECK(default_preprocess(facts).height == 192);
  CHECK(default_preprocess(facts, 64, ResizeMode::squash).width == 64);
  facts.height = facts.width = 28;
  CHECK(default_preprocess(facts).height == 32);
  facts.fixed_size = true;
  CHECK(default_preprocess(facts).height == 28);
}

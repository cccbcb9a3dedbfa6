// Augmentation from TOML files.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/train/augment_file.h>
#include <taxon/train/options.h>

#include "train_test.h"

using namespace taxon;

namespace {

constexpr AugmentContext small{32, 32, true};

template <class E>
std::string error_of(std::string_view content) {
  try {
    augment_from_toml(content, "my.toml", small);
  } catch (const E& e) {
    return e.what();
  }
  return "no such error";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file sets fields by name, from nothing or from a preset") {
  const Augment a = augment_from_toml(
      "hue = 0.1\npolicy = \"rand\"\nrand_ops = 3\nflip = true\ncontrast = 1\n", "f", small);
  Augment expected;
  expected.hue = 0.1;
  expected.policy = Policy::rand;
  expected.rand_ops = 3;
  expected.flip = true;
  expected.contrast = 1;
  CHECK(a == expected);
  Augment light = Augment::preset("light", 32, 32, true);
  CHECK(augment_from_toml("preset = \"light\"", "f", small) == light);
  light.cutout = 8;
  CHECK(augment_from_toml("cutout = 8\npreset = \"light\"\n", "f", small) == light);
  CHECK(augment_from_toml("", "f", small) == Augment{});
}

TEST_CASE("every field reads back as it was written") {
  Augment a;
  a.min_area = 0.1 + 0.2;
  a.pad = 3;
  a.pad_mode = PadMode::reflect;
  a.flip = a.flip_alternate = true;
  a.brightness = 0.1;
  a.contrast = 0.2;
  a.saturation = 5e-7;
  a.hue = 0.5;
  a.policy = Policy::trivial;
  a.rand_ops = 4;
  a.rand_magnitude = 30;
  a.cutout = 7;
  a.erase = 1;
  a.erase_fill = EraseFill::mean;
  CHECK(augment_from_toml(to_toml(a), "f", small) == a);
  for (const std::string& name : Augment::names()) {
    const Augment preset = Augment::preset(name, 32, 32, true);
    CHECK(augment_from_toml(to_toml(preset), "f", small) == preset);
  }
}

TEST_CASE("a wrong file says where, what was found and what was expected") {
  CHECK(holds(error_of<OptionError>("pad = 1\nflipp = true"),
              "my.toml, line 2: flipp is no field of an augmentation (did you mean 'flip'?)"));
  CHECK(holds(error_of<FormatError>("pad = 1.5"),
              "my.toml, line 1: pad is 1.5, expected a whole number"));
  CHECK(holds(error_of<FormatError>("hue = \"much\""), "hue is 'much', expected a number"));
  CHECK(holds(error_of<FormatError>("flip = 1"), "flip is 1, expected true or false"));
  CHECK(holds(error_of<FormatError>("policy = [1]"), "policy is a list, expected a text: none"));
  CHECK(holds(error_of<OptionError>("policy = \"trival\""), "did you mean 'trivial'"));
  CHECK(holds(error_of<OptionError>("preset = \"lite\""), "expected one of: none, light"));
  CHECK(holds(error_of<OptionError>("hue = 0.7"), "my.toml: augmentation: hue is 0.7, expected 0"));
  CHECK(holds(error_of<OptionError>("hue = nan"), "hue is nan"));
  CHECK(holds(error_of<FormatError>("hue ="), "my.toml, line 1"));
}

TEST_CASE("--augment means a preset or a file") {
  const Folder folder;
  write_file_atomic(folder / "my.toml", "erase = 0.25\n");
  CHECK(augment_for(folder / "my.toml", small).erase == 0.25);
  CHECK(augment_for("standard", small) == Augment::preset("standard", 32, 32, true));
  CHECK_THROWS_AS(augment_for(folder / "other.toml", small), IoError);
  CHECK_THROWS_AS(augment_for("standrad", small), OptionError);
  TrainOptions o;
  set_option(o, "augment", "my.toml");
  CHECK(o.augment == "my.toml");
  set_option(o, "augment", "trivial");
  CHECK_THROWS_AS(set_option(o, "augment", "my.tml"), OptionError);
  CHECK_THROWS_AS(set_option(o, "augment", ".toml"), OptionError);
}

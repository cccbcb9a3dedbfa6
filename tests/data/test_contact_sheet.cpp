// Contact sheets.
#include "catch.h"

#include <taxon/data/contact_sheet.h>

#include <vector>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("a contact sheet holds each image at its place") {
  const std::vector<Image> images{pattern(3, 5, 3), pattern(3, 5, 3), Image(3, 5, 3),
                                  pattern(3, 5, 3), Image(3, 5, 3)};
  ContactSheet o;
  o.columns = 3;
  o.gap = 2;
  o.least_side = 1;
  const Image sheet = contact_sheet(images, o);
  REQUIRE(sheet.str() == "12x23x3");
  for (std::int64_t i = 0; i < 5; ++i) {
    CHECK(crop(sheet, 2 + i / 3 * 5, 2 + i % 3 * 7, 3, 5) == images[static_cast<std::size_t>(i)]);
  }
  for (const auto& [y, x] :
       {std::pair{0, 0}, std::pair{11, 22}, std::pair{2, 7}, std::pair{8, 17}}) {
    CHECK(int{sheet.at(y, x, 1)} == 200);
  }
}

TEST_CASE("small images are enlarged on a contact sheet, large ones shrunk") {
  ContactSheet o;
  o.gap = 0;
  o.least_side = 10;
  const Image image = pattern(3, 4, 1);
  const Image sheet = contact_sheet(std::span(&image, 1), o);
  REQUIRE(sheet.str() == "9x12x1");
  for (std::int64_t y = 0; y < 9; ++y) {
    for (std::int64_t x = 0; x < 12; ++x) {
      REQUIRE(sheet.at(y, x, 0) == image.at(y / 3, x / 3, 0));
    }
  }
  o.most_side = 20;
  const Image large = pattern(50, 100, 3);
  CHECK(contact_sheet(std::span(&large, 1), o) == resize(large, 10, 20));
}

TEST_CASE("a contact sheet refuses images of two sizes and none") {
  const std::vector<Image> images{pattern(3, 5, 3), pattern(3, 4, 3)};
  CHECK(contains(error_of<ShapeError>([&] { contact_sheet(images); }),
                 "image 1 is 3x4x3, expected 3x5x3"));
  CHECK_THROWS_AS(contact_sheet({}), OptionError);
  const std::vector<Image> many(500, Image(256, 1, 1));
  ContactSheet o;
  o.columns = 1;
  CHECK_THROWS_AS(contact_sheet(many, o), OptionError);
}

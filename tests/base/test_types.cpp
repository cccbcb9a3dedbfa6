// Shapes, dtypes, devices, errors and text helpers.
#include <taxon/base/cpu.h>
#include <taxon/base/device.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/shape.h>
#include <taxon/base/text.h>

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"

using namespace taxon;

TEST_CASE("shapes count, index and print") {
  const Shape s{2, 3, 4};
  CHECK(s.rank() == 3);
  CHECK(s.numel() == 24);
  CHECK(s[-1] == 4);
  CHECK(s.str() == "[2, 3, 4]");
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{3, 0}.numel() == 0);
  CHECK_THROWS_AS(s[3], ShapeError);
  CHECK_THROWS_AS((Shape{1, -2}), ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS((Shape{1LL << 40, 1LL << 40}.numel()), ShapeError);
}

TEST_CASE("broadcasting follows NumPy") {
  CHECK(broadcast("add", {4, 1, 3}, {2, 1}) == Shape{4, 2, 3});
  CHECK(broadcast("add", {}, {5}) == Shape{5});
  CHECK(broadcast("add", {0, 1}, {1, 7}) == Shape{0, 7});
  try {
    broadcast("add", {2, 3}, {4});
    FAIL("no error");
  } catch (const ShapeError& e) {
    CHECK(std::string(e.what()) ==
          "add: shapes [2, 3] and [4] do not broadcast (3 against 4 at axis -1; expected equal "
          "extents or 1)");
  }
}

TEST_CASE("bf16 rounds to nearest even and keeps what is special") {
  CHECK(static_cast<float>(bf16(1.0F)) == 1.0F);
  CHECK(static_cast<float>(bf16(1.0F + 0x1p-8F)) == 1.0F);            // tie: to even
  CHECK(static_cast<float>(bf16(1.0F + 0x3p-8F)) == 1.0F + 0x2p-7F);  // tie: to even, upwards
  CHECK(static_cast<float>(bf16(1.0F + 0x1.8p-8F)) == 1.0F + 0x1p-7F);
  CHECK(std::isinf(static_cast<float>(bf16(std::numeric_limits<float>::infinity()))));
  CHECK(std::isnan(static_cast<float>(bf16(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(std::isinf(static_cast<float>(bf16(std::numeric_limits<float>::max()))));
}

TEST_CASE("dtypes, devices and instruction sets have names") {
  CHECK(size_of(DType::bf16) == 2);
  CHECK(name_of(DType::i64) == "i64");
  CHECK(Device::parse("cuda:3").str() == "cuda:3");
  CHECK(Device::parse("cpu") == cpu);
  for (const char* bad : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", ""}) {
    CHECK_THROWS_AS(Device::parse(bad), OptionError);
  }
  CHECK(parse_isa("avx512") == Isa::avx512);
  CHECK_THROWS_AS(parse_isa("sse9"), OptionError);
  const Isa before = active_isa();
  for (const Isa isa : available_isas()) {
    set_isa(isa);
    CHECK(active_isa() == isa);
  }
  set_isa(before);
}

TEST_CASE("suggestions for slips of the keyboard") {
  const std::vector<std::string> names{"resnet18", "resnet20", "lenet", "mlp"};
  CHECK(nearest("resnt18", names) == "resnet18");
  CHECK(nearest("LeNet", names) == "lenet");
  CHECK(nearest("mpl", names) == "mlp");
  CHECK(nearest("transformer", names).empty());
  CHECK(did_you_mean("lenett", names) == " (did you mean 'lenet'?)");
  CHECK(did_you_mean("xyz", names).empty());
}

TEST_CASE("text is split, joined, trimmed and parsed") {
  CHECK(split("a|b||c", '|') == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(split("", '|') == std::vector<std::string>{""});
  CHECK(join(std::vector<std::string>{"a", "b"}, ", ") == "a, b");
  CHECK(trim("  x y\t\n") == "x y");
  CHECK(parse_int(" 42 ", "epochs") == 42);
  CHECK(parse_number("1e-3", "lr") == 1e-3);
  CHECK_THROWS_AS(parse_int("4x", "epochs"), FormatError);
  CHECK_THROWS_AS(parse_number("", "lr"), FormatError);
  CHECK(text("a ", 1, ' ', 0.5, ' ', true, ' ', Shape{2}) == "a 1 0.5 true [2]");
}

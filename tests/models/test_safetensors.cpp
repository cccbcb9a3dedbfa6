// Safetensors: round trips, and files that lie.
#include <taxon/base/file.h>
#include <taxon/base/random.h>
#include <taxon/models/safetensors.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "catch.h"
#include "temporary_folder.h"

using namespace taxon;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(const std::string& header, std::size_t data_bytes) {
  Bytes out(8 + header.size() + data_bytes);
  const std::uint64_t n = header.size();
  std::memcpy(out.data(), &n, 8);
  std::memcpy(out.data() + 8, header.data(), header.size());
  return out;
}

std::string refusal(const Bytes& bytes) {
  try {
    parse_safetensors(bytes, "m.safetensors");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "(accepted)";
}

std::string refusal(const std::string& header, std::size_t data_bytes) {
  return refusal(file_of(header, data_bytes));
}

void check_refused(const std::string& header, std::size_t data_bytes, const std::string& part) {
  const std::string found = refusal(header, data_bytes);
  INFO(found);
  CHECK(found.rfind("m.safetensors: ", 0) == 0);
  CHECK(found.find(part) != std::string::npos);
}

std::vector<NamedTensor> sample() {
  Tensor b = Tensor::from(std::vector<bf16>{bf16(1.5f), bf16(-2.0f)}, Shape{2});
  return {{"u", Tensor::from(std::vector<std::uint8_t>{1, 2, 255}, Shape{3})},
          {"w", Tensor::from(std::vector<float>{1, -2.5f, 3e-30f, 4, 5, 6}, Shape{2, 3})},
          {"b", b},
          {"n", Tensor::from(std::vector<std::int64_t>{-7}, Shape{})},
          {"d", Tensor::from(std::vector<double>{0.1, 0.2}, Shape{2})},
          {"i", Tensor::from(std::vector<std::int32_t>{-1, 4}, Shape{1, 2})},
          {"e", Tensor::zeros(Shape{0, 4})}};
}

}  // namespace

TEST_CASE("safetensors: what is written is read", "[safetensors]") {
  TemporaryFolder folder;
  const std::string path = folder / "t.safetensors";
  write_safetensors(path, sample(), {{"a", "1"}, {"text", "\"ä\n"}});
  const TensorFile file = read_safetensors(path);
  CHECK(file.metadata == std::map<std::string, std::string>{{"a", "1"}, {"text", "\"ä\n"}});
  CHECK(read_safetensors_metadata(path) == file.metadata);
  REQUIRE(file.tensors.size() == 7);
  for (const NamedTensor& t : sample()) {
    INFO(t.name);
    const Tensor* found = file.find(t.name);
    REQUIRE(found);
    CHECK(found->shape() == t.tensor.shape());
    REQUIRE(found->dtype() == t.tensor.dtype());
    const std::size_t bytes =
        static_cast<std::size_t>(t.tensor.numel()) * size_of(t.tensor.dtype());
    if (bytes > 0) {
      CHECK(std::memcmp(found->raw(), t.tensor.raw(), bytes) == 0);
    }
  }
  CHECK_FALSE(file.find("x"));
  const Bytes bytes = read_file(path);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  SECTION("F16 is read as f32") {
    Bytes half = file_of(R"({"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]}})", 10);
    const std::uint16_t values[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555};
    std::memcpy(half.data() + half.size() - 10, values, 10);
    const auto read = parse_safetensors(half, "h").tensors[0].tensor.to_vector<float>();
    CHECK(read[0] == 1.0f);
    CHECK(read[1] == -2.0f);
    CHECK(read[2] == 0x1p-24f);
    CHECK(std::isinf(read[3]));
    CHECK(read[4] == Approx(1.0 / 3).epsilon(1e-3));
  }
  SECTION("names cannot come twice") {
    auto twice = sample();
    twice.push_back(twice[0]);
    REQUIRE_THROWS_AS(write_safetensors(path, twice), FormatError);
    CHECK(read_file(path) == bytes);  // the old file is whole
  }
  SECTION("errors of the system") {
    REQUIRE_THROWS_AS(read_safetensors(folder / "none"), IoError);
    REQUIRE_THROWS_AS(read_safetensors_metadata(folder / "none"), IoError);
    REQUIRE_THROWS_AS(read_safetensors_metadata(folder / "."), Error);
    REQUIRE_THROWS_AS(write_safetensors(folder / "no/t", sample()), IoError);
  }
}

TEST_CASE("safetensors: headers that lie are refused", "[safetensors]") {
  const std::string w = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  CHECK(parse_safetensors(file_of("{\"w\":{" + w + "}}", 8), "m").tensors.size() == 1);
  check_refused("{\"w\":{" + w + "}}", 7, "lie within the 7 bytes");
  check_refused("{\"w\":{" + w + "}}", 9, "9 bytes follow the header, expected 8");
  check_refused("{\"w\":{" + w + "},\"w\":{" + w + "}}", 8, "twice");
  check_refused("{\"w\":{\"dtype\":\"F32\"," + w + "}}", 8, "twice");
  check_refused("[1]", 0, "expected an object");
  check_refused("{", 0, "not JSON");
  check_refused("", 0, "not JSON");
  check_refused("\xff\xfe{}", 0, "not JSON");
  check_refused(R"({"w":3})", 0, "no dtype");
  check_refused(R"({"w":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8, "dtype is C64");
  check_refused(R"({"w":{"dtype":7,"shape":[1],"data_offsets":[0,8]}})", 8, "dtype is 7");
  check_refused(R"({"w":{"dtype":"F32","data_offsets":[0,8]}})", 8, "no shape");
  check_refused(R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "expected 12");
  check_refused(R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "whole numbers");
  check_refused(R"({"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8, "whole numbers");
  check_refused(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "[8, 0]");
  check_refused(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "two numbers");
  check_refused(R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
                "more values");
  check_refused(R"({"w":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8,
                "at most 8");
  check_refused(R"({"w":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8,
                "whole numbers");
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  check_refused("{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})", 7,
                "overlaps");
  check_refused("{" + a + R"(,"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})", 8, "hole");
  check_refused(R"({"__metadata__":{"a":1}})", 0, "expected a string");
  check_refused(R"({"__metadata__":"a"})", 0, "expected an object of strings");
  check_refused("{\"w\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", 0,
                "nested deeper");
}

TEST_CASE("safetensors: lengths that lie are refused", "[safetensors]") {
  CHECK(refusal(Bytes{}).find("0 bytes") != std::string::npos);
  CHECK(refusal(Bytes(7)).find("7 bytes") != std::string::npos);
  Bytes huge = file_of("{}", 0);
  for (const std::uint64_t n :
       {std::uint64_t{3}, std::uint64_t{100'000'001}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::memcpy(huge.data(), &n, 8);
    CHECK(refusal(huge).find("says its header has") != std::string::npos);
  }
}

TEST_CASE("safetensors: cut short or damaged, a file is refused or read, never more",
          "[safetensors]") {
  TemporaryFolder folder;
  const std::string path = folder / "t.safetensors";
  write_safetensors(path, sample(), {{"key", "value"}});
  const Bytes whole = read_file(path);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    REQUIRE_THROWS_AS(parse_safetensors(cut, "cut"), FormatError);
  }
  Rng rng(1);
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    Bytes damaged = whole;
    for (std::uint64_t k = 0; k <= rng.below(3); ++k) {
      damaged[rng.below(damaged.size())] ^= static_cast<std::uint8_t>(1 + rng.below(255));
    }
    try {
      parse_safetensors(damaged, "damaged");
    } catch (const FormatError&) {
      ++refused;
    }
  }
  CHECK(refused > 1000);
}

// A GPU whose matrix units do not take bf16.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/core/devices.h>
#include <taxon/train/recipe.h>

#include "host_backend.h"
#include "train/train_test.h"

using namespace taxon;
using Catch::Contains;

TEST_CASE("bf16 on a GPU before sm_80 is refused, and auto takes f32") {
  const Folder folder;
  for (const std::string part : {"/train/top", "/train/bottom", "/test/top", "/test/bottom"}) {
    std::filesystem::create_directories(folder / ("data" + part));
    save_png(half_image(part.ends_with("top") ? 0 : 1, 1), folder / ("data" + part + "/1.png"));
  }
  const auto precision = [&](const std::string& given, bool has_bf16) {
    test::host_has_bf16 = has_bf16;
    const Recipe r = explain_run({{"data", folder / "data"},
                                  {"model", "airnet-small"},
                                  {"size", "32"},
                                  {"device", "cuda"},
                                  {"precision", given}});
    return r.options.precision;
  };
  CHECK(has_bf16(cpu));
  CHECK(precision("auto", true) == "bf16");
  CHECK(precision("bf16", true) == "bf16");
  CHECK(precision("auto", false) == "f32");
  CHECK_FALSE(has_bf16({DeviceType::cuda, 0}));
  CHECK_THROWS_WITH(precision("bf16", false), Contains("cuda:0 (host memory)") &&
                                                  Contains("expected a GPU of sm_80 or newer"));
  test::host_has_bf16 = true;
}

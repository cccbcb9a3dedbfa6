// What the tests of cuDNN's and cuBLASLt's rows share: the stand-in in place of both libraries, and
// a row run as the device would, each twice.
#pragma once

#include <taxon/base/error.h>

#include <string>
#include <vector>

#include "catch.h"
#include "cudnn_row.h"
#include "kernel_test.h"
#include "library.h"
#include "rows.h"
#include "standin/standin.h"
#include "vendor.h"

namespace taxon::test {

namespace vendor = kernels::cuda::vendor;
namespace standin = kernels::cuda::vendor::standin;

/// The stand-in for as long as this lives; then everything that was made must be gone.
class StandIn {
 public:
  explicit StandIn(int capability = 90) {
    static int sm;
    sm = capability;
    vendor::set_devices({[] { return 0; }, [](int) {}, [](int) { return sm; }});
    vendor::use_cudnn(&standin::cudnn_functions);
    vendor::use_cublaslt(&standin::cublaslt_functions);
    standin::reset();
  }
  ~StandIn() {
    vendor::set_fast(false);
    vendor::set_tf32(false);
    vendor::release();
    CHECK(standin::record().live == 0);
    vendor::use_cudnn(nullptr);
    vendor::use_cublaslt(nullptr);
    standin::reset();
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
};

inline int stream_mark;  // its address stands for a stream

/// Runs a row that must not decline; its scratch memory ends at a guard page.
template <class Args>
void run_vendor(const kernels::Row<Args>& row, const Args& args) {
  INFO(row.name);
  const char* reason = row.declines(args);
  if (reason != nullptr) FAIL("declines: " << reason);
  const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, 1);
  Guarded<unsigned char> scratch(static_cast<std::int64_t>(bytes), 256);
  kernels::Exec exec;
  exec.scratch = bytes > 0 ? scratch.data() : nullptr;
  exec.stream = &stream_mark;
  row.run(args, exec);
  CHECK(standin::record().errors == std::vector<std::string>{});
  CHECK(standin::record().streams.back() == &stream_mark);
}

/// Integers in [low, high], in any type.
template <class T>
void fill_small(Guarded<T>& to, std::uint64_t seed, int low = -3, int high = 3) {
  Guarded<float> values(to.size());
  fill_integers(values, seed, low, high);
  for (std::int64_t i = 0; i < to.size(); ++i) to[i] = T(values[i]);
}

/// The text of the DeviceError that f throws; "" if it throws none.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const DeviceError& e) {
    return e.what();
  }
  return "";
}

/// What ran since the last call.
inline std::vector<std::string> ran() {
  static std::size_t seen = 0;
  const auto& all = standin::record().executed;
  if (seen > all.size()) seen = 0;
  const std::vector<std::string> fresh(all.begin() + static_cast<std::ptrdiff_t>(seen), all.end());
  seen = all.size();
  return fresh;
}

}  // namespace taxon::test

// What the tests of the CUDA kernels share: a row of a CUDA table under the shim, in several orders
// of blocks and threads, against the reference of the CPU's table.
#pragma once

#include <taxon/base/dtype.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "cuda/shim/settings.h"
#include "row_check.h"

namespace taxon::test {

/// The tables that a test file covers, as "op type"; test_backend.cpp compares them with those that
/// exist, and a check of a table that no file names fails.
inline std::set<std::string>& covered() {
  static std::set<std::string> names;
  return names;
}
struct Covers {
  Covers(std::initializer_list<const char*> ops, bool bf16_too) {
    for (const char* op : ops) {
      covered().insert(std::string(op) + " f32");
      if (bf16_too) covered().insert(std::string(op) + " bf16");
    }
  }
};
inline std::string op_of(const char* row) {
  const std::string name(row);
  return name.substr(0, name.find('/'));
}

template <class T>
constexpr kernels::Type type_of_elements = kernels::Type::f32;
template <>
inline constexpr kernels::Type type_of_elements<bf16> = kernels::Type::bf16;
template <class T>
const char* type_name() {
  return type_of_elements<T> == kernels::Type::bf16 ? " bf16" : " f32";
}

/// Calls f under several orders; with few blocks, grid-stride loops loop.
template <class F>
void each_order(F f) {
  const shim::Settings before = shim::settings();
  const std::int64_t limits[] = {8192, 3, 1};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    shim::settings().seed = seed;
    shim::settings().grid_limit = limits[seed - 1];
    INFO("order " << seed);
    f();
  }
  shim::settings() = before;
}

/// |a - b| <= absolute + relative * |b|; `exact`: both 0, for rows that say they are.
struct Tolerance {
  double absolute = 0, relative = 0;
  bool exact = false;
};
inline constexpr Tolerance exact{0, 0, true};
/// For bf16 results add that of rounding at two sides: an ulp.
template <class T>
Tolerance rounded(Tolerance t) {
  if (type_of_elements<T> == kernels::Type::bf16 && !t.exact) t.relative += 0x1p-7;
  return t;
}

template <class T>
Compared near(const Guarded<T>& a, const Guarded<T>& expected, Tolerance t) {
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(static_cast<float>(a[i]));
    const auto y = static_cast<double>(static_cast<float>(expected[i]));
    const bool equal = x == y || (std::isnan(x) && std::isnan(y));
    if (equal || std::abs(x - y) <= t.absolute + t.relative * std::abs(y)) continue;
    std::ostringstream text;
    text << "element " << i << " of " << a.size() << ": " << x << ", expected " << y;
    return {false, text.str()};
  }
  return {};
}

/// Equal bit for bit.
template <class T>
bool identical(const Guarded<T>& a, const Guarded<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}

/// Arrays that a kernel writes: images of T, and f32 whatever the table's type.
template <class T>
struct Outputs {
  std::vector<Guarded<T>> images;
  std::vector<Guarded<float>> others;
};

/// Numbers as T: integers (exact in bf16 too), or reals.
template <class T>
Guarded<T> integers_of(std::int64_t n, std::uint64_t seed, int low = -4, int high = 4) {
  Guarded<T> out(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto span = static_cast<std::uint64_t>(high - low + 1);
    const int v = low + static_cast<int>(hash(seed, static_cast<std::uint64_t>(i)) % span);
    out[i] = static_cast<T>(static_cast<float>(v));
  }
  return out;
}
template <class T>
Guarded<T> reals_of(std::int64_t n, std::uint64_t seed, double low = -1, double high = 1) {
  const Guarded<float> wide = reals(n, seed, low, high);
  Guarded<T> out(n);
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(wide[i]);
  return out;
}
/// NaN, infinities and zeros of both signs among reals.
template <class T>
Guarded<T> strange_of(std::int64_t n, std::uint64_t seed) {
  Guarded<T> out = reals_of<T>(n, seed);
  const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f};
  for (std::int64_t i = 0; i < n; ++i) {
    if (hash(seed, static_cast<std::uint64_t>(i)) % 7 == 0) out[i] = static_cast<T>(odd[i % 5]);
  }
  return out;
}

/// Runs a row; a fault of the shim fails the test with its text.
template <class Args>
void run_checked(const kernels::Row<Args>& row, const Args& args) {
  std::string fault;
  try {
    run_row(row, args);
  } catch (const std::exception& e) {
    fault = e.what();
  }
  REQUIRE(fault == "");
}

/// Every row of `cuda` that takes the call against the CPU's reference, and against itself in
/// another order, bit for bit. `fresh`: what outputs hold before the call; bind(args, outputs) sets
/// the pointers.
template <class T, class Args, class Bind>
void check_cuda(kernels::Rows<Args> cuda, kernels::Rows<Args> cpu, Args args,
                const Outputs<T>& fresh, Bind bind, Tolerance tolerance) {
  REQUIRE(cuda.count > 0);
  REQUIRE(reference_of(cuda).declines == nullptr);  // it accepts everything
  CHECK(covered().count(op_of(cuda.first->name) + type_name<T>()) == 1);
  Outputs<T> expected = fresh;
  bind(args, expected);
  run_row(reference_of(cpu), args);
  for (const kernels::Row<Args>& row : cuda) {
    if (row.declines != nullptr && row.declines(args) != nullptr) continue;
    if (tolerance.exact) REQUIRE(row.exact);
    std::vector<Outputs<T>> runs;
    each_order([&] {
      INFO(row.name << type_name<T>());
      Outputs<T> out = fresh;
      bind(args, out);
      run_checked(row, args);
      for (std::size_t i = 0; i < out.images.size(); ++i) {
        INFO("image " << i);
        CHECK(near(out.images[i], expected.images[i], rounded<T>(tolerance)));
        if (!runs.empty()) CHECK(identical(out.images[i], runs[0].images[i]));
      }
      for (std::size_t i = 0; i < out.others.size(); ++i) {
        INFO("other " << i);
        CHECK(near(out.others[i], expected.others[i], tolerance));
        if (!runs.empty()) CHECK(identical(out.others[i], runs[0].others[i]));
      }
      if (runs.empty()) runs.push_back(out);
    });
  }
}

/// The backend's tables.
inline const kernels::Tables& cuda_tables() {
  return shim::backend()->tables;
}

}  // namespace taxon::test

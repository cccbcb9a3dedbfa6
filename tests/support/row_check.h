// One check for all kernels that write arrays of floats: every row that the ISA in force allows
// against the reference, and each row against itself with 1, 2 and 3 threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.h"
#include "kernel_test.h"

namespace taxon::test {

using Buffers = std::vector<Guarded<float>>;

/// Sizes around every vector width and its tails.
inline const std::vector<std::int64_t>& odd_sizes() {
  static const std::vector<std::int64_t> sizes{1, 2, 3, 10, 15, 16, 17, 24, 31, 33, 64, 65, 1000};
  return sizes;
}

inline Guarded<float> reals(std::int64_t n, std::uint64_t seed, double low = -1, double high = 1) {
  Guarded<float> b(n);
  fill_reals(b, seed, low, high);
  return b;
}
inline Guarded<float> integers(std::int64_t n, std::uint64_t seed, int low = -4, int high = 4) {
  Guarded<float> b(n);
  fill_integers(b, seed, low, high);
  return b;
}

/// As close_values, where any NaN equals any other.
inline Compared within(const Guarded<float>& a, const Guarded<float>& expected, double absolute,
                       double relative) {
  return detail::compare(a.data(), expected.data(), a.size(), [&](float x, float y) {
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
    if (std::isinf(x) || std::isinf(y)) return x == y;
    const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
    return std::abs(dx - dy) <= absolute + relative * std::abs(dy);
  });
}

/// `fresh` holds what the outputs contain before the call (NaN, or state that is updated);
/// bind(args, outputs) sets the pointers; check(outputs, expected, row) compares.
template <class Args, class Bind, class Check>
void check_rows(kernels::Rows<Args> rows, Args args, const Buffers& fresh, Bind bind, Check check) {
  REQUIRE(reference_of(rows).declines == nullptr);  // it accepts everything
  Buffers expected = fresh;
  bind(args, expected);
  run_row(reference_of(rows), args);
  for_each_row(rows, args, [&](const kernels::Row<Args>& row) {
    INFO(row.name);
    Buffers out = fresh;
    bind(args, out);
    run_row(row, args);
    check(out, expected, row);
    for (int threads = 1; threads <= 3; ++threads) {
      INFO("threads " << threads);
      Buffers again = fresh;
      bind(args, again);
      run_row(row, args, threads);
      for (std::size_t i = 0; i < out.size(); ++i) CHECK(same_bits(again[i], out[i]));
    }
  });
}

/// The usual checks: bit for bit (rows that are exact, on integers), or within a tolerance.
inline auto exactly() {
  return [](const Buffers& out, const Buffers& expected, const auto& row) {
    REQUIRE(row.exact);
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(same_values(out[i], expected[i]));
  };
}
inline auto nearly(double absolute, double relative) {
  return [=](const Buffers& out, const Buffers& expected, const auto&) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      INFO("output " << i);
      CHECK(within(out[i], expected[i], absolute, relative));
    }
  };
}

}  // namespace taxon::test

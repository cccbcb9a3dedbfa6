// One check for the bf16 tables: every row gives what the row of the same name in the f32 table
// gives on the same numbers, each element of an activation rounded once, bit for bit, with 1, 2 and
// 3 threads. That row is held to its reference by the family's own tests.
#pragma once

#include <taxon/base/dtype.h>

#include <string>
#include <vector>

#include "row_check.h"

namespace taxon::test {

using Narrow = std::vector<Guarded<bf16>>;

inline Guarded<bf16> narrowed(const Guarded<float>& x, std::size_t align) {
  Guarded<bf16> out(x.size(), align);
  for (std::int64_t i = 0; i < x.size(); ++i) out[i] = bf16(x[i]);
  return out;
}
inline Guarded<float> widened(const Guarded<bf16>& x) {
  Guarded<float> out(x.size());
  for (std::int64_t i = 0; i < x.size(); ++i) out[i] = static_cast<float>(x[i]);
  return out;
}
/// The nearest numbers that bf16 holds.
inline void round_to_bf16(Guarded<float>& x) {
  for (float& v : x) v = static_cast<float>(bf16(v));
}

/// in: the activations read; sizes: of the activations written; other: what the rest of the outputs
/// (f32 in both tables) holds before the call. bind(args, in, out, other) sets the pointers.
template <class Args, class Bind>
void check_bf16(kernels::Rows<Args> f32, kernels::Rows<Args> bf16_rows, Args args, Buffers in,
                const std::vector<std::int64_t>& sizes, const Buffers& other, Bind bind,
                std::size_t align = alignof(bf16)) {
  Narrow narrow_in;
  for (Guarded<float>& b : in) {
    narrow_in.push_back(narrowed(b, align));
    round_to_bf16(b);
  }
  for (const kernels::Row<Args>& row : bf16_rows) {
    if (row.needs > active_needs()) continue;
    if (row.declines != nullptr && row.declines(args) != nullptr) continue;
    const auto same_name = [&](const auto& r) { return std::string(r.name) == row.name; };
    const kernels::Row<Args>* wide = std::find_if(f32.begin(), f32.end(), same_name);
    REQUIRE(wide != f32.end());
    Buffers expected, expected_other = other;
    for (const std::int64_t n : sizes) expected.emplace_back(n);
    bind(args, in, expected, expected_other);
    run_row(*wide, args);
    for (Guarded<float>& b : expected) round_to_bf16(b);
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " in bf16, threads " << threads);
      Narrow out;
      Buffers out_other = other;
      for (const std::int64_t n : sizes) out.emplace_back(n, align);
      bind(args, narrow_in, out, out_other);
      run_row(row, args, threads);
      for (std::size_t i = 0; i < out.size(); ++i) {
        CHECK(same_bits(widened(out[i]), expected[i]));
      }
      for (std::size_t i = 0; i < other.size(); ++i) {
        CHECK(same_bits(out_other[i], expected_other[i]));
      }
    }
  }
}

}  // namespace taxon::test

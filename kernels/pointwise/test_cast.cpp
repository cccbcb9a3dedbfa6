// Conversions between all pairs of element types.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pointwise.h>

#include <cfloat>
#include <climits>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

template <class T>
Type type_of() {
  if constexpr (std::is_same_v<T, float>) return Type::f32;
  if constexpr (std::is_same_v<T, double>) return Type::f64;
  if constexpr (std::is_same_v<T, bf16>) return Type::bf16;
  if constexpr (std::is_same_v<T, std::uint8_t>) return Type::u8;
  if constexpr (std::is_same_v<T, std::int32_t>) return Type::i32;
  return Type::i64;
}
double number(bf16 x) {
  return static_cast<double>(static_cast<float>(x));
}
template <class T>
double number(T x) {
  return static_cast<double>(x);
}

/// Integers 0 to 100 are exact in every type.
template <class To, class From>
void check_pair(std::int64_t n) {
  Guarded<From> x(n);
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = static_cast<From>(static_cast<float>(hash(7, static_cast<std::uint64_t>(i)) % 101));
  }
  CastArgs args;
  args.from = type_of<From>();
  args.to = type_of<To>();
  args.n = n;
  args.x = x.data();
  for_each_row(cast_rows(), args, [&](const Row<CastArgs>& row) {
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(row.name << " from " << static_cast<int>(args.from) << " to "
                    << static_cast<int>(args.to) << " n " << n);
      Guarded<To> y(n);
      args.y = y.data();
      run_row(row, args, threads);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < n; ++i) wrong += number(y[i]) != number(x[i]);
      CHECK(wrong == 0);
    }
  });
}

template <class To>
void check_to(std::int64_t n) {
  check_pair<To, float>(n);
  check_pair<To, double>(n);
  check_pair<To, bf16>(n);
  check_pair<To, std::uint8_t>(n);
  check_pair<To, std::int32_t>(n);
  check_pair<To, std::int64_t>(n);
}

template <class To>
To convert_one(float x) {
  Guarded<float> in(1);
  Guarded<To> out(1);
  in[0] = x;
  CastArgs args;
  args.from = Type::f32;
  args.to = type_of<To>();
  args.n = 1;
  args.x = in.data();
  args.y = out.data();
  run_row(kernels::select(cast_rows(), args, active_needs()), args);
  return out[0];
}

}  // namespace

TEST_CASE("casts between all types", "[cast]") {
  for (const std::int64_t n : {1, 3, 15, 16, 17, 33, 1000, 70001}) {
    check_to<float>(n);
    check_to<double>(n);
    check_to<bf16>(n);
    check_to<std::uint8_t>(n);
    check_to<std::int32_t>(n);
    check_to<std::int64_t>(n);
  }
}

TEST_CASE("floating to integer truncates and saturates", "[cast]") {
  CHECK(convert_one<std::int32_t>(-1.9f) == -1);
  CHECK(convert_one<std::int32_t>(2.99f) == 2);
  CHECK(convert_one<std::int32_t>(1e20f) == INT32_MAX);
  CHECK(convert_one<std::int32_t>(-1e20f) == INT32_MIN);
  CHECK(convert_one<std::int32_t>(std::nanf("")) == 0);
  CHECK(convert_one<std::int64_t>(9.3e18f) == INT64_MAX);
  CHECK(convert_one<std::int64_t>(-INFINITY) == INT64_MIN);
  CHECK(convert_one<std::uint8_t>(300) == 255);
  CHECK(convert_one<std::uint8_t>(-3) == 0);
}

TEST_CASE("f32 to bf16 rounds to nearest even", "[cast]") {
  const std::int64_t n = 100003;
  Guarded<float> x(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto word = static_cast<std::uint32_t>(hash(3, static_cast<std::uint64_t>(i)));
    std::memcpy(&x[i], &word, 4);
  }
  x[0] = FLT_MAX;
  x[1] = 1.00390625f;  // halfway: to even
  x[2] = std::nanf("");
  CastArgs args;
  args.from = Type::f32;
  args.to = Type::bf16;
  args.n = n;
  args.x = x.data();
  for_each_row(cast_rows(), args, [&](const Row<CastArgs>& row) {
    INFO(row.name);
    Guarded<bf16> y(n);
    args.y = y.data();
    run_row(row, args);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < n; ++i) wrong += y[i].bits != bf16(x[i]).bits;
    CHECK(wrong == 0);
  });
}

TEST_CASE("conversions whose results go past the caches", "[cast]") {
  const std::int64_t n = (13 << 20) + 21;
  const Guarded<float> x = reals(n, 1);
  CastArgs down, up;
  down.from = up.to = Type::f32;
  down.to = up.from = Type::bf16;
  down.n = up.n = n;
  down.x = x.data();
  for_each_row(cast_rows(), down, [&](const Row<CastArgs>& row) {
    INFO(row.name);
    Guarded<bf16> half(n, 64);
    Guarded<float> back(n, 64);
    down.y = half.data();
    run_row(row, down, 2);
    up.x = half.data();
    up.y = back.data();
    run_row(row, up, 2);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      wrong += half[i].bits != bf16(x[i]).bits || back[i] != static_cast<float>(half[i]);
    }
    CHECK(wrong == 0);
  });
}

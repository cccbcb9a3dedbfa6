// Tiles of products of bf16 pairs on AMX (Intel, "Intrinsics for tile matrix multiply").
#include "gemm/tiles.h"
#include "gemm/micro.h"
#include "gemm/pairs.h"

#include <immintrin.h>

namespace taxon::kernels::amx {
namespace {

struct alignas(64) Config {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr Config kConfig;

// The compiler's names of the registers are literals.
struct Unit {
  static void begin() { _tile_loadconfig(&kConfig); }
  template <int t>
  static void load(const void* p, int64_t step) {
    if constexpr (t == 4) _tile_loadd(4, p, step);
    if constexpr (t == 5) _tile_loadd(5, p, step);
    if constexpr (t == 6) _tile_loadd(6, p, step);
    if constexpr (t == 7) _tile_loadd(7, p, step);
  }
  template <int t, int a, int b>
  static void dots() {
    static_assert(a == 4 + t / 2 && b == 6 + t % 2);
    if constexpr (t == 0) _tile_dpbf16ps(0, 4, 6);
    if constexpr (t == 1) _tile_dpbf16ps(1, 4, 7);
    if constexpr (t == 2) _tile_dpbf16ps(2, 5, 6);
    if constexpr (t == 3) _tile_dpbf16ps(3, 5, 7);
  }
  template <int t>
  static void store(float* p) {
    if constexpr (t == 0) _tile_stored(0, p, 64);
    if constexpr (t == 1) _tile_stored(1, p, 64);
    if constexpr (t == 2) _tile_stored(2, p, 64);
    if constexpr (t == 3) _tile_stored(3, p, 64);
  }
  static void end() { _tile_release(); }
};

void finish() {}

}  // namespace

const Products products = {TileProducts<Unit>::kRows,
                           TileProducts<Unit>::kWidth,
                           sizeof(Bf16),
                           TileProducts<Unit>::tile,
                           finish,
                           avx512::pack_pair_columns,
                           avx512::pack_pair_rows};

}  // namespace taxon::kernels::amx

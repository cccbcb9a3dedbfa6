// The register-blocked inner kernels that the packed matrix product and the convolutions share. One
// set per instruction set, compiled from gemm/micro.isa.cpp; all else (blocking, packing order,
// threads) is plain code that is handed a set.
#pragma once

#include "gemm/storage.h"

#include <taxon/kernels/exec.h>

#include <stdint.h>

namespace taxon::kernels {

/// Channels (or steps of k) that lie together in a slab: the left operand of a tile is stored
/// [slab][row][kSlab], so that a row's neighbours lie next to it whatever the number of channels.
constexpr int64_t kSlab = 32;

#ifdef TAXON_ISA
/// Most rows of a tile of two vectors: as many accumulators as the registers hold beside operands.
#if defined(TAXON_ISA_avx512) || defined(TAXON_ISA_avx512bf16)
constexpr int kTileRows = 14;
#elif defined(TAXON_ISA_avx2)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 5;
#endif
#endif

/// `depth` consecutive elements at `offset` from each row's start.
struct Segment {
  int64_t offset, depth;
};

/// C[i][j] (+)= sum over segments g, steps d of A[i][g.offset + d] * B[step][j], + bias[j],
/// + residual, then ReLU; steps count through all segments.
struct Tile {
  const void* a;          ///< float, or bf16 (see Products::element)
  const int64_t* a_rows;  ///< offset of each row from a
  const Segment* segments;
  int64_t segment_count;
  const void* b;
  int64_t b_stride;   ///< between steps
  const void* ahead;  ///< or null: from here on a cache line a step is fetched for later tiles
  float* c;
  const int64_t* c_rows;  ///< offset of each row from c
  int64_t cols;           ///< columns to store; b is read for whole vectors
  const float* bias;      ///< or null
  const float* residual;  ///< laid out as c, or null
  bool accumulate, relu;
  bool stream;  ///< past the caches: c_rows and c at whole vectors; Micro::finish after the last
                ///< tile
};

/// C[i][j] (+)= sum over steps p of A[a_steps[p] + a_rows[i]] * B[b_steps[p] + j], + bias[j], then
/// ReLU.
struct OuterTile {
  const float* a;
  const int64_t* a_steps;
  const int64_t* a_rows;  ///< offset of each row, or null: row i is at i
  const float* b;
  const int64_t* b_steps;
  int64_t steps;
  float* c;
  int64_t ldc;
  int64_t cols;
  const float* bias;
  bool accumulate, relu;
};

/// How tiles of A times packed B are multiplied: f32, or bf16 whose steps of k go in pairs.
struct Products {
  int rows;         ///< most rows of a tile
  int width;        ///< elements of a vector; a tile has one or two vectors of columns
  int64_t element;  ///< bytes of an element of A and B
  void (*tile)(const Tile&, int rows, int vectors);
  /// After streamed tiles, before another thread may read them.
  void (*finish)();
  /// A panel of B as tiles read it, [step][width], in pairs [step / 2][width][2]; columns that are
  /// not there are zeros. From columns x depth (rows `stride` apart):
  void (*pack_columns)(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst,
                       int64_t width);
  /// and from depth x columns.
  void (*pack_rows)(const float* src, int64_t stride, int64_t depth, int64_t cols, void* dst,
                    int64_t width);
};

struct Micro : Products {
  void (*outer)(const OuterTile&, int rows, int vectors);
  /// c[i * ldc + j] (+)= a row i . b row j (both k long) for a few rows of a: no packing.
  void (*dots)(const float* a, int64_t lda, int64_t rows, const float* b, int64_t ldb, int64_t cols,
               int64_t k, float* c, int64_t ldc, const float* bias, bool accumulate, bool relu);
  /// dst[j][i] = src[i][j] for rows x cols of src, each row of dst filled up with zeros to
  /// `padded`.
  void (*transpose)(const float* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst,
                    int64_t dst_stride, int64_t padded);
  const Storage* f32;  ///< copies and sums
};

namespace baseline {
extern const Micro micro;
}
namespace avx2 {
extern const Micro micro;
}
namespace avx512 {
extern const Micro micro;
}
namespace avx512bf16 {
extern const Products products;  // pairs of bf16
}
namespace amx {
extern const Products products;
}

}  // namespace taxon::kernels

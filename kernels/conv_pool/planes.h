// How a thread's scratch memory holds one image: each channel and each filter a plane of its own,
// so that vectors run along rows of pixels and few filters do not leave most of a vector empty.
// Included by files of every instruction set: static functions of integers only.
#pragma once

#include <taxon/kernels/conv_pool.h>

#include "simd/rows.h"

namespace taxon::kernels {

TAXON_VECTOR_KERNEL(conv_pool, ConvPoolArgs)
TAXON_VECTOR_KERNEL(conv_pool_backward_weight, ConvPoolArgs)

constexpr int64_t kPlaneLanes = 16;    ///< of the widest vectors
constexpr int64_t kWeightChunks = 16;  ///< of images, summed apart

/// Strides and sizes in elements.
struct Planes {
  int64_t rows, cols;         ///< of the convolution's output that windows read
  int64_t width;              ///< of its planes: pairs of vectors
  int64_t in_rows, in_width;  ///< of the padded input's planes
  int64_t cells, cell_plane;  ///< outputs a plane; and with room for a vector behind
  int64_t quads;              ///< filters, rounded up to fours
  int64_t taps;               ///< c * r * s

  int64_t in_elements(int64_t c) const { return c * in_rows * in_width; }
  int64_t out_elements(int64_t k) const { return k * rows * width; }
  int64_t cell_elements() const { return quads * cell_plane; }
};

static inline int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

static inline Planes planes_of(const ConvPoolArgs& g) {
  Planes p;
  p.rows = 2 * g.oh;
  p.cols = 2 * g.ow;
  p.width = round_up(p.cols, 2 * kPlaneLanes);
  p.in_rows = p.rows + g.r - 1;
  p.in_width = p.width + g.s - 1;
  p.cells = g.oh * g.ow;
  p.cell_plane = round_up(p.cells + kPlaneLanes, kPlaneLanes);
  p.quads = round_up(g.k, 4);
  p.taps = g.c * g.r * g.s;
  return p;
}

/// The pieces of scratch memory, in floats from its start; those of a slot follow each other.
struct PlaneScratch {
  int64_t weights;                      ///< forward: [channel][row][column][filter]
  int64_t partial;                      ///< backward: [chunk][weights, then biases]
  int64_t slots, slot;                  ///< first slot; elements a slot
  int64_t in, out, cells, codes, sums;  ///< from a slot's start
};
static inline PlaneScratch scratch_of(const ConvPoolArgs& g, const Planes& p, bool backward) {
  const int64_t line = kPlaneLanes, weights = g.k * p.taps;
  PlaneScratch m;
  m.weights = 0;
  m.partial = 0;
  m.slots = round_up(backward ? kWeightChunks * (weights + g.k) : weights, line);
  m.in = 0;
  m.out = m.in + round_up(p.in_elements(g.c), line);
  m.cells = m.out + p.out_elements(g.k);
  m.codes = m.cells + p.cell_elements();
  m.sums = m.codes + p.cell_elements() / 4;
  m.slot = m.sums + (backward ? (weights + g.k) * line : 0);
  return m;
}

}  // namespace taxon::kernels

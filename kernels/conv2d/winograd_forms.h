// What Winograd's convolutions multiply: tiles of how many pixels become how many values, and which
// values meet which transformed weights.
//
// Stride 1 is F(4x4, 3x3): 36 values a tile, each with weights and a result of its own.
//
// Stride 2 goes by phases: an output of a 3-tap filter is two taps on every other pixel ("odd") and
// one tap on the pixels between ("even"), each a convolution of stride 1. A row of four outputs
// takes F(4, 2), five points, for the one and F(4, 1), four of the same points, for the other.
// Where the points are the same the products may be added before they are transformed back: 81
// multiplications instead of 144 for 4x4 outputs, and 25 sums.
//
// The gradient of that input has the phases in its result: two taps for every other pixel, one for
// those between, which need no transform along that axis. 81 products for 8x8 pixels, of only 36
// different weights.
#pragma once

#include <stdint.h>

namespace taxon::kernels {

/// One of the sums of products: values first, first + 1, ... with as many weights.
struct WinogradTerm {
  uint8_t value, weight, parts;
};

struct WinogradForm {
  int window, step;  ///< input pixels a side that a tile reads, and from tile to tile
  int tile;          ///< output pixels a side
  int ahead;  ///< while a tile is transformed, the pixels of that so many further are fetched
  int values, weights, products;
  const WinogradTerm* terms;  ///< one a product
};
/// Of all forms.
constexpr int kWinogradWindow = 9, kWinogradValues = 81;

extern const WinogradForm winograd_stride1, winograd_stride2, winograd_stride2_data;

// Folded into the addresses of the transforms.
#define TAXON_SLOT constexpr inline __attribute__((always_inline)) int

namespace {

constexpr int kPoints2 = 5;  // of two taps; the first four are those of one tap

/// Stride 2: where the value of point (row, column) lies, phases with two taps along an axis being
/// 0 and those with one tap 1. Values that are summed lie side by side.
TAXON_SLOT stride2_value(int row, int column, int row_phase, int column_phase) {
  const int columns = column < 4 ? 2 : 1, rows = row < 4 ? 2 : 1;
  const int before = row * 2 * 9 + column * 2 * rows;  // rows above have two phases each
  return before + row_phase * columns + column_phase;
}

/// The gradient for stride 2: values of points and pixels, those of the same weights side by side.
/// An index from 0 is a point of two taps, from kPoints2 a pixel of one tap.
TAXON_SLOT stride2_data_value(int row, int column) {
  if (row < kPoints2 && column < kPoints2) return row * kPoints2 + column;
  if (row < kPoints2) return 25 + row * 4 + (column - kPoints2);
  if (column < kPoints2) return 45 + column * 4 + (row - kPoints2);
  return 65 + (row - kPoints2) * 4 + (column - kPoints2);
}
/// Its weights: points, or kPoints2 for the one tap.
TAXON_SLOT stride2_data_weight(int row, int column) {
  return row * (kPoints2 + 1) + column;
}

}  // namespace
}  // namespace taxon::kernels

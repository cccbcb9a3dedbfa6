// The tables of products.
#include "winograd_forms.h"

namespace taxon::kernels {
namespace {

template <int count>
struct Terms {
  WinogradTerm terms[count];
};

constexpr WinogradTerm term(int value, int weight, int parts) {
  return {static_cast<uint8_t>(value), static_cast<uint8_t>(weight), static_cast<uint8_t>(parts)};
}

constexpr Terms<36> stride1_terms() {
  Terms<36> t = {};
  for (int i = 0; i < 36; ++i) t.terms[i] = term(i, i, 1);
  return t;
}

constexpr Terms<25> stride2_terms() {
  Terms<25> t = {};
  for (int i = 0; i < kPoints2; ++i) {
    for (int j = 0; j < kPoints2; ++j) {
      const int value = stride2_value(i, j, 0, 0);
      t.terms[i * kPoints2 + j] = term(value, value, (i < 4 ? 2 : 1) * (j < 4 ? 2 : 1));
    }
  }
  return t;
}

constexpr Terms<81> stride2_data_terms() {
  Terms<81> t = {};
  for (int i = 0; i < 9; ++i) {
    for (int j = 0; j < 9; ++j) {
      const int value = stride2_data_value(i, j);
      const int row = i < kPoints2 ? i : kPoints2, column = j < kPoints2 ? j : kPoints2;
      t.terms[value] = term(value, stride2_data_weight(row, column), 1);
    }
  }
  return t;
}

constexpr Terms<36> kStride1 = stride1_terms();
constexpr Terms<25> kStride2 = stride2_terms();
constexpr Terms<81> kStride2Data = stride2_data_terms();

}  // namespace

const WinogradForm winograd_stride1 = {6, 4, 4, 3, 36, 36, 36, kStride1.terms};
const WinogradForm winograd_stride2 = {9, 8, 4, 1, 81, 81, 25, kStride2.terms};
const WinogradForm winograd_stride2_data = {5, 4, 8, 3, 81, 36, 81, kStride2Data.terms};

}  // namespace taxon::kernels

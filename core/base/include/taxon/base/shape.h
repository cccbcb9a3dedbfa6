// The extents of a tensor: up to eight dimensions, stored inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace taxon {

class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;  ///< rank 0: a scalar, one element
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  /// Extent of dimension i; negative i counts from the end. Throws ShapeError outside the rank.
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(axis(i))]; }
  void set(int i, std::int64_t extent);
  /// i in [-rank, rank) as an index in [0, rank). Throws ShapeError otherwise.
  int axis(int i) const;
  std::int64_t numel() const;
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  std::span<const std::int64_t> dims() const { return {begin(), end()}; }
  void push_back(std::int64_t extent);
  std::string str() const;  ///< "[128, 32, 32, 3]"
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, max_rank> dims_{};
  int rank_ = 0;
};

/// The shape that a and b broadcast to by NumPy's rule. Throws ShapeError naming `op`.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

}  // namespace taxon

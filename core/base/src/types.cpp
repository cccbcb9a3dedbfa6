// DType, Shape and Device: names, sizes and rules.
#include <taxon/base/device.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/shape.h>

#include <algorithm>
#include <charconv>

namespace taxon {

std::size_t size_of(DType t) {
  switch (t) {
    case DType::u8:
      return 1;
    case DType::bf16:
      return 2;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::i64:
    case DType::f64:
      return 8;
  }
  return 0;
}

std::string_view name_of(DType t) {
  switch (t) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::i64:
      return "i64";
    case DType::f64:
      return "f64";
  }
  return "?";
}

bool is_floating(DType t) {
  return t == DType::f32 || t == DType::f64 || t == DType::bf16;
}

Shape::Shape(std::initializer_list<std::int64_t> dims)
    : Shape(std::span<const std::int64_t>(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const std::int64_t> dims) {
  for (const std::int64_t extent : dims) push_back(extent);
}

int Shape::axis(int i) const {
  const int at = i < 0 ? i + rank_ : i;
  if (at < 0 || at >= rank_) {
    fail<ShapeError>("axis ", i, " is outside shape ", *this, " of rank ", rank_);
  }
  return at;
}

void Shape::set(int i, std::int64_t extent) {
  if (extent < 0) fail<ShapeError>("an extent must be >= 0, got ", extent);
  dims_[static_cast<std::size_t>(axis(i))] = extent;
}

void Shape::push_back(std::int64_t extent) {
  if (extent < 0) fail<ShapeError>("an extent must be >= 0, got ", extent);
  if (rank_ == max_rank) fail<ShapeError>("a shape has at most ", max_rank, " dimensions");
  dims_[static_cast<std::size_t>(rank_++)] = extent;
}

std::int64_t Shape::numel() const {
  std::int64_t n = 1;
  for (const std::int64_t extent : *this) {
    if (__builtin_mul_overflow(n, extent, &n)) {
      fail<ShapeError>("shape ", *this, " has more elements than 64 bits count");
    }
  }
  return n;
}

std::string Shape::str() const {
  std::string out = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) out += ", ";
    append(out, dims_[static_cast<std::size_t>(i)]);
  }
  return out + "]";
}

bool operator==(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape out;
  for (int i = -rank; i < 0; ++i) {
    const std::int64_t da = i >= -a.rank() ? a[i] : 1;
    const std::int64_t db = i >= -b.rank() ? b[i] : 1;
    if (da != db && da != 1 && db != 1) {
      fail<ShapeError>(op, ": shapes ", a, " and ", b, " do not broadcast (", da, " against ", db,
                       " at axis ", i, "; expected equal extents or 1)");
    }
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

std::string Device::str() const {
  return type == DeviceType::cpu ? "cpu" : "cuda:" + std::to_string(index);
}

Device Device::parse(const std::string& s) {
  if (s == "cpu") return cpu;
  if (s == "cuda") return {DeviceType::cuda, 0};
  if (s.starts_with("cuda:")) {
    int index = -1;
    const char* end = s.data() + s.size();
    const auto [at, error] = std::from_chars(s.data() + 5, end, index);
    if (error == std::errc() && at == end && index >= 0 && index < 128) {
      return {DeviceType::cuda, static_cast<std::int8_t>(index)};
    }
  }
  fail<OptionError>("device '", s, "' is unknown; expected cpu, cuda or cuda:N");
}

}  // namespace taxon

// Errors. Everything Taxon throws derives from taxon::Error; its text names the thing, what was
// found and what was expected. Thrown before any kernel runs; a library never exits and never
// prints.
#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace taxon {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A shape does not fit the operation.
struct ShapeError : Error {
  using Error::Error;
};
/// A dtype does not fit the operation.
struct DTypeError : Error {
  using Error::Error;
};
/// A device is missing, unsuitable, out of memory, or a call of its runtime failed.
struct DeviceError : Error {
  using Error::Error;
};
/// There is no memory for what is asked; says how much was asked for, is in use and is free.
struct OutOfMemoryError : DeviceError {
  using DeviceError::DeviceError;
};
/// Reading or writing failed (missing file, permission, disk full).
struct IoError : Error {
  using Error::Error;
};
/// A file's or table's content is not what its format says.
struct FormatError : Error {
  using Error::Error;
};
/// An option or name given by the caller is unknown or out of range.
struct OptionError : Error {
  using Error::Error;
};

// append(text, value): how a value is written in an error. Types with a member
// `std::string str() const` (Shape, ...) work by themselves; others overload it by ADL.
// Not inline: errors are many, and each would carry its own copy.
void append(std::string& out, std::string_view s);
void append(std::string& out, long long v);
void append(std::string& out, unsigned long long v);
inline void append(std::string& out, const char* s) {
  append(out, std::string_view(s));
}
inline void append(std::string& out, const std::string& s) {
  append(out, std::string_view(s));
}
inline void append(std::string& out, bool b) {
  append(out, std::string_view(b ? "true" : "false"));
}
inline void append(std::string& out, char c) {
  append(out, std::string_view(&c, 1));
}
template <std::integral T>
void append(std::string& out, T v) {
  if constexpr (std::is_signed_v<T>) {
    append(out, static_cast<long long>(v));
  } else {
    append(out, static_cast<unsigned long long>(v));
  }
}
void append(std::string& out, double v);  // shortest form, as %g
template <class T>
requires requires(const T& t) {
  { t.str() } -> std::convertible_to<std::string>;
}
void append(std::string& out, const T& v) {
  out += v.str();
}

/// All parts written one after the other.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

/// Throws E with the parts as its text: fail<ShapeError>("conv2d: input ", x.shape(), ...).
template <class E, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw E(text(parts...));
}

}  // namespace taxon

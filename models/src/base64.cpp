// Base64.
#include "base64.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <array>

namespace taxon {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> values = make_values();

}  // namespace

std::string base64_encode(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < n ? bytes[i + j] : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= n ? digits[group >> (18 - 6 * j) & 63u] : '=';
    }
  }
  return out;
}

std::vector<std::uint8_t> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    fail<FormatError>("base64: ", text.size(), " characters, expected a multiple of 4");
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  std::vector<std::uint8_t> out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 4; ++j) {
      const bool pad = j + padding >= text.size();
      const int value = pad ? 0 : values[static_cast<unsigned char>(text[j])];
      if (value < 0) {
        fail<FormatError>("base64: character ", static_cast<int>(text[j]), " at ", j);
      }
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    for (int shift = 16; shift >= 0; shift -= 8) {
      out.push_back(static_cast<std::uint8_t>(group >> shift & 255u));
    }
  }
  out.erase(out.end() - static_cast<std::ptrdiff_t>(padding), out.end());
  return out;
}

}  // namespace taxon

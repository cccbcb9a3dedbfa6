// UTF-8 by the grammar of RFC 3629, section 4, and characters that control a terminal.
#include <taxon/base/utf8.h>

#include <cstddef>

namespace taxon {
namespace {

unsigned char byte(std::string_view s, std::size_t i) {
  return i < s.size() ? static_cast<unsigned char>(s[i]) : static_cast<unsigned char>(0);
}

// Bytes of the character that begins at i; 0: none does.
std::size_t length(std::string_view s, std::size_t i) {
  const unsigned first = byte(s, i), second = byte(s, i + 1);
  if (first < 0x80) return 1;
  const std::size_t n = first < 0xc2   ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (n == 0 || second < low || second > high) return 0;
  for (std::size_t k = 2; k < n; ++k) {
    if ((byte(s, i + k) & 0xc0) != 0x80) return 0;
  }
  return n;
}

// Bytes of the control character that s begins with; 0 if it begins with none. Of UTF-8: U+0080 to
// U+009F, U+061C, U+200E and U+200F, U+202A to U+202E, U+2066 to U+2069 (Unicode's Bidi_Control).
std::size_t control_at(std::string_view s) {
  const unsigned first = byte(s, 0), second = byte(s, 1), third = byte(s, 2);
  const auto within = [](unsigned b, unsigned low, unsigned high) { return b >= low && b <= high; };
  if (first < 0x20 || first == 0x7f) return 1;
  if (first == 0xc2 && within(second, 0x80, 0x9f)) return 2;
  if (first == 0xd8 && second == 0x9c) return 2;
  if (first != 0xe2) return 0;
  const bool marks = second == 0x80 && (within(third, 0x8e, 0x8f) || within(third, 0xaa, 0xae));
  return marks || (second == 0x81 && within(third, 0xa6, 0xa9)) ? 3 : 0;
}

}  // namespace

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0, n = 0; i < s.size(); i += n) {
    n = length(s, i);
    if (n == 0) return false;
  }
  return true;
}

std::string printable(std::string_view s) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < s.size();) {
    const std::size_t bytes = control_at(s.substr(i));
    if (bytes == 0) {
      out += s[i++];
      continue;
    }
    for (const std::size_t end = i + bytes; i < end; ++i) {
      const auto byte = static_cast<unsigned char>(s[i]);
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

}  // namespace taxon

// UTF-8 by the grammar of RFC 3629, section 4.
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

}  // namespace

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0, n = 0; i < s.size(); i += n) {
    n = length(s, i);
    if (n == 0) return false;
  }
  return true;
}

}  // namespace taxon

// Base64 (RFC 4648, section 4): bytes inside JSON.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

std::string base64_encode(std::span<const std::uint8_t> bytes);
/// Throws FormatError for anything but padded base64 without white space.
std::vector<std::uint8_t> base64_decode(std::string_view text);

}  // namespace taxon

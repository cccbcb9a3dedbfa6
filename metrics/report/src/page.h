// The report's HTML: the page's text, style and scripts around the payload.
#pragma once

#include "payload.h"

#include <string>
#include <string_view>

namespace taxon::report {

/// The whole file. Scripts and style are allowed by their hashes alone (Content-Security-Policy),
/// and nothing of the payload is markup: JSON with `<` escaped, and base64.
std::string page_html(const Payload& payload);
std::string base64(std::string_view bytes);
/// What the page takes without a payload.
std::size_t page_bytes();

}  // namespace taxon::report

// Text of others: whether it is UTF-8, and what of it a terminal may be shown.
#pragma once

#include <string>
#include <string_view>

namespace taxon {

/// Well-formed as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view s);

/// For a terminal: control characters (those of C1 and of the direction of text too) as \xNN, byte
/// by byte, so that no name moves the cursor, breaks a line or turns it around.
std::string printable(std::string_view s);

}  // namespace taxon

// What is UTF-8, and what is not.
#include "catch.h"

#include <taxon/base/utf8.h>

using namespace taxon;

TEST_CASE("UTF-8 is told from other text") {
  for (const char* good : {"", "plain",
                           "gr\xc3\xb6\xc3\x9f"
                           "e",
                           "\xe7\x8c\xab", "\xf0\x9f\x90\x88", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf4\x8f\xbf\xbf", "\xc2\x80"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad :
       {"t\xf6p", "\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xe7\x8c", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe7\x8cz"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("control characters of names do not reach a terminal") {
  CHECK(printable("") == "");
  CHECK(printable("caf\u00e9 \u65e5 \U0001F600 \u05d0") == "caf\u00e9 \u65e5 \U0001F600 \u05d0");
  CHECK(printable("a\x1b[31m\n\t\x7f") == "a\\x1b[31m\\x0a\\x09\\x7f");
  CHECK(printable("a\u009bb") == "a\\xc2\\x9bb");
  CHECK(printable("\u202egpj.cat\u2066\u200f\u061c") ==
        "\\xe2\\x80\\xaegpj.cat\\xe2\\x81\\xa6\\xe2\\x80\\x8f\\xd8\\x9c");
  CHECK(printable("\u2029\u2065\xe2") == "\u2029\u2065\xe2");
}

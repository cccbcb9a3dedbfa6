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

// TensorBoard's event files, byte by byte.
#include "catch.h"

#include <taxon/base/file.h>

#include "event_file.h"
#include "train_test.h"

#include <cstring>

using namespace taxon;

TEST_CASE("the checksum of event files is Castagnoli's") {
  // RFC 3720, appendix B.4.
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43U);
  CHECK(crc32c("123456789") == 0xE3069283U);
}

TEST_CASE("an event record is framed and holds its values") {
  const std::string record = event_record(1.5, 300, {{"lr", 0.25}});
  std::uint64_t length = 0;
  std::memcpy(&length, record.data(), 8);
  REQUIRE(record.size() == 8 + 4 + length + 4);
  const std::string event = record.substr(12, length);
  // wall_time 1.5, step 300, summary { value { tag "lr" simple_value 0.25 } }.
  const std::string expected(
      "\x09\0\0\0\0\0\0\xF8\x3F\x10\xAC\x02\x2A\x0B\x0A\x09\x0A\x02lr\x15\0\0\x80\x3E", 25);
  CHECK(event == expected);
  std::uint32_t crc = 0;
  std::memcpy(&crc, record.data() + 12 + length, 4);
  const std::uint32_t plain = crc32c(event);
  CHECK(crc == (plain >> 15 | plain << 17) + 0xA282EAD8U);
  CHECK(event_file_begin(0).find("brain.Event:2") != std::string::npos);
}

TEST_CASE("an event file grows, and the next one is another") {
  const Folder folder;
  const EventFile first(folder.path()), second(folder.path());
  first.add(1, {{"a", 1}});
  first.add(2, {{"a", 2}});
  std::size_t files = 0, bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0);
    ++files;
    bytes += std::filesystem::file_size(entry.path());
  }
  CHECK(files == 2);
  CHECK(bytes == 2 * event_file_begin(0).size() + 2 * event_record(0, 1, {{"a", 1}}).size());
}

// TensorBoard's event files.
#include "event_file.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace taxon {
namespace {

// Little endian, as protocol buffers and TFRecord have it.
template <class Number>
std::string little(Number number) {
  std::string out;
  for (std::size_t i = 0; i < sizeof number; ++i)
    out += static_cast<char>(number >> (8 * i) & 0xFF);
  return out;
}

std::string varint(std::uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out += static_cast<char>((v & 0x7F) | 0x80);
  return out + static_cast<char>(v);
}

// Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
std::string key(std::uint64_t field, std::uint64_t wire) {
  return varint(field << 3 | wire);
}
std::string bytes_field(std::uint64_t field, const std::string& bytes) {
  return key(field, 2) + varint(bytes.size()) + bytes;
}
std::string double_field(std::uint64_t field, double v) {
  return key(field, 1) + little(std::bit_cast<std::uint64_t>(v));
}
std::string float_field(std::uint64_t field, float v) {
  return key(field, 5) + little(std::bit_cast<std::uint32_t>(v));
}

std::string masked_crc(const std::string& bytes) {
  constexpr std::uint32_t delta = 0xA282EAD8U;
  return little(std::rotr(crc32c(bytes), 15) + delta);
}

std::string framed(const std::string& event) {
  const std::string length = little(std::uint64_t{event.size()});
  return length + masked_crc(length) + event + masked_crc(event);
}

double now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::uint32_t crc32c(const std::string& bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < t.size(); ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78U : crc >> 1;
      t[i] = crc;
    }
    return t;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFU] ^ crc >> 8;
  return ~crc;
}

std::string event_file_begin(double wall_time) {
  return framed(double_field(1, wall_time) + bytes_field(3, "brain.Event:2"));
}

std::string event_record(double wall_time, std::int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars)
    summary += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  return framed(double_field(1, wall_time) + key(2, 0) + varint(static_cast<std::uint64_t>(step)) +
                bytes_field(5, summary));
}

EventFile::EventFile(const std::string& folder) {
  const double time = now();
  const std::string name =
      text(folder, "/events.out.tfevents.", static_cast<std::int64_t>(time), ".taxon");
  path_ = name;
  for (int n = 2; file_exists(path_); ++n) path_ = text(name, ".", n);
  write_file_atomic(path_, event_file_begin(time));
}

void EventFile::add(std::int64_t step, const Scalars& scalars) const {
  append(event_record(now(), step, scalars));
}

void EventFile::append(const std::string& record) const {
  const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) fail<IoError>("cannot open '", path_, "': ", std::strerror(errno));
  const ::ssize_t written = ::write(file, record.data(), record.size());
  const int error = written < 0 ? errno : 0;
  ::close(file);
  if (written != static_cast<::ssize_t>(record.size()))
    fail<IoError>("cannot write '", path_, "': ", error != 0 ? std::strerror(error) : "disk full");
}

}  // namespace taxon

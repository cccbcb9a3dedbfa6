// PNG and BMP headers, EXIF, and telling the formats apart.
#include "container.h"

#include <taxon/base/error.h>
#include <taxon/data/image.h>

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace taxon {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint32_t big_endian(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

std::uint32_t little_endian(const std::uint8_t* p) {
  return std::uint32_t{p[3]} << 24 | std::uint32_t{p[2]} << 16 | std::uint32_t{p[1]} << 8 | p[0];
}

bool starts_with(Bytes bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

void check_png_header(Bytes data, std::string_view what) {
  if (data.size() != 13) {
    fail<FormatError>(what, ": corrupt PNG: a header of ", data.size(), " bytes, expected 13");
  }
  if (data[8] > 8) {
    fail<FormatError>(what, ": PNG with ", static_cast<int>(data[8]),
                      " bits a channel, expected 8 or fewer");
  }
}

// stb_image checks no checksums, so a flipped bit would pass as pixels: here it is found.
void check_png(Bytes bytes, std::string_view what, Container& out) {
  out.format = ImageFormat::png;
  std::size_t at = 8;
  for (bool first = true;; first = false) {
    if (at + 12 > bytes.size()) {
      fail<FormatError>(what, ": truncated PNG: the file ends after ", bytes.size(),
                        " bytes, before the end chunk");
    }
    const std::uint32_t length = big_endian(&bytes[at]);
    const Bytes type = bytes.subspan(at + 4, 4);
    if (length > bytes.size() - at - 12) {
      fail<FormatError>(what, ": truncated PNG: a chunk of ", length, " bytes with ",
                        bytes.size() - at - 12, " left in the file");
    }
    const Bytes data = bytes.subspan(at + 8, length);
    const bool critical = (type[0] & 0x20) == 0;
    const auto crc = crc32(0, type.data(), 4 + length);
    if (critical && crc != big_endian(data.data() + length)) {
      fail<FormatError>(what, ": corrupt PNG: the checksum of a chunk at byte ", at,
                        " does not match");
    }
    if (first) {
      check_png_header(data, what);
    } else if (starts_with(type, "eXIf")) {
      out.orientation = exif_orientation(data);
    } else if (starts_with(type, "IEND")) {
      return;
    }
    at += 12 + std::size_t{length};
  }
}

void check_bmp(Bytes bytes, std::string_view what, Container& out) {
  out.format = ImageFormat::bmp;
  if (bytes.size() < 26) {
    fail<FormatError>(what, ": truncated BMP: ", bytes.size(), " bytes, expected 26 or more");
  }
  const std::uint64_t offset = little_endian(&bytes[10]), header = little_endian(&bytes[14]);
  if (header < 40 || bytes.size() < 34) {
    return;  // the old header: the decoder checks it
  }
  const auto width = static_cast<std::int32_t>(little_endian(&bytes[18]));
  const auto height = static_cast<std::int32_t>(little_endian(&bytes[22]));
  const std::uint64_t bits = bytes[28] + std::uint64_t{bytes[29]} * 256;
  const std::uint32_t compression = little_endian(&bytes[30]);
  const std::int64_t rows = std::abs(std::int64_t{height});
  if (width < 1 || rows < 1 || width > max_image_side || rows > max_image_side) {
    fail<FormatError>(what, ": BMP of ", rows, "x", width, ", expected sides from 1 to ",
                      max_image_side);
  }
  if (compression == 0 || compression == 3) {
    const std::uint64_t row = (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4;
    const std::uint64_t expected = offset + row * static_cast<std::uint64_t>(rows);
    if (bytes.size() < expected) {
      fail<FormatError>(what, ": truncated BMP: ", bytes.size(), " bytes, expected ", expected);
    }
  }
}

std::string first_bytes(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 8); ++i) {
    out += i == 0 ? "" : " ";
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

// Names what people try most, so that the answer helps.
std::string_view other_format(Bytes bytes) {
  if (starts_with(bytes, "GIF8")) {
    return " (a GIF)";
  }
  if (starts_with(bytes, "RIFF") && bytes.size() >= 12 && starts_with(bytes.subspan(8), "WEBP")) {
    return " (a WebP)";
  }
  if (starts_with(bytes, "II*") || starts_with(bytes, std::string_view("MM\0*", 4))) {
    return " (a TIFF)";
  }
  if (bytes.size() >= 12 && starts_with(bytes.subspan(4), "ftyp")) {
    return " (HEIC, AVIF or a video)";
  }
  return starts_with(bytes, "<") ? " (text, such as a web page)" : "";
}

}  // namespace

int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) {
    return 1;
  }
  const bool little = tiff[0] == 'I';
  const auto u16 = [&](std::size_t i) {
    return little ? tiff[i] + tiff[i + 1] * 256 : tiff[i] * 256 + tiff[i + 1];
  };
  const std::size_t directory = little ? little_endian(&tiff[4]) : big_endian(&tiff[4]);
  if (directory > tiff.size() - 2) {
    return 1;
  }
  const auto entries = static_cast<std::size_t>(u16(directory));
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) {
      break;
    }
    if (u16(entry) == 0x0112) {
      const int value = u16(entry + 8);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

Container check_container(Bytes bytes, std::string_view what) {
  if (bytes.empty()) {
    fail<FormatError>(what, ": empty file, expected a PNG, JPEG or BMP image");
  }
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    fail<FormatError>(what, ": ", bytes.size(), " bytes, expected an image below 2 GiB");
  }
  Container out;
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) {
    check_png(bytes, what, out);
  } else if (starts_with(bytes, "\xff\xd8")) {
    check_jpeg(bytes, what, out);
  } else if (starts_with(bytes, "BM")) {
    check_bmp(bytes, what, out);
  } else {
    fail<FormatError>(what, ": starts with ", first_bytes(bytes), other_format(bytes),
                      ", expected a PNG, JPEG or BMP image");
  }
  return out;
}

}  // namespace taxon

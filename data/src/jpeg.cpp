// The segments of a JPEG (ITU-T T.81, annex B), checked and copied.
#include "container.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <cstring>

namespace taxon {
namespace {

using Bytes = std::span<const std::uint8_t>;

class JpegWalker {
 public:
  JpegWalker(Bytes bytes, std::string_view what, Container& out)
      : bytes_(bytes), what_(what), out_(out) {}

  void run() {
    put({0xff, 0xd8});
    at_ = 2;
    for (;;) {
      const std::uint8_t marker = next_marker();
      if (marker == 0xd9) {
        break;
      }
      segment(marker);
    }
    if (!scanned_) {
      corrupt("it has no image data");
    }
    // Each block of 8x8 values takes a bit or more: a small file cannot claim a large image.
    if (blocks_ > 8 * data_bytes_) {
      corrupt("it claims ", out_.height, "x", out_.width, " pixels, ", blocks_, " blocks, in ",
              data_bytes_, " bytes of image data, expected ", (blocks_ + 7) / 8, " bytes or more");
    }
    put({0xff, 0xd9});
  }

 private:
  template <class... Parts>
  [[noreturn]] void corrupt(const Parts&... parts) const {
    fail<FormatError>(what_, ": corrupt JPEG: ", parts...);
  }
  [[noreturn]] void truncated() const {
    corrupt("the file ends after ", bytes_.size(), " bytes, before the image does");
  }
  void put(std::initializer_list<std::uint8_t> bytes) {
    out_.cleaned.insert(out_.cleaned.end(), bytes);
  }
  void put(Bytes bytes) { out_.cleaned.insert(out_.cleaned.end(), bytes.begin(), bytes.end()); }

  // Bytes between segments are skipped, as other decoders do.
  std::uint8_t next_marker() {
    while (at_ + 1 < bytes_.size()) {
      if (bytes_[at_] == 0xff && bytes_[at_ + 1] != 0xff && bytes_[at_ + 1] != 0) {
        at_ += 2;
        return bytes_[at_ - 1];
      }
      ++at_;
    }
    truncated();
  }

  Bytes body() {
    if (at_ + 2 > bytes_.size()) {
      truncated();
    }
    const std::size_t length = static_cast<std::size_t>(bytes_[at_] * 256 + bytes_[at_ + 1]);
    if (length < 2) {
      corrupt("a segment of length ", length, ", expected 2 or more");
    }
    if (at_ + length > bytes_.size()) {
      truncated();
    }
    const Bytes result = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    return result;
  }

  void copy(std::uint8_t marker, Bytes content) {
    const std::size_t length = content.size() + 2;
    put({0xff, marker, static_cast<std::uint8_t>(length >> 8),
         static_cast<std::uint8_t>(length & 0xff)});
    put(content);
  }

  void segment(std::uint8_t marker) {
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      return;  // markers without content
    }
    const Bytes content = body();
    switch (marker) {
      case 0xc4:
        huffman_tables(content);
        copy(marker, content);
        break;
      case 0xdb:
        quantization_tables(content);
        copy(marker, content);
        break;
      case 0xdd:
        if (content.size() != 2) {
          corrupt("a restart interval of ", content.size(), " bytes, expected 2");
        }
        copy(marker, content);
        break;
      case 0xda:
        scan(content);
        break;
      case 0xe0:
      case 0xee:  // JFIF and Adobe: they tell the colour space
        copy(marker, content);
        break;
      case 0xe1:
        if (content.size() > 6 && std::memcmp(content.data(), "Exif\0", 6) == 0) {
          out_.orientation = exif_orientation(content.subspan(6));
        }
        break;
      default:
        if (marker >= 0xc0 && marker <= 0xcf) {
          frame(marker, content);
        }
    }
  }

  void huffman_tables(Bytes content) const {
    while (!content.empty()) {
      if (content.size() < 17) {
        corrupt("a Huffman table of ", content.size(), " bytes, expected 17 or more");
      }
      std::size_t values = 0;
      std::uint32_t code = 0;  // canonical codes: lengths must not claim more than there are
      for (std::size_t bits = 1; bits <= 16; ++bits) {
        values += content[bits];
        code = code * 2 + content[bits];
        if (code > (1u << bits)) {
          corrupt("a Huffman table with impossible code lengths");
        }
      }
      if (values > 256 || content.size() < 17 + values) {
        corrupt("a Huffman table of ", values, " values in ", content.size() - 17,
                " bytes, expected at most 256");
      }
      if ((content[0] >> 4) > 1 || (content[0] & 15) > 3) {
        corrupt("Huffman table number ", content[0] & 15, " of class ", content[0] >> 4,
                ", expected 0 to 3 of class 0 or 1");
      }
      content = content.subspan(17 + values);
    }
  }

  void quantization_tables(Bytes content) const {
    while (!content.empty()) {
      const std::size_t size = (content[0] >> 4) == 0 ? 65 : 129;
      if ((content[0] >> 4) > 1 || (content[0] & 15) > 3 || content.size() < size) {
        corrupt("a quantization table of ", content.size(), " bytes, expected ", size);
      }
      content = content.subspan(size);
    }
  }

  void frame(std::uint8_t marker, Bytes content) {
    if (marker > 0xc2) {
      fail<FormatError>(
          what_, ": JPEG coded with method SOF", marker - 0xc0,
          " (lossless, hierarchical or arithmetic), expected baseline or progressive");
    }
    if (framed_) {
      corrupt("a second frame header");
    }
    if (content.size() < 6 || content.size() != 6 + 3 * static_cast<std::size_t>(content[5])) {
      corrupt("a frame header of ", content.size(), " bytes");
    }
    if (content[0] != 8) {
      fail<FormatError>(what_, ": JPEG with ", static_cast<int>(content[0]),
                        " bits a channel, expected 8");
    }
    framed_ = true;
    out_.height = content[1] * 256 + content[2];
    out_.width = content[3] * 256 + content[4];
    out_.components = content[5];
    progressive_ = marker == 0xc2;
    count_blocks(content.subspan(6));
    copy(marker, content);
  }

  // `components`: three bytes each, the second holding the factors by which it is sampled.
  void count_blocks(Bytes components) {
    std::int64_t most_across = 1, most_down = 1;
    for (std::size_t i = 0; i < components.size(); i += 3) {
      const std::int64_t across = components[i + 1] >> 4, down = components[i + 1] & 15;
      if (across < 1 || across > 4 || down < 1 || down > 4) {
        corrupt("sampling factors ", across, " and ", down, ", expected 1 to 4");
      }
      most_across = std::max(most_across, across);
      most_down = std::max(most_down, down);
    }
    const auto blocks = [](std::int64_t size, std::int64_t part, std::int64_t most) {
      return (size * part + 8 * most - 1) / (8 * most);
    };
    for (std::size_t i = 0; i < components.size(); i += 3) {
      blocks_ +=
          static_cast<std::uint64_t>(blocks(out_.width, components[i + 1] >> 4, most_across) *
                                     blocks(out_.height, components[i + 1] & 15, most_down));
    }
  }

  void scan(Bytes content) {
    if (!framed_) {
      corrupt("image data before the frame header");
    }
    out_.one_scan = !scanned_ && !progressive_ && !content.empty() && content[0] == out_.components;
    scanned_ = true;
    if (++scans_ > max_scans) {
      corrupt("more than ", max_scans, " scans");
    }
    copy(0xda, content);
    const std::size_t begin = at_;
    while (at_ + 1 < bytes_.size()) {
      const auto* hit = static_cast<const std::uint8_t*>(
          std::memchr(bytes_.data() + at_, 0xff, bytes_.size() - 1 - at_));
      if (hit == nullptr) {
        truncated();
      }
      at_ = static_cast<std::size_t>(hit - bytes_.data());
      const std::uint8_t next = bytes_[at_ + 1];
      if (next == 0xff) {
        ++at_;  // fill byte
      } else if (next == 0 || (next >= 0xd0 && next <= 0xd7)) {
        at_ += 2;
      } else {
        put(bytes_.subspan(begin, at_ - begin));
        data_bytes_ += at_ - begin;
        return;
      }
    }
    truncated();
  }

  Bytes bytes_;
  std::string_view what_;
  Container& out_;
  std::size_t at_ = 0;
  // Each goes over the whole image, however short it is; encoders write about ten.
  static constexpr int max_scans = 500;
  bool framed_ = false, scanned_ = false, progressive_ = false;
  int scans_ = 0;
  std::uint64_t blocks_ = 0, data_bytes_ = 0;
};

}  // namespace

void check_jpeg(std::span<const std::uint8_t> bytes, std::string_view what, Container& out) {
  out.format = ImageFormat::jpeg;
  out.cleaned.reserve(bytes.size());
  JpegWalker(bytes, what, out).run();
}

}  // namespace taxon

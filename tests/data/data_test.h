// What the tests of data share: a temporary folder, test pictures, and writers of the publishers'
// formats.
#pragma once

#include <taxon/base/error.h>
#include <taxon/data/dataset.h>
#include <taxon/data/image.h>

#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon::test {

using Bytes = std::vector<std::uint8_t>;

/// A fresh folder, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "taxon-data-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file, making its folders; returns its path.
  std::string write(const std::string& name, std::span<const std::uint8_t> bytes) const {
    const std::filesystem::path path = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    return path.string();
  }
  std::string write(const std::string& name, std::string_view text) const {
    return write(name, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

 private:
  std::string path_;
};

/// Pixels (37 y + 101 x + 59 c + 13 x y) mod 256.
inline Image pattern(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image(height, width, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        image.at(y, x, c) =
            static_cast<std::uint8_t>((37 * y + 101 * x + 59 * c + 13 * x * y) % 256);
      }
    }
  }
  return image;
}

/// FNV-1a, 64 bits.
inline std::uint64_t hash(const Image& image) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    h = (h ^ image.data()[i]) * 0x100000001b3ULL;
  }
  return h;
}

inline Bytes pixels_of(const Image& image) {
  return {image.data(), image.data() + image.bytes()};
}

/// The largest difference of two equally long pixel arrays.
inline int largest_difference(const Image& image, const Bytes& expected) {
  int worst = image.bytes() == expected.size() ? 0 : 256;
  for (std::size_t i = 0; i < expected.size() && worst < 256; ++i) {
    worst = std::max(worst, std::abs(image.data()[i] - expected[i]));
  }
  return worst;
}

inline void put_u32(Bytes& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(v >> shift));
  }
}

inline Bytes idx(const std::vector<std::uint32_t>& extents, const Bytes& content) {
  Bytes out;
  put_u32(out, 0x800u + static_cast<std::uint32_t>(extents.size()));
  for (const std::uint32_t e : extents) {
    put_u32(out, e);
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

inline Bytes gzip(const Bytes& bytes) {
  Bytes out(compressBound(bytes.size()) + 64);
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = const_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct TarFile {
  std::string name;
  Bytes content;
};

inline Bytes tar(const std::vector<TarFile>& files) {
  Bytes out;
  for (const TarFile& f : files) {
    Bytes header(512, 0);
    std::copy(f.name.begin(), f.name.end(), header.begin());
    std::snprintf(reinterpret_cast<char*>(&header[124]), 12, "%011llo",
                  static_cast<unsigned long long>(f.content.size()));
    header[156] = '0';
    std::fill_n(header.begin() + 148, 8, std::uint8_t{' '});
    unsigned sum = 0;
    for (const std::uint8_t b : header) {
      sum += b;
    }
    std::snprintf(reinterpret_cast<char*>(&header[148]), 8, "%06o", sum);
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), f.content.begin(), f.content.end());
    out.resize((out.size() + 511) / 512 * 512);
  }
  out.resize(out.size() + 1024);
  return out;
}

/// The text of the E that `call` throws, or what it did instead.
template <class E>
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another error: ") + e.what();
  }
  return "no error";
}

inline bool contains(const std::string& s, std::string_view part) {
  return s.find(part) != std::string::npos;
}

/// A few labelled images in memory: sample i is filled with its number.
inline DatasetPtr numbered(std::int64_t n, std::int64_t height = 8, std::int64_t width = 8,
                           std::int64_t channels = 3, std::int64_t classes = 4) {
  Labels labels;
  for (std::int64_t c = 0; c < classes; ++c) {
    labels.class_names.push_back("c" + std::to_string(c));
  }
  Bytes pixels;
  for (std::int64_t i = 0; i < n; ++i) {
    labels.index.push_back(i % classes);
    const Image image = pattern(height, width, channels);
    for (std::size_t k = 0; k < image.bytes(); ++k) {
      pixels.push_back(static_cast<std::uint8_t>(image.data()[k] + i));
    }
  }
  return memory_dataset("numbered/train", std::move(pixels), Shape{height, width, channels},
                        std::move(labels));
}

}  // namespace taxon::test

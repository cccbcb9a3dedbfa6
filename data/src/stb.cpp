// The one inclusion of stb_image and stb_image_write (see stb.h).
#include "stb.h"

#include <cstdlib>
#include <cstring>

namespace {

// Memory comes zeroed, since stb_image 2.27 reads tables that a damaged JPEG never filled; and no
// single block may pass what the largest image needs, since a small PNG may inflate to gigabytes.
constexpr std::size_t max_block = std::size_t{512} << 20;

void* stb_malloc(std::size_t n) {
  return n <= max_block ? std::calloc(1, n) : nullptr;
}

void* stb_realloc(void* p, std::size_t old_size, std::size_t n) {
  if (n > max_block) {
    return nullptr;
  }
  void* q = std::realloc(p, n);
  if (q != nullptr && n > old_size) {
    std::memset(static_cast<char*>(q) + old_size, 0, n - old_size);
  }
  return q;
}

}  // namespace

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS (1 << 15)
#define STBI_ASSERT(x) ((void)0)
#define STBI_MALLOC(n) stb_malloc(n)
#define STBI_REALLOC_SIZED(p, old_size, n) stb_realloc(p, old_size, n)
#define STBI_REALLOC(p, n) stb_realloc(p, n, n)
#define STBI_FREE(p) std::free(p)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) ((void)0)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image.h>
#include <stb_image_write.h>

namespace taxon::stb {
namespace {

std::string reason() {
  const char* r = stbi_failure_reason();
  return r == nullptr ? "unknown" : r;
}

void append_bytes(void* context, void* data, int size) {
  auto& out = *static_cast<std::vector<std::uint8_t>*>(context);
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

}  // namespace

Info info(std::span<const std::uint8_t> encoded, std::string& error) {
  int w = 0, h = 0, c = 0;
  if (stbi_info_from_memory(encoded.data(), static_cast<int>(encoded.size()), &w, &h, &c) == 0) {
    error = reason();
    return {};
  }
  return {h, w, c};
}

std::vector<std::uint8_t> decode(std::span<const std::uint8_t> encoded, int channels, Info& info,
                                 std::string& error) {
  int w = 0, h = 0, c = 0;
  stbi_uc* pixels =
      stbi_load_from_memory(encoded.data(), static_cast<int>(encoded.size()), &w, &h, &c, channels);
  if (pixels == nullptr) {
    error = reason();
    return {};
  }
  info = {h, w, c};
  std::vector<std::uint8_t> out;
  try {
    out.assign(pixels, pixels + static_cast<std::size_t>(h) * static_cast<std::size_t>(w) *
                                    static_cast<std::size_t>(channels));
  } catch (...) {
    stbi_image_free(pixels);
    throw;
  }
  stbi_image_free(pixels);
  return out;
}

std::vector<std::uint8_t> encode_png(const std::uint8_t* pixels, int height, int width,
                                     int channels) {
  std::vector<std::uint8_t> out;
  stbi_write_png_to_func(append_bytes, &out, width, height, channels, pixels, 0);
  return out;
}

std::vector<std::uint8_t> encode_jpeg(const std::uint8_t* pixels, int height, int width,
                                      int channels, int quality) {
  std::vector<std::uint8_t> out;
  stbi_write_jpg_to_func(append_bytes, &out, width, height, channels, pixels, quality);
  return out;
}

}  // namespace taxon::stb

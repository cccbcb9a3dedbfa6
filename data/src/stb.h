// The few functions of stb_image and stb_image_write that are used, behind plain types. stb.cpp is
// the one place that includes stb; its symbols stay static, so that an embedder may have its own
// copy.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace taxon::stb {

struct Info {
  std::int64_t height = 0, width = 0, channels = 0;  ///< channels as stored: 1 to 4
};
/// Empty `error` on success.
Info info(std::span<const std::uint8_t> encoded, std::string& error);
/// Pixels converted to `channels`; empty with `error` set on failure.
std::vector<std::uint8_t> decode(std::span<const std::uint8_t> encoded, int channels, Info& info,
                                 std::string& error);
std::vector<std::uint8_t> encode_png(const std::uint8_t* pixels, int height, int width,
                                     int channels);
std::vector<std::uint8_t> encode_jpeg(const std::uint8_t* pixels, int height, int width,
                                      int channels, int quality);

}  // namespace taxon::stb

// JPEGs decoded by libjpeg-turbo, which is loaded when the first one is met: at 1/1, 1/2, 1/4 or
// 1/8 of their size, and only where pixels are wanted. turbo.cpp is the one place that includes its
// headers; without them it is not built, and turbo_none.cpp stands in.
#pragma once

#include <taxon/data/image_ops.h>

#include <cstdint>
#include <span>
#include <string>

namespace taxon::turbo {

/// Whether it can be used here: built with its headers, installed, and not turned off by
/// TAXON_JPEG=stb.
bool available();
/// "libjpeg-turbo", and if it is not used, why.
std::string_view description();

struct Request {
  std::span<const std::uint8_t> jpeg;  ///< as check_jpeg leaves it
  int shrink = 1;                      ///< 1, 2, 4 or 8: the image is ceil(side / shrink) pixels
  int channels = 3;                    ///< 1 for a grey JPEG, else 3
  image_ops::Box box;                  ///< of the shrunken image
};
/// Writes the pixels of the box to `out`, equal to those of the whole image there. False with
/// `error` set where the stream cannot be decoded.
bool decode(const Request& request, std::uint8_t* out, std::string& error);

}  // namespace taxon::turbo

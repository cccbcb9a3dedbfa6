// Built without the headers of libjpeg-turbo (see turbo.h): stb_image decodes all JPEGs.
#include "turbo.h"

namespace taxon::turbo {

bool available() {
  return false;
}

std::string_view description() {
  return "stb_image (built without libjpeg-turbo)";
}

bool decode(const Request&, std::uint8_t*, std::string& error) {
  error = "built without libjpeg-turbo";
  return false;
}

}  // namespace taxon::turbo

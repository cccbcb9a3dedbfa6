// libjpeg-turbo at run time (see turbo.h). Its errors come back by longjmp, since exceptions must
// not pass through C: so what runs between setjmp and the end of decoding owns nothing.
#include "turbo.h"

#include <dlfcn.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include <jpeglib.h>

namespace taxon::turbo {
namespace {

// The library whose structs are laid out as in the header.
constexpr const char* library_names[] = {
#if JPEG_LIB_VERSION >= 80
    "libjpeg.so.8", "libjpeg.8.dylib"
#elif JPEG_LIB_VERSION >= 70
    "libjpeg.so.7", "libjpeg.7.dylib"
#else
    "libjpeg.so.62", "libjpeg.62.dylib"
#endif
};

struct Library {
  decltype(&jpeg_std_error) std_error = nullptr;
  decltype(&jpeg_CreateDecompress) create = nullptr;
  decltype(&jpeg_mem_src) mem_src = nullptr;
  decltype(&jpeg_read_header) read_header = nullptr;
  decltype(&jpeg_start_decompress) start = nullptr;
  decltype(&jpeg_crop_scanline) crop_scanline = nullptr;
  decltype(&jpeg_skip_scanlines) skip_scanlines = nullptr;
  decltype(&jpeg_read_scanlines) read_scanlines = nullptr;
  decltype(&jpeg_destroy_decompress) destroy = nullptr;
  std::string_view missing;  // why it is not used; empty if it is
};

// An IJG library of the same name has neither cropping nor skipping, and is not used.
bool bind_all(void* handle, Library& l) {
  const auto bind = [handle](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
    return function != nullptr;
  };
  return bind(l.std_error, "jpeg_std_error") && bind(l.create, "jpeg_CreateDecompress") &&
         bind(l.mem_src, "jpeg_mem_src") && bind(l.read_header, "jpeg_read_header") &&
         bind(l.start, "jpeg_start_decompress") && bind(l.crop_scanline, "jpeg_crop_scanline") &&
         bind(l.skip_scanlines, "jpeg_skip_scanlines") &&
         bind(l.read_scanlines, "jpeg_read_scanlines") &&
         bind(l.destroy, "jpeg_destroy_decompress");
}

// What one image needs; C structs and borrowed pointers only.
struct Work {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  JSAMPLE* buffer;  // a row as the decoder gives it
  JDIMENSION begin, width;
};

void give_up(j_common_ptr decoder) {
  auto* work = static_cast<Work*>(decoder->client_data);
  decoder->err->format_message(decoder, work->message);
  std::longjmp(work->back, 1);
}

// Damage within the image data makes wrong pixels, not errors, as in other programs: structure is
// checked before (check_jpeg).
void ignore_message(j_common_ptr, int) {}
void ignore_output(j_common_ptr) {}

// Ready for setjmp and create.
void set_up(const Library& l, Work& w) {
  std::memset(&w, 0, sizeof w);
  w.decoder.err = l.std_error(&w.errors);
  w.errors.error_exit = give_up;
  w.errors.emit_message = ignore_message;
  w.errors.output_message = ignore_output;
  w.decoder.client_data = &w;
}

// Whether structs are laid out as the library expects, which it checks.
bool fits(const Library& l) {
  Work w;
  set_up(l, w);
  if (setjmp(w.back) != 0) {
    return false;
  }
  l.create(&w.decoder, JPEG_LIB_VERSION, sizeof(jpeg_decompress_struct));
  l.destroy(&w.decoder);
  return true;
}

Library load() {
  Library l;
  const char* asked = std::getenv("TAXON_JPEG");
  if (asked != nullptr && std::string_view(asked) == "stb") {
    l.missing = "stb_image (TAXON_JPEG turns libjpeg-turbo off)";
    return l;
  }
  void* handle = nullptr;  // never closed: decoding may go on until the process ends
  for (const char* name : library_names) {
    handle = handle != nullptr ? handle : ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (handle == nullptr || !bind_all(handle, l) || !fits(l)) {
    l.missing = "stb_image (libjpeg-turbo is not installed)";
  }
  return l;
}

const Library& library() {
  static const Library l = load();
  return l;
}

// Fancy upsampling looks at neighbours: columns at the edge of a cut are not those of the whole.
constexpr JDIMENSION margin = 8;

// CMYK as Adobe stores it, inverted: each colour times black.
void cmyk_to_rgb(const JSAMPLE* in, std::uint8_t* out, std::int64_t pixels) {
  for (std::int64_t i = 0; i < pixels; ++i, in += 4, out += 3) {
    for (int c = 0; c < 3; ++c) {
      const unsigned v = unsigned{in[c]} * in[3] + 128u;
      out[c] = static_cast<std::uint8_t>((v + (v >> 8)) >> 8);
    }
  }
}

void start(const Library& l, Work& w, const Request& r) {
  auto& d = w.decoder;
  l.create(&d, JPEG_LIB_VERSION, sizeof(jpeg_decompress_struct));
  l.mem_src(&d, const_cast<std::uint8_t*>(r.jpeg.data()), r.jpeg.size());
  l.read_header(&d, TRUE);
  d.scale_num = 1;
  d.scale_denom = static_cast<unsigned>(r.shrink);
  d.out_color_space = d.num_components == 1   ? JCS_GRAYSCALE
                      : d.num_components == 4 ? JCS_CMYK
                                              : JCS_RGB;
  l.start(&d);
}

// The columns to decode: those wanted and the margin; all where little would be saved.
void cut_columns(const Library& l, Work& w, const Request& r) {
  auto& d = w.decoder;
  const auto left = static_cast<JDIMENSION>(r.box.left);
  const auto right = left + static_cast<JDIMENSION>(r.box.width);
  w.begin = left - std::min(left, margin);
  w.width = std::min(d.output_width, right + margin) - w.begin;
  if (w.width >= d.output_width - d.output_width / 8) {
    w.begin = 0;
    return;
  }
  l.crop_scanline(&d, &w.begin, &w.width);
}

// Trivial objects only: give_up() leaves from within.
[[gnu::noinline]] void decode_rows(const Library& l, Work& w, const Request& r, std::uint8_t* out) {
  start(l, w, r);
  cut_columns(l, w, r);
  auto& d = w.decoder;
  if (r.box.top > 0) {
    l.skip_scanlines(&d, static_cast<JDIMENSION>(r.box.top));
  }
  const std::int64_t from = r.box.left - static_cast<std::int64_t>(w.begin);
  for (std::int64_t y = 0; y < r.box.height; ++y, out += r.box.width * r.channels) {
    l.read_scanlines(&d, &w.buffer, 1);
    const JSAMPLE* in = w.buffer + from * d.output_components;
    if (d.output_components == 4) {
      cmyk_to_rgb(in, out, r.box.width);
    } else {
      std::memcpy(out, in, static_cast<std::size_t>(r.box.width * r.channels));
    }
  }
}

}  // namespace

bool available() {
  return library().missing.empty();
}

std::string_view description() {
  return available() ? "libjpeg-turbo" : library().missing;
}

bool decode(const Request& request, std::uint8_t* out, std::string& error) {
  const Library& l = library();
  // As wide as any image may be, in four components.
  thread_local std::vector<JSAMPLE> row(std::size_t{4} << 16);
  Work w;
  set_up(l, w);
  w.buffer = row.data();
  if (setjmp(w.back) != 0) {
    l.destroy(&w.decoder);
    error = w.message;
    return false;
  }
  decode_rows(l, w, request, out);
  l.destroy(&w.decoder);  // the rest of the stream is not read
  return true;
}

}  // namespace taxon::turbo

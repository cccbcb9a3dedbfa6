// See page.h.
#include "page.h"

#include <taxon/base/error.h>

#include <zlib.h>

#include "embedded_page.h"

namespace taxon::report {
namespace {

using embedded::Compressed;

std::string inflated(const Compressed& file) {
  z_stream z{};
  std::string out(1 << 20, '\0');
  inflateInit2(&z, 15 + 16);  // gzip's header
  z.next_in = const_cast<Bytef*>(file.gzip.data());
  z.avail_in = static_cast<uInt>(file.gzip.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&z, Z_FINISH);
  out.resize(z.total_out);
  inflateEnd(&z);
  if (code != Z_STREAM_END) fail<FormatError>("report: the built-in ", file.file, " is damaged");
  return out;
}

const Compressed& part(std::string_view name) {
  for (const Compressed& file : embedded::page())
    if (file.file == name) return file;
  fail<FormatError>("report: the page has no ", name);
}

bool is_script(const Compressed& file) {
  return file.file.ends_with(".js");
}

// A source in a Content-Security-Policy, from the file's SHA-256 in hexadecimal digits.
std::string hash_source(const Compressed& file) {
  std::string bytes;
  for (std::size_t i = 0; i < file.sha256.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(file.sha256.substr(i, 2)), nullptr, 16));
  return " 'sha256-" + base64(bytes) + "'";
}

std::string policy() {
  std::string scripts;
  for (const Compressed& file : embedded::page())
    if (is_script(file)) scripts += hash_source(file);
  return "default-src 'none'; script-src" + scripts + "; style-src" +
         hash_source(part("page.css")) +
         "; img-src data: blob:; base-uri 'none'; form-action 'none'";
}

// No end of an element and no comment can begin without `<`.
std::string safe_json(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string head() {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy() +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Taxon "
         "report</title>\n<style>" +
         inflated(part("page.css")) + "</style>\n</head>\n";
}

std::string scripts() {
  std::string out;
  for (const Compressed& file : embedded::page())
    if (is_script(file)) out += "<script>" + inflated(file) + "</script>\n";
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? digits[word >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

std::string page_html(const Payload& payload) {
  std::string out = head() + inflated(part("page.html"));
  out +=
      "<script type=\"application/json\" id=\"report\">" + safe_json(payload.json) + "</script>\n";
  for (const auto& [name, bytes] : payload.blobs) {
    out += "<script type=\"text/plain\" id=\"blob-" + name + "\">";
    out += base64(bytes);
    out += "</script>\n";
  }
  return out + scripts() + "</body>\n</html>\n";
}

std::size_t page_bytes() {
  return head().size() + inflated(part("page.html")).size() + scripts().size();
}

}  // namespace taxon::report

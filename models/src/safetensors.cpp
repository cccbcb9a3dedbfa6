// Reading and writing safetensors. A reader of files from anywhere: every number is checked before
// it is used.
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/models/safetensors.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

namespace taxon {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t max_header = 100'000'000;  // as the format's own library
constexpr std::size_t prefix = 8;                  // the header's length, little-endian

static_assert(std::endian::native == std::endian::little, "tensor data are little-endian");

struct FileType {
  std::string_view name;
  DType dtype;
  std::size_t bytes;  // in the file
};
constexpr FileType file_types[] = {
    {"F32", DType::f32, 4}, {"BF16", DType::bf16, 2}, {"F64", DType::f64, 8}, {"U8", DType::u8, 1},
    {"I32", DType::i32, 4}, {"I64", DType::i64, 8},   {"F16", DType::f32, 2}};

std::string_view file_name_of(DType dtype) {
  for (const FileType& t : file_types) {
    if (t.dtype == dtype) {
      return t.name;
    }
  }
  fail<DTypeError>("safetensors: no name for ", dtype);
}

// One entry of the header, checked in itself.
struct Entry {
  std::string name;
  const FileType* type = nullptr;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

// What the header says, checked against the number of bytes that follow it.
struct Header {
  std::vector<Entry> entries;  // by offset
  std::map<std::string, std::string> metadata;
};

class HeaderReader {
 public:
  HeaderReader(const std::string& file, std::uint64_t data_bytes)
      : file_(file), data_bytes_(data_bytes) {}

  Header read(std::string_view text) const {
    const Json json = parse(text);
    if (!json.is_object()) {
      error("the header is a JSON ", json.type_name(), ", expected an object");
    }
    Header header;
    for (const auto& [name, value] : json.items()) {
      if (name == "__metadata__") {
        header.metadata = metadata(value);
      } else {
        header.entries.push_back(entry(name, value));
      }
    }
    check_layout(header.entries);
    return header;
  }

 private:
  template <class... Parts>
  [[noreturn]] void error(const Parts&... parts) const {
    fail<FormatError>(file_, ": ", parts...);
  }

  // JSON lets a name come twice and keeps one of the two: a file that does so says different things
  // to different readers.
  Json parse(std::string_view text) const {
    std::vector<std::set<std::string>> open;
    std::string twice;
    const auto watch = [&](int, nlohmann::detail::parse_event_t event, Json& value) {
      using Event = nlohmann::detail::parse_event_t;
      if (event == Event::object_start) {
        open.emplace_back();
      } else if (event == Event::object_end) {
        open.pop_back();
      } else if (event == Event::key && !open.back().insert(value.get<std::string>()).second) {
        twice = value.get<std::string>();
      }
      return true;
    };
    check_depth(text);
    Json json;
    try {
      json = Json::parse(text.begin(), text.end(), watch);
    } catch (const nlohmann::json::exception& e) {
      error("the header is not JSON: ", e.what());
    }
    if (!twice.empty()) {
      error("the name '", twice, "' comes twice in the header");
    }
    return json;
  }

  // The library's parser is iterative, but destroying a deep value is not worth trying.
  void check_depth(std::string_view text) const {
    constexpr int max_depth = 16;
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (in_string) {
        i += c == '\\' ? 1 : 0;
        in_string = c != '"';
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{' || c == '[') {
        if (++depth > max_depth) {
          error("the header is nested deeper than ", max_depth, " levels");
        }
      } else if (c == '}' || c == ']') {
        --depth;
      }
    }
  }

  std::map<std::string, std::string> metadata(const Json& json) const {
    if (!json.is_object()) {
      error("__metadata__ is a JSON ", json.type_name(), ", expected an object of strings");
    }
    std::map<std::string, std::string> out;
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) {
        error("metadata '", key, "' is a JSON ", value.type_name(), ", expected a string");
      }
      out[key] = value.get<std::string>();
    }
    return out;
  }

  std::uint64_t number(const std::string& name, const char* what, const Json& json) const {
    if (!json.is_number_unsigned()) {
      error("tensor '", name, "': ", what, " holds ", json.dump(-1, ' ', true, replace),
            ", expected whole numbers from 0");
    }
    return json.get<std::uint64_t>();
  }

  const Json& field(const std::string& name, const Json& json, const char* key) const {
    if (!json.is_object() || !json.contains(key)) {
      error("tensor '", name, "' has no ", key);
    }
    return json.at(key);
  }

  const FileType* type(const std::string& name, const Json& json) const {
    const std::string found =
        json.is_string() ? json.get<std::string>() : json.dump(-1, ' ', true, replace);
    std::string known;
    for (const FileType& t : file_types) {
      if (found == t.name) {
        return &t;
      }
      known += text(known.empty() ? "" : ", ", t.name);
    }
    error("tensor '", name, "': dtype is ", found, ", expected one of ", known);
  }

  Entry entry(const std::string& name, const Json& json) const {
    Entry e;
    e.name = name;
    e.type = type(name, field(name, json, "dtype"));
    const Json& dims = field(name, json, "shape");
    const Json& offsets = field(name, json, "data_offsets");
    if (!dims.is_array() || dims.size() > static_cast<std::size_t>(Shape::max_rank)) {
      error("tensor '", name, "': shape is not an array of at most ", Shape::max_rank, " numbers");
    }
    if (!offsets.is_array() || offsets.size() != 2) {
      error("tensor '", name, "': data_offsets is not an array of two numbers");
    }
    e.begin = number(name, "data_offsets", offsets[0]);
    e.end = number(name, "data_offsets", offsets[1]);
    if (e.begin > e.end || e.end > data_bytes_) {
      error("tensor '", name, "': data_offsets are [", e.begin, ", ", e.end,
            "], expected to lie within the ", data_bytes_, " bytes that follow the header");
    }
    std::uint64_t values = 1;  // at most data_bytes_, or the extents lie
    for (const Json& dim : dims) {
      const std::uint64_t extent = number(name, "shape", dim);
      if (extent > (std::uint64_t{1} << 40) || (values > 0 && extent > data_bytes_ / values)) {
        error("tensor '", name, "': shape ", dims.dump(),
              " has more values than the file has bytes");
      }
      values *= extent;
      e.shape.push_back(static_cast<std::int64_t>(extent));
    }
    if (values * e.type->bytes != e.end - e.begin) {
      error("tensor '", name, "': ", e.end - e.begin, " bytes, expected ", values * e.type->bytes,
            " for ", e.type->name, e.shape);
    }
    return e;
  }

  // Data must follow each other without overlap or hole, and fill the file.
  void check_layout(std::vector<Entry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t at = 0;
    for (const Entry& e : entries) {
      if (e.begin != at) {
        error("tensor '", e.name, "' begins at ", e.begin, ", expected ", at,
              e.begin < at ? ": it overlaps the one before" : ": there is a hole before it");
      }
      at = e.end;
    }
    if (at != data_bytes_) {
      error(data_bytes_, " bytes follow the header, expected ", at);
    }
  }

  static constexpr auto replace = Json::error_handler_t::replace;
  const std::string& file_;
  std::uint64_t data_bytes_;
};

std::uint64_t header_length(const std::uint8_t* bytes, std::uint64_t file_bytes,
                            const std::string& file) {
  if (file_bytes < prefix) {
    fail<FormatError>(file, ": ", file_bytes,
                      " bytes, expected a safetensors file (8 bytes at least)");
  }
  std::uint64_t n = 0;
  std::memcpy(&n, bytes, prefix);
  if (n > max_header || n > file_bytes - prefix) {
    fail<FormatError>(file, ": says its header has ", n, " bytes, expected at most ",
                      std::min(max_header, file_bytes - prefix),
                      "; it is cut short or no safetensors file");
  }
  return n;
}

float from_half(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t exponent = (h >> 10) & 31u, mantissa = h & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

Tensor tensor_of(const Entry& e, const std::uint8_t* data) {
  Tensor t = Tensor::empty(e.shape, e.type->dtype);
  const std::size_t bytes = static_cast<std::size_t>(e.end - e.begin);
  if (e.type->name == "F16") {
    std::span<float> out = t.mutable_view<float>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint16_t h = 0;
      std::memcpy(&h, data + e.begin + 2 * i, 2);
      out[i] = from_half(h);
    }
  } else if (bytes > 0) {
    std::memcpy(t.mutable_raw(), data + e.begin, bytes);
  }
  return t;
}

}  // namespace

const Tensor* TensorFile::find(const std::string& name) const {
  for (const NamedTensor& t : tensors) {
    if (t.name == name) {
      return &t.tensor;
    }
  }
  return nullptr;
}

TensorFile parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::uint64_t length = header_length(bytes.data(), bytes.size(), name);
  const std::uint8_t* data = bytes.data() + prefix + length;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + prefix, length);
  Header header = HeaderReader(name, bytes.size() - prefix - length).read(text);
  TensorFile file;
  file.metadata = std::move(header.metadata);
  for (const Entry& e : header.entries) {
    file.tensors.push_back({e.name, tensor_of(e, data)});
  }
  return file;
}

TensorFile read_safetensors(const std::string& path) {
  return parse_safetensors(read_file(path), path);
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) {
    fail<IoError>(path, ": cannot be opened for reading");
  }
  const auto size = static_cast<std::uint64_t>(std::max<std::streamoff>(0, in.tellg()));
  std::uint8_t first[prefix] = {};
  in.seekg(0);
  in.read(reinterpret_cast<char*>(first), prefix);
  if (in.bad() || (!in && size >= prefix)) {
    fail<IoError>(path, ": cannot be read");
  }
  const std::uint64_t length = header_length(first, size, path);
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  if (!in) {
    fail<IoError>(path, ": cannot be read");
  }
  return HeaderReader(path, size - prefix - length).read(text).metadata;
}

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<NamedTensor> sorted = tensors;
  std::stable_sort(sorted.begin(), sorted.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return size_of(a.tensor.dtype()) > size_of(b.tensor.dtype());
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();  // readable by people
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  std::uint64_t at = 0;
  std::set<std::string> names;
  for (NamedTensor& t : sorted) {
    if (t.name == "__metadata__" || !names.insert(t.name).second) {
      fail<FormatError>(path, ": the name '", t.name, "' cannot be written ",
                        t.name == "__metadata__" ? "for a tensor" : "twice");
    }
    t.tensor = t.tensor.detach().to(cpu);
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(t.tensor.numel()) * size_of(t.tensor.dtype());
    header[t.name] = {
        {"dtype", file_name_of(t.tensor.dtype())},
        {"shape", std::vector<std::int64_t>(t.tensor.shape().begin(), t.tensor.shape().end())},
        {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((prefix - text.size() % prefix) % prefix, ' ');
  if (text.size() > max_header) {
    fail<FormatError>(path, ": a header of ", text.size(), " bytes, expected at most ", max_header);
  }
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write(&length, prefix);
  file.write(text);
  for (const NamedTensor& t : sorted) {
    file.write(t.tensor.raw(),
               static_cast<std::size_t>(t.tensor.numel()) * size_of(t.tensor.dtype()));
  }
  file.commit();
}

}  // namespace taxon

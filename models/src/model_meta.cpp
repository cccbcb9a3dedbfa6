// ModelMeta to and from the metadata of a model file: strings, most of them JSON.
#include "model_meta.h"

#include <taxon/base/text.h>

#include <cmath>

#include <nlohmann/json.hpp>

#include "base64.h"

namespace taxon {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;
constexpr std::string_view note_prefix = "taxon.note.";

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json spec_json(const ModelSpec& s) {
  return {{"name", s.name},          {"height", s.height},
          {"width", s.width},        {"channels", s.channels},
          {"classes", s.classes},    {"task", name_of(s.task)},
          {"stem", name_of(s.stem)}, {"shortcut", name_of(s.shortcut)}};
}

ModelSpec spec_of(const Json& json) {
  ModelSpec s;
  s.name = json.at("name").get<std::string>();
  s.height = json.at("height").get<std::int64_t>();
  s.width = json.at("width").get<std::int64_t>();
  s.channels = json.at("channels").get<std::int64_t>();
  s.classes = json.at("classes").get<std::int64_t>();
  s.task = parse_task(json.at("task").get<std::string>());
  s.stem = parse_stem(json.at("stem").get<std::string>());
  s.shortcut = parse_shortcut(json.at("shortcut").get<std::string>());
  return resolve(s);
}

Json preprocess_json(const Preprocess& p) {
  return {{"height", p.height},
          {"width", p.width},
          {"channels", p.channels},
          {"resize", name_of(p.resize)},
          {"crop_pct", p.crop_pct},
          {"mean", p.mean},
          {"std", p.std}};
}

Preprocess preprocess_of(const Json& json) {
  Preprocess p;
  p.height = json.at("height").get<std::int64_t>();
  p.width = json.at("width").get<std::int64_t>();
  p.channels = json.at("channels").get<std::int64_t>();
  p.resize = parse_resize_mode(json.at("resize").get<std::string>());
  p.crop_pct = json.at("crop_pct").get<double>();
  p.mean = json.at("mean").get<std::vector<float>>();
  p.std = json.at("std").get<std::vector<float>>();
  p.validate();
  return p;
}

Json golden_json(const Golden& g) {
  return {{"height", g.image.height()},
          {"width", g.image.width()},
          {"channels", g.image.channels()},
          {"pixels", base64_encode({g.image.data(), g.image.bytes()})},
          {"probabilities", g.probabilities},
          {"tolerance", g.tolerance}};
}

Golden golden_of(const Json& json) {
  const auto height = json.at("height").get<std::int64_t>();
  const auto width = json.at("width").get<std::int64_t>();
  const auto channels = json.at("channels").get<std::int64_t>();
  const auto pixels = base64_decode(json.at("pixels").get<std::string>());
  const auto most = static_cast<std::int64_t>(pixels.size());
  if (height < 1 || width < 1 || (channels != 1 && channels != 3) || height > most ||
      width > most || height * width * channels != most) {
    fail<FormatError>(most, " bytes of pixels, expected those of an image of ", height, "x", width,
                      "x", channels);
  }
  Golden g;
  g.image = Image::copy_of(pixels.data(), height, width, channels);
  g.probabilities = json.at("probabilities").get<std::vector<float>>();
  g.tolerance = json.at("tolerance").get<double>();
  return g;
}

Json selective_json(const std::vector<SelectivePoint>& curve) {
  Json out = Json::array();
  for (const SelectivePoint& p : curve)
    out.push_back({p.threshold, p.coverage, p.accuracy, p.at_least});
  return out;
}

std::vector<SelectivePoint> selective_of(const Json& json) {
  std::vector<SelectivePoint> out;
  for (const Json& p : json) {
    if (p.size() < 4) return {};  // of a file that knows no bound: nothing is promised
    out.push_back({p.at(0).get<double>(), p.at(1).get<double>(), p.at(2).get<double>(),
                   p.at(3).get<double>()});
  }
  return out;
}

// Reads entries; whatever goes wrong inside one becomes a FormatError that names file and entry.
class MetadataReader {
 public:
  MetadataReader(const std::map<std::string, std::string>& metadata, const std::string& file)
      : metadata_(metadata), file_(file) {}

  bool has(const std::string& key) const { return metadata_.count(key) != 0; }

  template <class F>
  auto read(const std::string& key, F&& convert) const {
    const auto it = metadata_.find(key);
    if (it == metadata_.end()) {
      fail<FormatError>(file_, ": metadata has no '", key, "', expected it in a Taxon model");
    }
    try {
      return convert(Json::parse(it->second));
    } catch (const nlohmann::json::exception& e) {
      fail<FormatError>(file_, ": metadata '", key, "': ", e.what());
    } catch (const Error& e) {
      fail<FormatError>(file_, ": metadata '", key, "': ", e.what());
    }
  }

 private:
  const std::map<std::string, std::string>& metadata_;
  const std::string& file_;
};

void check_version(const MetadataReader& reader, const std::string& file) {
  if (!reader.has("taxon.format")) {
    fail<FormatError>(file,
                      ": metadata has no 'taxon.format': safetensors, but no Taxon model (weights "
                      "alone do not say what to build)");
  }
  const int version = reader.read("taxon.format", [](const Json& json) { return json.get<int>(); });
  if (version != format_version) {
    fail<FormatError>(file, ": model format ", version, ", expected ", format_version,
                      version > format_version ? "; a newer Taxon wrote it" : "");
  }
}

}  // namespace

void ModelMeta::validate() const {
  const auto n = static_cast<std::size_t>(spec.classes);
  if (classes.size() != n) {
    fail<OptionError>("model: ", classes.size(), " class names, expected ", n);
  }
  if (!thresholds.empty() && thresholds.size() != n) {
    fail<OptionError>("model: ", thresholds.size(), " thresholds, expected ", n, " or none");
  }
  for (const float t : thresholds) {
    if (!(t >= 0 && t <= 1)) {
      fail<OptionError>("model: a threshold is ", static_cast<double>(t), ", expected 0 to 1");
    }
  }
  if (!(temperature > 0) || !std::isfinite(temperature)) {
    fail<OptionError>("model: temperature is ", temperature, ", expected a positive number");
  }
  if (golden && golden->probabilities.size() != n) {
    fail<OptionError>("model: the golden pair has ", golden->probabilities.size(),
                      " probabilities, expected ", n);
  }
  preprocess.validate();
  if (preprocess.channels != spec.channels) {
    fail<OptionError>("model: preprocessing gives ", preprocess.channels,
                      " channels, the model expects ", spec.channels);
  }
}

std::map<std::string, std::string> to_metadata(const ModelMeta& meta) {
  std::map<std::string, std::string> out;
  out["format"] = "pt";  // what readers of PyTorch weights look for
  out["taxon.format"] = std::to_string(format_version);
  out["taxon.model"] = dump(spec_json(meta.spec));
  out["taxon.classes"] = dump(meta.classes);
  out["taxon.preprocess"] = dump(preprocess_json(meta.preprocess));
  out["taxon.temperature"] = dump(meta.temperature);
  if (!meta.conformal.empty()) out["taxon.conformal"] = dump(meta.conformal.levels());
  if (!meta.selective.empty()) out["taxon.selective"] = dump(selective_json(meta.selective));
  if (meta.tta != Tta::none) out["taxon.tta"] = dump(name_of(meta.tta));
  if (!meta.thresholds.empty()) {
    out["taxon.thresholds"] = dump(meta.thresholds);
  }
  if (meta.golden) {
    out["taxon.golden"] = dump(golden_json(*meta.golden));
  }
  for (const auto& [key, value] : meta.notes) {
    out[std::string(note_prefix) + key] = value;
  }
  return out;
}

ModelMeta from_metadata(const std::map<std::string, std::string>& metadata,
                        const std::string& file) {
  const MetadataReader reader(metadata, file);
  check_version(reader, file);
  const auto floats = [](const Json& json) { return json.get<std::vector<float>>(); };
  ModelMeta meta;
  meta.spec = reader.read("taxon.model", spec_of);
  meta.classes = reader.read("taxon.classes",
                             [](const Json& json) { return json.get<std::vector<std::string>>(); });
  meta.preprocess = reader.read("taxon.preprocess", preprocess_of);
  meta.temperature =
      reader.read("taxon.temperature", [](const Json& json) { return json.get<double>(); });
  if (reader.has("taxon.conformal")) {
    meta.conformal = reader.read(
        "taxon.conformal", [&](const Json& json) { return Conformal::from_levels(floats(json)); });
  }
  if (reader.has("taxon.selective")) {
    meta.selective = reader.read("taxon.selective", selective_of);
  }
  if (reader.has("taxon.tta")) {
    meta.tta = reader.read("taxon.tta",
                           [](const Json& json) { return parse_tta(json.get<std::string>()); });
  }
  if (reader.has("taxon.thresholds")) {
    meta.thresholds = reader.read("taxon.thresholds", floats);
  } else if (meta.spec.task == Task::multi) {
    meta.thresholds.assign(meta.classes.size(), 0.5f);
  }
  if (reader.has("taxon.golden")) {
    meta.golden = reader.read("taxon.golden", golden_of);
  }
  for (const auto& [key, value] : metadata) {
    if (key.rfind(note_prefix, 0) == 0) {
      meta.notes[key.substr(note_prefix.size())] = value;
    }
  }
  try {
    meta.validate();
  } catch (const OptionError& e) {
    fail<FormatError>(file, ": ", e.what());
  }
  return meta;
}

}  // namespace taxon

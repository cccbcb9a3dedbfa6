// What the tests of the report share: runs made up by a seed, and what a page holds.
#pragma once

#include <taxon/base/file.h>
#include <taxon/base/random.h>
#include <taxon/data/image.h>
#include <taxon/metrics/predictions.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train_test.h"

namespace taxon::test {

/// Predictions of a classifier that is often right: probabilities are floats as written to the
/// file. Ids are "test/0" ..., classes "class 0" ...
inline Predictions made_up(std::int64_t samples, std::int64_t classes, std::uint64_t seed,
                           bool multi = false) {
  Predictions p;
  p.multi_label = multi;
  Rng rng(seed);
  std::vector<float> probability;
  for (std::int64_t k = 0; k < classes; ++k) p.classes.push_back("class " + std::to_string(k));
  for (std::int64_t i = 0; i < samples; ++i) {
    p.id.push_back("test/" + std::to_string(i));
    const auto truth = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(classes)));
    if (!multi) p.truth.push_back(truth);
    std::vector<double> score;
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) {
      const bool has = multi ? rng.uniform() < 0.3 : k == truth;
      if (multi) p.truth_labels.push_back(has);
      const double logit = 1.5 * rng.normal() + (has ? 2 : multi ? -2 : 0);
      score.push_back(multi ? 1 / (1 + std::exp(-logit)) : std::exp(logit));
      sum += score.back();
    }
    for (const double s : score) probability.push_back(static_cast<float>(multi ? s : s / sum));
  }
  p.probability = as_written(probability);
  return p;
}

/// A folder with predictions.csv and metrics.json as a run leaves them.
inline void write_run(const std::string& folder, Predictions p) {
  std::filesystem::create_directories(folder);
  complete(p);
  write_predictions(folder + "/predictions.csv", p);
  write_file_atomic(folder + "/metrics.json", metrics_json(p, 2));
}

/// A picture whose colour tells the number.
inline Image coloured(std::int64_t number, std::int64_t height = 20, std::int64_t width = 20) {
  Image image(height, width, 3);
  for (std::size_t i = 0; i < image.bytes(); ++i)
    image.data()[i] =
        static_cast<std::uint8_t>((number * 37 + static_cast<std::int64_t>(i % 3) * 80) % 256);
  return image;
}

/// The text of the script element `id` of a page, or "" if there is none.
inline std::string block(const std::string& html, const std::string& id) {
  const std::string mark = " id=\"" + id + "\">";
  const std::size_t from = html.find(mark);
  if (from == std::string::npos) return "";
  return html.substr(from + mark.size(), html.find("</script>", from) - from - mark.size());
}
inline nlohmann::json payload_of(const std::string& html) {
  return nlohmann::json::parse(block(html, "report"));
}

inline std::string decoded(const std::string& base64) {
  std::string out;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : base64) {
    const std::size_t digit =
        std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
            .find(c);
    if (digit == std::string_view::npos) break;
    word = word << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(word >> bits & 0xff);
  }
  return out;
}
/// The array `name` of a page.
template <class T>
std::vector<T> array_of(const std::string& html, const std::string& name) {
  const std::string bytes = decoded(block(html, "blob-" + name));
  std::vector<T> out(bytes.size() / sizeof(T));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.data()));
  return out;
}

/// One class against the others, or one label, where p >= threshold.
struct Counts {
  std::int64_t tp = 0, fp = 0, fn = 0, tn = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};
inline Counts counts_at(const Predictions& p, std::size_t k, double threshold) {
  Counts out;
  const std::size_t c = p.classes.size();
  for (std::size_t i = 0; i < static_cast<std::size_t>(p.samples()); ++i) {
    const bool said = p.probability[i * c + k] >= threshold;
    const bool is =
        p.multi_label ? p.truth_labels[i * c + k] != 0 : p.truth[i] == static_cast<std::int64_t>(k);
    ++(is ? (said ? out.tp : out.fn) : (said ? out.fp : out.tn));
  }
  return out;
}

}  // namespace taxon::test

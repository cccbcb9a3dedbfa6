// What the tests of the data checker share: pictures that look like something, and folders of them.
#pragma once

#include <taxon/base/random.h>
#include <taxon/check/report.h>

#include "catch.h"
#include "data_test.h"

#include <cmath>
#include <string>
#include <vector>

namespace taxon::test {

/// A smooth coloured picture drawn from a seed: waves of low frequency. Two seeds look unlike.
inline Image picture(std::uint64_t seed, std::int64_t height = 40, std::int64_t width = 40) {
  Rng rng(seed, 0x91c);
  Image image(height, width, 3);
  for (std::int64_t c = 0; c < 3; ++c) {
    double a[6][4];
    for (auto& wave : a) {
      for (double& v : wave) v = rng.uniform();
    }
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        double v = 0;
        for (const auto& w : a) {
          const double angle = 4 * w[0] * static_cast<double>(x) / static_cast<double>(width) +
                               4 * w[1] * static_cast<double>(y) / static_cast<double>(height) +
                               w[2];
          v += (w[3] - 0.5) * std::sin(6.283 * angle);
        }
        image.at(y, x, c) = static_cast<std::uint8_t>(std::clamp(127 + 70 * v, 0.0, 255.0));
      }
    }
  }
  return image;
}

inline Image mirrored(const Image& image) {
  Image out = image;
  for (std::int64_t y = 0; y < image.height(); ++y) {
    for (std::int64_t x = 0; x < image.width(); ++x) {
      for (std::int64_t c = 0; c < image.channels(); ++c) {
        out.at(y, x, c) = image.at(y, image.width() - 1 - x, c);
      }
    }
  }
  return out;
}

/// The same with every value changed a little, as another compression does.
inline Image disturbed(Image image, std::uint64_t seed) {
  Rng rng(seed, 0xd15);
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    const int v = image.data()[i] + static_cast<int>(rng.below(9)) - 4;
    image.data()[i] = static_cast<std::uint8_t>(std::clamp(v, 0, 255));
  }
  return image;
}

/// Findings without a judgement of labels and outliers, unless asked for.
inline check::Findings checked(const std::string& folder,
                               check::LabelSource labels = check::LabelSource::none) {
  DataOptions data;
  data.require_train = false;
  check::CheckOptions options;
  options.labels = labels;
  return check::check_data(open_dataset(folder, data), options);
}

/// The ids of samples, joined by spaces.
inline std::string ids(const check::Findings& f, const std::vector<std::int64_t>& samples);

/// "what the later split has=what the earlier one has ...".
inline std::string ids(const check::Findings& f, const std::vector<check::Leak::Shared>& shared) {
  std::string out;
  for (const check::Leak::Shared& s : shared)
    out += (out.empty() ? "" : " ") + ids(f, std::vector<std::int64_t>{s.sample}) + "=" +
           ids(f, std::vector<std::int64_t>{s.of});
  return out;
}

inline std::string ids(const check::Findings& f, const std::vector<std::int64_t>& samples) {
  std::string out;
  for (const std::int64_t n : samples) out += (out.empty() ? "" : " ") + f.samples.id(n);
  return out;
}

}  // namespace taxon::test

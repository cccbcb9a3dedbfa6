// What the tests of training share: tiny data that can be learnt, and a folder of its own.
#pragma once

#include <taxon/base/random.h>
#include <taxon/data/dataset.h>
#include <taxon/data/image.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

/// A fresh folder that goes away with the object.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "taxon-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// An 8x8 RGB image whose bright half tells the class (0: top, 1: bottom), with noise.
inline taxon::Image half_image(std::int64_t label, std::uint64_t seed) {
  taxon::Image image(8, 8, 3);
  taxon::Rng rng(seed, 7);
  for (std::int64_t y = 0; y < 8; ++y) {
    for (std::int64_t x = 0; x < 8; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const bool bright = (y >= 4) == (label == 1);
        image.at(y, x, c) = static_cast<std::uint8_t>((bright ? 140 : 60) + rng.below(60));
      }
    }
  }
  return image;
}

/// PNGs in folder/top and folder/bottom, as many as said; each takes the next seed.
inline void write_halves(const std::string& folder, std::int64_t top, std::int64_t bottom,
                         std::uint64_t& seed) {
  for (std::int64_t label = 0; label < 2; ++label) {
    const std::string to = folder + (label == 0 ? "/top" : "/bottom");
    std::filesystem::create_directories(to);
    for (std::int64_t i = 0; i < (label == 0 ? top : bottom); ++i)
      taxon::save_png(half_image(label, ++seed), to + "/" + std::to_string(i) + ".png");
  }
}

inline taxon::DatasetPtr halves(std::int64_t n, std::uint64_t seed,
                                taxon::Task task = taxon::Task::single) {
  taxon::Labels labels;
  labels.task = task;
  labels.class_names = {"top", "bottom"};
  std::vector<std::uint8_t> pixels;
  for (std::int64_t i = 0; i < n; ++i) {
    const taxon::Image image = half_image(i % 2, seed * 1000 + static_cast<std::uint64_t>(i));
    pixels.insert(pixels.end(), image.data(), image.data() + image.bytes());
    if (task == taxon::Task::single) {
      labels.index.push_back(i % 2);
    } else {
      labels.hot.push_back(i % 2 == 0);
      labels.hot.push_back(i % 2 == 1);
    }
  }
  return taxon::memory_dataset("halves", std::move(pixels), taxon::Shape{8, 8, 3},
                               std::move(labels));
}

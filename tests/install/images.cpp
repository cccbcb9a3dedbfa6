// Writes a small folder of class folders for the install test: bright squares and dark ones, as
// PNG. Use: install_images FOLDER
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBIW_ASSERT(x)
#include <stb/stb_image_write.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path root = argv[1];
  constexpr int size = 32, count = 20;
  for (const bool bright : {false, true}) {
    const auto folder = root / (bright ? "bright" : "dark");
    std::filesystem::create_directories(folder);
    for (int i = 0; i < count; ++i) {
      std::vector<unsigned char> pixels(size * size * 3);
      for (std::size_t p = 0; p < pixels.size(); ++p) {
        const auto noise =
            static_cast<unsigned char>((p * 31 + static_cast<std::size_t>(i) * 17) % 60);
        pixels[p] = static_cast<unsigned char>(noise + (bright ? 180 : 10));
      }
      const std::string path = (folder / (std::to_string(i) + ".png")).string();
      if (!stbi_write_png(path.c_str(), size, size, 3, pixels.data(), size * 3)) {
        std::fprintf(stderr, "cannot write %s\n", path.c_str());
        return 1;
      }
    }
  }
  return 0;
}

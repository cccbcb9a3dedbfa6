// Decoding and resizing, against what PIL does with the same bytes.
#include "catch.h"

#include <taxon/base/file.h>

#include "data_test.h"
#include "fixtures.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("PNG is decoded exactly, in all its forms") {
  const Image image = pattern(9, 11, 3);
  CHECK(decode_image(encode_png(image)) == image);
  const Image grey = pattern(9, 11, 1);
  CHECK(decode_image(encode_png(grey)) == grey);
  CHECK(pixels_of(decode_image(fixtures::palette_png)) == fixtures::palette_pixels);
  CHECK(pixels_of(decode_image(fixtures::bits_png)) == fixtures::bits_pixels);
  CHECK(decode_image(fixtures::bits_png).channels() == 1);
}

TEST_CASE("alpha is dropped") {
  const Image image = decode_image(fixtures::alpha_png);
  CHECK(image.str() == "6x5x3");
  CHECK(int{image.at(2, 3, 0)} == 2 * 255 / 15);
  CHECK(int{image.at(2, 3, 1)} == 3 * 255 / 23);
  CHECK(int{image.at(2, 3, 2)} == 5 * 255 / 38);
  CHECK(decode_image(fixtures::grey_alpha_png) == pattern(6, 5, 1));
}

TEST_CASE("BMP is decoded exactly") {
  CHECK(decode_image(fixtures::color_bmp) == pattern(5, 7, 3));
  // The top row first: the height is negative. Rows of 7 pixels take 24 bytes.
  Bytes top_down = fixtures::color_bmp;
  const std::size_t pixels = top_down.size() - 5 * 24;
  for (std::size_t row = 0; row < 5; ++row) {
    std::copy_n(fixtures::color_bmp.begin() + static_cast<std::ptrdiff_t>(pixels + (4 - row) * 24),
                24, top_down.begin() + static_cast<std::ptrdiff_t>(pixels + row * 24));
  }
  top_down[22] = 0xfb;
  top_down[23] = top_down[24] = top_down[25] = 0xff;
  CHECK(decode_image(top_down) == pattern(5, 7, 3));
  Bytes cut = fixtures::color_bmp;
  cut.resize(cut.size() - 5);
  const std::string e = error_of<FormatError>([&] { decode_image(cut, "x.bmp"); });
  CHECK(e == "x.bmp: truncated BMP: 169 bytes, expected 174");
}

TEST_CASE("JPEG is decoded as PIL does, up to rounding") {
  // Chroma is upsampled a little differently from libjpeg; luma differs by rounding only.
  CHECK(largest_difference(decode_image(fixtures::grey_jpeg), fixtures::grey_jpeg_pixels) <= 1);
  CHECK(largest_difference(decode_image(fixtures::progressive_jpeg),
                           fixtures::progressive_pixels) <= 4);
  CHECK(decode_image(fixtures::cmyk_jpeg).str() == "16x24x3");
}

TEST_CASE("EXIF orientation is applied") {
  const Image turned = decode_image(fixtures::rotated_jpeg);
  CHECK(turned.str() == "24x16x3");
  CHECK(largest_difference(turned, fixtures::rotated_pixels) <= 2);
  const ImageInfo info = image_info(fixtures::rotated_jpeg);
  CHECK((info.height == 24 && info.width == 16 && info.channels == 3));

  const Image png = decode_image(fixtures::turned_png), upright = pattern(3, 4, 3);
  CHECK(png.at(0, 0, 1) == upright.at(2, 3, 1));
  CHECK(png.at(2, 1, 2) == upright.at(0, 2, 2));
}

TEST_CASE("each EXIF orientation moves the corner as the standard says") {
  // Orientation, and where the stored pixel (0, 0) of a 2x3 image is shown.
  const int expected[8][3] = {{1, 0, 0}, {2, 0, 2}, {3, 1, 2}, {4, 1, 0},
                              {5, 0, 0}, {6, 0, 1}, {7, 2, 1}, {8, 2, 0}};
  Image stored(2, 3, 1);
  stored.at(0, 0, 0) = 200;
  const Bytes plain = encode_png(stored);
  for (const auto& [orientation, y, x] : expected) {
    Bytes tiff{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
               3,   0,   0, 0,  1, 0, 0, 0, 0, 0, 0, 0,    0};
    tiff[19] = static_cast<std::uint8_t>(orientation);
    Bytes chunk{'e', 'X', 'I', 'f'};
    chunk.insert(chunk.end(), tiff.begin(), tiff.end());
    Bytes png(plain.begin(), plain.begin() + 33);  // signature and header chunk
    put_u32(png, static_cast<std::uint32_t>(tiff.size()));
    png.insert(png.end(), chunk.begin(), chunk.end());
    put_u32(png,
            static_cast<std::uint32_t>(crc32(0, chunk.data(), static_cast<uInt>(chunk.size()))));
    png.insert(png.end(), plain.begin() + 33, plain.end());
    const Image shown = decode_image(png);
    INFO("orientation " << orientation);
    REQUIRE(shown.height() == (orientation >= 5 ? 3 : 2));
    CHECK(int{shown.at(y, x, 0)} == 200);
  }
}

TEST_CASE("what is not an 8-bit image is refused with a reason") {
  const auto reason = [](const Bytes& bytes) {
    return error_of<FormatError>([&] { decode_image(bytes, "f"); });
  };
  CHECK(reason({}) == "f: empty file, expected a PNG, JPEG or BMP image");
  CHECK(contains(reason({'G', 'I', 'F', '8', '9', 'a'}), "47 49 46 38 39 61 (a GIF), expected"));
  CHECK(contains(reason({'<', 'h', 't', 'm', 'l', '>'}), "text, such as a web page"));
  CHECK(contains(reason(fixtures::deep_png), "PNG with 16 bits a channel, expected 8"));
  Bytes flipped = encode_png(pattern(9, 11, 3));
  flipped[60] ^= 0x10;
  CHECK(contains(reason(flipped), "corrupt PNG: the checksum of a chunk"));
  Bytes cut = encode_jpeg(pattern(40, 40, 3));
  cut.resize(cut.size() - 100);
  CHECK(contains(reason(cut), "corrupt JPEG: the file ends after"));
  cut.resize(100);
  CHECK(contains(reason(cut), "corrupt JPEG"));
}

TEST_CASE("dimensions are capped before pixels are decoded") {
  Bytes png = encode_png(pattern(4, 4, 3));
  const auto with_size = [&](std::uint32_t width, std::uint32_t height) {
    Bytes b = png;
    for (int i = 0; i < 4; ++i) {
      b[static_cast<std::size_t>(16 + i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
      b[static_cast<std::size_t>(20 + i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    const auto crc = static_cast<std::uint32_t>(crc32(0, &b[12], 17));
    for (int i = 0; i < 4; ++i) {
      b[static_cast<std::size_t>(29 + i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    }
    return error_of<FormatError>([&] { decode_image(b, "f"); });
  };
  CHECK(contains(with_size(12000, 12000), "12000x12000 pixels, expected sides up to 32768"));
  CHECK(contains(with_size(2000000000, 3), "f: "));
  CHECK(contains(with_size(0, 3), "f: "));
}

TEST_CASE("resize equals PIL's bilinear resize bit for bit") {
  const Image small = pattern(5, 7, 3);
  CHECK(pixels_of(resize(small, 3, 4)) == fixtures::resized_3x4);
  CHECK(pixels_of(resize(small, 7, 3)) == fixtures::resized_7x3);
  const Image image = pattern(97, 61, 3);
  CHECK(hash(resize(image, 32, 24)) == 0x27e0d1206e6898a4ULL);
  CHECK(hash(resize(image, 97, 20)) == 0xee3726b5335e7960ULL);
  CHECK(hash(resize(image, 31, 61)) == 0xdbf5014dcba3ca55ULL);
  CHECK(hash(resize(image, 150, 200)) == 0x6339de84f780753bULL);
  CHECK(resize(image, 97, 61) == image);
  CHECK(hash(resize(pattern(50, 40, 1), 13, 17)) == 0xf6b9d3b3c0680ba1ULL);
  CHECK_THROWS_AS(resize(image, 0, 5), OptionError);
  CHECK_THROWS_AS(resize(Image(), 5, 5), ShapeError);
}

TEST_CASE("channels are converted as PIL does") {
  CHECK(hash(convert_channels(pattern(97, 61, 3), 1)) == 0x59e5a80c8ad11894ULL);
  const Image rgb = convert_channels(pattern(2, 3, 1), 3);
  CHECK((rgb.at(1, 2, 0) == rgb.at(1, 2, 2) && rgb.at(1, 2, 0) == pattern(2, 3, 1).at(1, 2, 0)));
  CHECK_THROWS_AS(convert_channels(pattern(2, 2, 3), 2), OptionError);
}

TEST_CASE("raw pixels may have padded rows, and crops must lie inside") {
  const Bytes raw{1, 2, 99, 3, 4, 99};
  const Image image = Image::copy_of(raw.data(), 2, 2, 1, 3);
  CHECK(pixels_of(image) == Bytes{1, 2, 3, 4});
  CHECK(pixels_of(crop(image, 1, 0, 1, 2)) == Bytes{3, 4});
  CHECK_THROWS_AS(crop(image, 1, 0, 2, 2), ShapeError);
  CHECK_THROWS_AS(Image(0, 3, 1), OptionError);
  CHECK_THROWS_AS(Image(3, 3, 5), OptionError);
}

TEST_CASE("files are loaded and saved") {
  const Folder folder;
  const Image image = pattern(6, 4, 3);
  save_png(image, folder / "a.png");
  CHECK(load_image(folder / "a.png") == image);
  const std::string e = error_of<IoError>([&] { load_image(folder / "b.png"); });
  CHECK(contains(e, "b.png"));
  CHECK_THROWS_AS(encode_jpeg(image, 0), OptionError);
}

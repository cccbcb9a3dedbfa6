// See look.h.
#include "look.h"

#include <taxon/base/error.h>
#include <taxon/base/interrupted.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>

#include "features.h"
#include "phash.h"
#include "progress.h"

#include <algorithm>
#include <cstring>

namespace taxon::check {
namespace {

constexpr std::int64_t chunk = 64;
constexpr std::int64_t chunks_at_once = 64;  // between reports of progress

bool is_grey(const Image& image) {
  for (std::size_t i = 0; i < image.bytes(); i += 3) {
    const std::uint8_t* p = image.data() + i;
    if (p[0] != p[1] || p[0] != p[2]) return false;
  }
  return true;
}

bool is_constant(const Image& image) {
  const auto c = static_cast<std::size_t>(image.channels());
  return std::equal(image.data() + c, image.data() + image.bytes(), image.data());
}

Digest digest_of(const Image& image) {
  Digest d = digest(image.data(), image.bytes());
  d.low = mix(d.low, static_cast<std::uint64_t>(image.height()));
  d.high = mix(d.high, static_cast<std::uint64_t>(image.width() * 4 + image.channels()));
  return d;
}

Image decoded(const Samples& s, std::int64_t n, Look& look) {
  const Dataset& part = s.part(s.split_of(n));
  const std::vector<std::uint8_t> bytes = part.encoded(s.index_of(n));
  if (bytes.empty()) return part.image(s.index_of(n));
  look.file = digest(bytes.data(), bytes.size());
  return decode_image(bytes, s.path(n));
}

void look_at(const Image& image, std::int64_t n, Looks& out) {
  const auto i = static_cast<std::size_t>(n);
  Look& look = out.samples[i];
  look.height = static_cast<std::int32_t>(image.height());
  look.width = static_cast<std::int32_t>(image.width());
  look.channels = static_cast<std::int32_t>(image.channels());
  look.pixels = digest_of(image);
  look.constant = is_constant(image);
  look.grey = image.channels() == 3 && is_grey(image);
  const Image small = convert_channels(resize(image, 32, 32), 3);
  const Image grey = convert_channels(small, 1);
  look.hash = perceptual_hash(grey);
  const Image thumb = resize(small, thumb_side, thumb_side);
  std::memcpy(out.thumbs.data() + i * thumb_bytes, thumb.data(), thumb_bytes);
  if (!out.features.empty()) {
    describe(small, grey, out.features.data() + i * static_cast<std::size_t>(feature_count));
  }
  look.readable = true;
}

}  // namespace

Digest digest(const std::uint8_t* bytes, std::size_t n) {
  Digest d{0x7461786f6e, mix(n, 0xc4ec)};
  for (std::size_t i = 0; i < n; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, std::min<std::size_t>(8, n - i));
    d.low = mix(d.low, word);
    d.high = (d.high ^ word) * 0x9e3779b97f4a7c15ULL;
    d.high ^= d.high >> 29;
  }
  return d;
}

Looks look_at_all(const Samples& samples, bool with_features, const CheckOptions& options) {
  const std::int64_t n = samples.size();
  Looks out;
  out.samples.resize(static_cast<std::size_t>(n));
  out.thumbs.resize(static_cast<std::size_t>(n) * thumb_bytes);
  if (with_features) out.features.resize(static_cast<std::size_t>(n * feature_count));
  std::vector<std::vector<Unreadable>> failed(static_cast<std::size_t>((n + chunk - 1) / chunk));
  const auto chunks = static_cast<std::int64_t>(failed.size());
  for (std::int64_t begin = 0; begin < chunks; begin += chunks_at_once) {
    report(options, "images", std::min(n, begin * chunk), n);
    parallel_chunks(std::min(chunks_at_once, chunks - begin), [&](std::int64_t k) {
      const std::int64_t c = begin + k;
      for (std::int64_t s = c * chunk; s < std::min(n, (c + 1) * chunk); ++s) {
        try {
          look_at(decoded(samples, s, out.samples[static_cast<std::size_t>(s)]), s, out);
        } catch (const Error& e) {
          failed[static_cast<std::size_t>(c)].push_back({s, e.what()});
        }
      }
    });
  }
  for (const auto& part : failed) {
    out.unreadable.insert(out.unreadable.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace taxon::check

// What the tests of fetching share: content that is published, and a place to fetch it to.
#pragma once

#include <taxon/base/file.h>
#include <taxon/fetch/fetch.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "data_test.h"
#include "http_server.h"
#include "sha256.h"

namespace taxon::test {

/// Bytes that look random.
inline std::string noise(std::size_t n, std::uint32_t seed = 1) {
  std::string out(n, '\0');
  for (char& c : out) {
    seed = seed * 1664525u + 1013904223u;
    c = static_cast<char>(seed >> 24);
  }
  return out;
}

inline std::string sha256(const std::string& content) {
  const Folder scratch;
  return fetch::sha256_of_file(scratch.write("content", content));
}

/// A file as its publisher would list it.
inline PublishedFile published(const std::string& name, const std::string& content) {
  return {name, content.size(), sha256(content)};
}

/// Nothing outside this machine is asked: only 127.0.0.1 is reached without a proxy that is not
/// there.
inline void stay_inside() {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    ::setenv(name, "http://127.0.0.1:9", 1);
  }
  ::setenv("no_proxy", "127.0.0.1", 1);
  ::setenv("NO_PROXY", "127.0.0.1", 1);
}

/// Options that lose no time.
inline FetchOptions quick() {
  stay_inside();
  FetchOptions o;
  o.pause_seconds = 0.01;
  o.connect_seconds = 2;
  o.stall_seconds = 1;
  return o;
}

/// What fetching told.
struct Told {
  std::vector<FetchedFile> files;
  std::vector<std::string> notes;
  FetchCallbacks callbacks() {
    FetchCallbacks c;
    c.on_file = [this](const FetchedFile& f) { files.push_back(f); };
    c.on_note = [this](const std::string& n) { notes.push_back(n); };
    return c;
  }
};

inline std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace taxon::test

#include "sha256.h"

#include <taxon/base/error.h>
#include <taxon/base/interrupted.h>

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "library.h"

namespace taxon::fetch {
namespace {

struct Crypto {
  decltype(&EVP_MD_CTX_new) context_new;
  decltype(&EVP_MD_CTX_free) context_free;
  decltype(&EVP_sha256) sha256;
  decltype(&EVP_DigestInit_ex) init;
  decltype(&EVP_DigestUpdate) update;
  decltype(&EVP_DigestFinal_ex) finish;

  Crypto() {
    // These functions are the same in OpenSSL 1.1 and 3.
    const SharedLibrary library("OpenSSL's libcrypto (Debian: libssl3)", "checking a download",
                                {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"});
    library.bind(context_new, "EVP_MD_CTX_new");
    library.bind(context_free, "EVP_MD_CTX_free");
    library.bind(sha256, "EVP_sha256");
    library.bind(init, "EVP_DigestInit_ex");
    library.bind(update, "EVP_DigestUpdate");
    library.bind(finish, "EVP_DigestFinal_ex");
  }
};

const Crypto& crypto() {
  static const Crypto loaded;
  return loaded;
}

void check(int ok) {
  if (ok != 1) fail<IoError>("OpenSSL's SHA-256 failed");
}

}  // namespace

std::string sha256_of_file(const std::string& path, const std::atomic<bool>* interrupt) {
  const Crypto& c = crypto();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (!file) fail<IoError>("cannot open '", path, "': ", std::strerror(errno));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(c.context_new(),
                                                                        c.context_free);
  check(c.init(context.get(), c.sha256(), nullptr));
  std::vector<unsigned char> block(std::size_t{1} << 18);
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), file.get())) {
    if (interrupt != nullptr && interrupt->load()) {
      fail<Interrupted>("interrupted while checking ", path);
    }
    check(c.update(context.get(), block.data(), n));
  }
  if (std::ferror(file.get()) != 0) {
    fail<IoError>("cannot read '", path, "': ", std::strerror(errno));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  check(c.finish(context.get(), digest.data(), &length));
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    constexpr const char* digits = "0123456789abcdef";
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

}  // namespace taxon::fetch

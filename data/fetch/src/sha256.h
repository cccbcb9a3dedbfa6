// SHA-256 sums of files, by OpenSSL (EVP), which uses the processor's instructions for it.
#pragma once

#include <atomic>
#include <string>

namespace taxon::fetch {

/// 64 hexadecimal digits. Throws IoError, and Interrupted when `interrupt` becomes true.
std::string sha256_of_file(const std::string& path, const std::atomic<bool>* interrupt = nullptr);

}  // namespace taxon::fetch

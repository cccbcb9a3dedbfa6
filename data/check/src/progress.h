// Telling how far a stage is, and stopping where that is asked for.
#pragma once

#include <taxon/base/interrupted.h>
#include <taxon/check/check.h>

namespace taxon::check {

/// Calls options.on_progress; throws Interrupted once *options.interrupt is true.
inline void report(const CheckOptions& options, std::string_view stage, std::int64_t done,
                   std::int64_t all) {
  if (options.interrupt != nullptr && options.interrupt->load()) {
    fail<Interrupted>("interrupted while checking ", stage);
  }
  if (options.on_progress) options.on_progress(stage, done, all);
}

}  // namespace taxon::check

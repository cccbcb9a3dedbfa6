// What tests change on the stand-in for a GPU.
#pragma once

#include <cstddef>

namespace taxon::kernels {
struct Collectives;
}

namespace taxon::test {

extern bool host_has_bf16;           ///< false: as before sm_80
extern std::size_t host_most_bytes;  ///< of one piece of memory
extern bool host_is_fast;            ///< what set_fast said last

extern const char* host_collectives_absence;  ///< nullptr: they are there
const kernels::Collectives& host_collectives();

/// A group of `size` threads can sum as long as this lives; one at a time.
class HostCollectives {
 public:
  explicit HostCollectives(int size);
  ~HostCollectives();
  HostCollectives(const HostCollectives&) = delete;
  HostCollectives& operator=(const HostCollectives&) = delete;
};

}  // namespace taxon::test

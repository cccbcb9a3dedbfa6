// What tests change on the stand-in for a GPU.
#pragma once

namespace taxon::test {

extern bool host_has_bf16;  ///< false: as before sm_80

}  // namespace taxon::test

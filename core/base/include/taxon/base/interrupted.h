// How long work ends when its caller asks for that.
#pragma once

#include <taxon/base/error.h>

namespace taxon {

/// Thrown where *interrupt became true.
struct Interrupted : Error {
  using Error::Error;
};

}  // namespace taxon

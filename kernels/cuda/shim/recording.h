// What is given to a stream that records, kept to be repeated: a graph of CUDA's.
#pragma once

#include <functional>
#include <vector>

namespace taxon::shim {

using Work = std::vector<std::function<void()>>;

/// Where work for this stream is kept; nullptr: it is done at once.
Work* recorded_at(void* stream);

/// Does it, or keeps it where the stream records.
template <class F>
void give(void* stream, F work) {
  if (Work* kept = recorded_at(stream)) {
    kept->emplace_back(std::move(work));
  } else {
    work();
  }
}

}  // namespace taxon::shim

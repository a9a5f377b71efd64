// A server of somebody else's that a replication group is to take its data from, as it says itself.
// Plain value.
#pragma once

#include <cstdint>
#include <string>

namespace kiln {

struct SourceState {
  std::string problem;  // Why it cannot be followed, as a sentence; empty: it can.
  int64_t offset = 0;   // How much it has written, in bytes of its replication stream.
};

}  // namespace kiln

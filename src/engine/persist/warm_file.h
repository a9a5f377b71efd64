// The file in which memcached's items outlive a restart: values, flags, CAS numbers, expiry times,
// and how they were used.
//
// "KILNITEM" and a version, then frames: the payload's length (4 bytes), the frame's number (4), a
// CRC-64 of both and of the payload (8), the payload; numbers are little-endian. The first frame
// says what the server kept beside its items; the others hold items, about a megabyte each; an
// empty one ends the file. An item is what `WriteItem` puts down, in the parts that RDB values are
// made of. The file is written under another name, synced and renamed, so that it is there as a
// whole or not at all.
//
// Thread safety: nobody else may use the keyspace. Errors: a text that says what is wrong; then the
// keyspace is empty again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/store/keyspace.h"

namespace kiln {

struct WarmState {
  uint64_t last_cas = 0;     // the highest of all shards' counts
  uint64_t flush_at_ms = 0;  // of a flush_all that waits; 0: none
};

struct WarmResult {
  std::string error;  // empty: done
  uint64_t items = 0;
  uint64_t bytes = 0;  // of the file
};

// Progress goes to the log every few seconds.
WarmResult SaveWarmFile(Keyspace& keyspace, StoreContext& context, WarmState state,
                        const std::string& path);
// `make_room` is called before each item that may not fit; false: it does not, and the rest of the
// items stay out. Items that have expired stay out too.
WarmResult LoadWarmFile(Keyspace& keyspace, StoreContext& context, const std::string& path,
                        const std::function<bool()>& make_room, WarmState* state);

}  // namespace kiln

// Looks through an RDB file without keeping anything of it: whether it could be loaded, and what is
// in it.
//
// Thread safety: none. Errors: a text with the offset of what is wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/persist/rdb_splitter.h"
#include "params/settings.h"

namespace kiln {

struct RdbCheckResult {
  std::string error;  // empty: it is fine
  uint64_t error_offset = 0;
  std::string key;  // of the entry that is wrong; empty when the error is elsewhere
  int type = -1;    // the same
  uint64_t end_offset = 0;
  uint64_t bytes_behind = 0;  // of something else, behind the end
  uint64_t keys = 0;
  uint64_t timed_keys = 0;
  uint64_t due_keys = 0;
  uint64_t empty_keys = 0;
  RdbFacts facts;
};

struct RdbCheckOptions {
  uint64_t now_ms = 0;
  // Called after each batch with the bytes and keys looked at so far.
  std::function<void(uint64_t bytes, uint64_t keys)> progress = {};
};

RdbCheckResult CheckRdb(ByteSource& source, const Settings& settings,
                        const RdbCheckOptions& options);

}  // namespace kiln

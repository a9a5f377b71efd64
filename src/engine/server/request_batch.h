// RequestBatch: complete requests of one or more connections, waiting to be executed together.
//
// Collecting them first lets their cache misses overlap: a request's bucket is prefetched when it
// is added, its record just before the batch runs. Arguments are views into input buffers, which
// stay put until the batch has run.
//
// Thread safety: none; each worker has one.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/argument_list.h"
#include "engine/commands/command.h"
#include "engine/store/keyspace.h"

namespace kiln {

class Session;

struct Request {
  Session* session;
  const Command* command;  // null: unknown
  Arguments arguments;     // into RequestBatch::arguments
  const char* start;       // where it lies in RESP, the arguments within; null if it came otherwise
  Key first_key;           // of commands that have one at a fixed place
  TableHint hint;          // where that key's record is
};

struct RequestBatch {
  static constexpr size_t kMax = 32;

  size_t size = 0;
  Request requests[kMax];
  ArgumentList arguments;

  void Clear() {
    size = 0;
    arguments.Clear();
  }
};

}  // namespace kiln

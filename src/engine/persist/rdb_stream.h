// Streams in the RDB format: nodes as listpacks, then what the stream knows of its past, then its
// groups.
//
// Entries are read one by one into nodes of our own, which end where the file's do; deleted ones
// are left behind. Thread safety:
// none. Source: the Redis RDB file format, types 15, 19 and 21.
#pragma once

#include <memory>

#include "engine/persist/rdb_input.h"
#include "engine/persist/rdb_output.h"
#include "engine/store/types/stream.h"

namespace kiln {

void WriteRdbStream(RdbOutput& out, const Stream& stream);

// What follows the type's byte. Null when the input is broken.
std::unique_ptr<Stream> ReadRdbStream(RdbInput& in, RdbType type);

}  // namespace kiln

// The timeout of a blocking command: seconds with a fraction, 0 for ever.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/call.h"

namespace kiln {

// Puts the time when the wait ends (Unix ms, 0 for never) into *deadline_ms. False when an error is
// replied.
bool ReadBlockTimeout(Call& call, std::string_view seconds, uint64_t* deadline_ms);

// The same for a timeout in whole milliseconds.
bool ReadBlockMilliseconds(Call& call, std::string_view milliseconds, uint64_t* deadline_ms);

// What a client gets whose wait for an array timed out.
inline std::string_view NullArrayText(const Reply& reply) {
  return reply.version() >= 3 ? "_\r\n" : "*-1\r\n";
}

}  // namespace kiln

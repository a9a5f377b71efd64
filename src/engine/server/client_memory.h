// What a client makes the server hold, as maxmemory-clients, CLIENT LIST and INFO count it.
//
// Counted are the bytes that are there, in whole blocks, not the room that buffers have in reserve;
// small things (subscriptions, watched keys, prefixes) by number. Alone, or for a client of the
// caller's worker.
#pragma once

#include <cstddef>

#include "engine/commands/client.h"

namespace kiln {

size_t ClientBytes(const Client& client);

}  // namespace kiln

// DEBUG PROTOCOL: a sample of each type that the protocol has, for those who test clients.
#pragma once

#include <string_view>

#include "protocol/resp/reply.h"

namespace kiln {

// Replies with a sample of the type of this name, in any case; false when there is no such type.
bool ReplySampleOf(std::string_view type, Reply& reply);

}  // namespace kiln

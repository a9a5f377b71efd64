// Admission: whether a request may run at all, as ten short checks in Redis's order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/commands/client.h"
#include "engine/commands/command.h"

namespace kiln {

struct StoreContext;
class Server;
class Worker;

// The error reply (without "-"), or nothing when the request may run.
std::optional<std::string> Admit(const Command* command, Arguments arguments, const Client& client,
                                 Worker& worker);

// The same for a memcached verb: the whole reply line, or empty. What else may be wrong the verbs
// say themselves.
std::string_view AdmitMemcache(const Command* command, Arguments arguments);

}  // namespace kiln

// Admission: whether a request may run at all, as ten short checks in Redis's order.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/commands/client.h"
#include "engine/commands/command.h"

namespace kiln {

class AccessControl;
struct StoreContext;
class Server;
class Worker;

// The error reply (without "-"), or nothing when the request may run.
std::optional<std::string> Admit(const Command* command, Arguments arguments, const Client& client,
                                 Worker& worker);

// What Admit says of a request that the client's user may not make.
constexpr std::string_view kNoPermission = "NOPERM";
// The whole error in its place. Counts and logs it.
std::string DenyAccess(const Command& command, Arguments arguments, Client& client,
                       AccessControl& access);

// The same for a memcached verb: the whole reply line, or empty. What else may be wrong the verbs
// say themselves.
constexpr std::string_view kMayNot = "CLIENT_ERROR unauthenticated\r\n";
std::string_view AdmitMemcache(const Command* command, Arguments arguments, Client& client,
                               const Server& server);

}  // namespace kiln

#include "engine/server/admission.h"

#include <algorithm>

#include "engine/commands/access_control.h"
#include "engine/commands/command_errors.h"
#include "engine/server/persistence.h"
#include "engine/server/replication.h"
#include "engine/server/server.h"
#include "engine/server/worker.h"
#include "engine/store/error.h"

namespace kiln {
namespace {

using Refusal = std::optional<std::string>;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// What Redis echoes of unknown commands: the name, and the first arguments up to 128 bytes.
std::string UnknownCommandText(Arguments arguments) {
  std::string shown;
  for (size_t i = 1; i < arguments.size() && shown.size() < kMaxEchoBytes; ++i) {
    std::string part = EchoOf(arguments[i]).substr(0, kMaxEchoBytes - shown.size());
    shown.append(1, '\'').append(part).append("' ");
  }
  return "ERR unknown command '" + EchoOf(arguments[0]) + "', with args beginning with: " + shown;
}

Refusal CheckKnown(const Command* command, Arguments arguments) {
  if (command == nullptr) return UnknownCommandText(arguments);
  if (command->Is(kContainer) && arguments.size() > 1) {
    return "ERR unknown subcommand '" + EchoOf(arguments[1]) + "'. Try " +
           std::string(command->name) + " HELP.";
  }
  return std::nullopt;
}

Refusal CheckArity(const Command& command, Arguments arguments) {
  if (command.HasArity(arguments.size())) return std::nullopt;
  return "ERR wrong number of arguments for '" + Lower(command.name) + "' command";
}

Refusal CheckAuthenticated(const Command& command, const Client& client, AccessControl& access) {
  if (client.authenticated || command.Is(kNoAuth) || access.IsOpen()) return std::nullopt;
  return "NOAUTH Authentication required.";
}

// Says no more: whether the denial is logged is for the caller to know.
Refusal CheckAcl(const Command& command, Arguments arguments, const Client& client,
                 AccessControl& access) {
  if (!client.is_limited || !access.Check(client, command, arguments)) return std::nullopt;
  return std::string(kNoPermission);
}

Refusal CheckDebugOnly(const Command& command, const Client& client, const Settings& settings) {
  if (!command.Is(kDebugOnly) || client.is_admin) return std::nullopt;
  Permission permission = settings.enable_debug_command;
  if (permission == Permission::kEveryone) return std::nullopt;
  if (permission == Permission::kLocalClients && client.is_local) return std::nullopt;
  return "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
         "you can run it from a local connection, otherwise you need to set this option in the "
         "configuration file, and then restart the server.";
}

// In RESP2 a subscribed client may say little: its connection carries messages.
Refusal CheckSubscribed(const Command& command, const Client& client) {
  if (client.protocol_version >= 3 || !client.subscriptions.any()) return std::nullopt;
  constexpr std::string_view kAllowed[] = {"PING",      "PSUBSCRIBE",   "PUNSUBSCRIBE",
                                           "QUIT",      "RESET",        "SSUBSCRIBE",
                                           "SUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE"};
  if (std::find(std::begin(kAllowed), std::end(kAllowed), command.name) != std::end(kAllowed))
    return std::nullopt;
  return "ERR Can't execute '" + Lower(command.name) +
         "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
         "context";
}

Refusal CheckMemory(const Command& command, const Client& client, Worker& worker) {
  if (!command.Is(kGrows) && !(command.Is(kLocksQueue) && client.transaction.active)) {
    // What tells of memory should find it below the limit, though no command has grown.
    if (command.Is(kGate)) (void)worker.server().MakeRoom(worker.context());
    return std::nullopt;
  }
  if (worker.server().MakeRoom(worker.context())) return std::nullopt;
  if (!command.Is(kGrows)) {
    auto grows = [](const QueuedRequest& request) { return request.command->Is(kGrows); };
    const auto& queue = client.transaction.queue;
    if (std::none_of(queue.begin(), queue.end(), grows)) return std::nullopt;
  }
  return std::string(TextOf(Error::kOutOfMemory));
}

// Whether the command, or one of those that EXEC is about to run, satisfies `f`.
template <class F>
bool AnyOf(const Command& command, const Client& client, F&& f) {
  if (f(command)) return true;
  if (!command.Is(kLocksQueue) || !client.transaction.active) return false;
  const auto& queue = client.transaction.queue;
  return std::any_of(queue.begin(), queue.end(),
                     [&](const QueuedRequest& request) { return f(*request.command); });
}

// What could not be saved is not to become more.
Refusal CheckDiskWritable(const Command& command, const Client& client, Server& server) {
  std::string refusal = server.persistence().WriteRefusal();
  if (refusal.empty()) return std::nullopt;
  bool is_denied = AnyOf(command, client,
                         [](const Command& any) { return any.Is(kWrite) || any.name == "PING"; });
  return is_denied ? Refusal(refusal) : std::nullopt;
}

Refusal CheckLoading(const Command& command, const Client& client, Server& server) {
  const Persistence& persistence = server.persistence();
  if (!persistence.IsLoading()) return std::nullopt;
  bool is_denied = AnyOf(command, client, [&](const Command& any) {
    return persistence.is_loading() ? !any.Is(kLoading) : any.Is(kNoAsyncLoading);
  });
  if (!is_denied) return std::nullopt;
  return "LOADING Redis is loading the dataset in memory";
}

Refusal CheckTransaction(const Command& command, const Client& client) {
  if (!client.transaction.active || !command.Is(kNoMulti)) return std::nullopt;
  return std::string(TextOf(Error::kNotAllowedInMulti));
}

}  // namespace

std::optional<std::string> Admit(const Command* command, Arguments arguments, const Client& client,
                                 Worker& worker) {
  const Settings& settings = worker.settings();
  if (auto refusal = CheckKnown(command, arguments)) {
    return refusal;
  }
  if (auto refusal = CheckArity(*command, arguments)) return refusal;
  if (auto refusal = CheckDebugOnly(*command, client, settings)) return refusal;
  AccessControl& access = worker.server().access();
  if (auto refusal = CheckAuthenticated(*command, client, access)) return refusal;
  if (auto refusal = CheckTransaction(*command, client)) return refusal;
  if (auto refusal = CheckAcl(*command, arguments, client, access)) return refusal;
  if (auto refusal = CheckMemory(*command, client, worker)) return refusal;
  if (worker.server().doubtful_flags() != 0) {
    if (auto refusal = CheckDiskWritable(*command, client, worker.server())) return refusal;
    std::string refusal = worker.server().replication().Refusal(*command, client);
    if (!refusal.empty()) return refusal;
  }
  if (auto refusal = CheckSubscribed(*command, client)) return refusal;
  if (worker.server().doubtful_flags() != 0) return CheckLoading(*command, client, worker.server());
  return std::nullopt;
}

std::string DenyAccess(const Command& command, Arguments arguments, Client& client,
                       AccessControl& access) {
  client.last_command = &command;
  DenialContext context =
      client.transaction.active ? DenialContext::kMulti : DenialContext::kTopLevel;
  Denial denial = access.Check(client, command, arguments);
  return "NOPERM " + access.Refuse(client, command, arguments, denial, context);
}

std::string_view AdmitMemcache(const Command* command, Arguments arguments, Client& client,
                               const Server& server) {
  bool may_run =
      command != nullptr && command->HasArity(arguments.size()) && !command->Is(kContainer);
  if (!may_run) return "ERROR\r\n";
  if (command->Is(kWrite) && server.replication().RefusesWrites(client))
    return "SERVER_ERROR read only replica\r\n";
  // The default user of the Redis port, whom its clients are, has been given fewer rights.
  if (!client.is_limited) return "";
  client.CloseAfterReply();
  return kMayNot;
}

}  // namespace kiln

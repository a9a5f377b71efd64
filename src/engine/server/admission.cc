#include "engine/server/admission.h"

#include <algorithm>

#include "engine/commands/access_control.h"
#include "engine/commands/command_errors.h"
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
  if (!command.Is(kGrows) && !(command.Is(kLocksQueue) && client.transaction.active))
    return std::nullopt;
  if (worker.server().MakeRoom(worker.context())) return std::nullopt;
  if (!command.Is(kGrows)) {
    auto grows = [](const QueuedRequest& request) { return request.command->Is(kGrows); };
    const auto& queue = client.transaction.queue;
    if (std::none_of(queue.begin(), queue.end(), grows)) return std::nullopt;
  }
  return std::string(TextOf(Error::kOutOfMemory));
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
  if (auto refusal = CheckSubscribed(*command, client)) return refusal;
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

std::string_view AdmitMemcache(const Command* command, Arguments arguments) {
  bool may_run =
      command != nullptr && command->HasArity(arguments.size()) && !command->Is(kContainer);
  return may_run ? "" : "ERROR\r\n";
}

}  // namespace kiln

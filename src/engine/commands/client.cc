// CLIENT: what a connection says of itself, and what an administrator does to others.

#include <algorithm>

#include "engine/commands/access_control.h"
#include "engine/commands/call.h"
#include "engine/commands/client_name.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/replication.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// ---- One's own connection ----

// CLIENT CAPA capability [capability ...]
// What the client is able to do; what is not known is no error, as in Valkey.
void ClientCapa(Call& call) {
  for (std::string_view word : call.args.Rest()) {
    if (EqualsWord(word, "redirect")) call.client.knows_redirect = true;
  }
  call.reply.Ok();
}

// CLIENT GETNAME
void ClientGetName(Call& call) {
  if (call.client.name.empty()) return call.reply.Null();
  call.reply.Bulk(call.client.name);
}

// CLIENT HELP
void ClientHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CACHING (YES|NO)",
      "    Whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
      "GETREDIR",
      "    The client that gets this one's tracking messages.",
      "GETNAME",
      "    The name of this connection.",
      "ID",
      "    The number of this connection.",
      "INFO",
      "    What CLIENT LIST says of this connection.",
      "KILL <ip:port>",
      "    Close the connection from <ip:port>.",
      "KILL <option> <value> [<option> <value> [...]]",
      "    Close connections. Options are:",
      "    * ADDR (<ip:port>|<unixsocket>:0)",
      "      Those from this address.",
      "    * LADDR (<ip:port>|<unixsocket>:0)",
      "      Those to this local address.",
      "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
      "      Those of this type.",
      "    * USER <username>",
      "      Those of this user.",
      "    * SKIPME (YES|NO)",
      "      Whether to leave this connection out (default: yes).",
      "LIST [options ...]",
      "    A line for each connection. Options:",
      "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
      "      Only those of this type.",
      "    * ID <client-id> [...]",
      "      Only these.",
      "UNPAUSE",
      "    End the pause.",
      "PAUSE <timeout> [WRITE|ALL]",
      "    Hold back all requests, or all writes, for <timeout> milliseconds.",
      "REPLY (ON|OFF|SKIP)",
      "    Whether this connection gets replies.",
      "SETNAME <name>",
      "    Give this connection a name.",
      "SETINFO <option> <value>",
      "    Say which client library this is. Options are:",
      "    * LIB-NAME: its name.",
      "    * LIB-VER: its version.",
      "UNBLOCK <clientid> [TIMEOUT|ERROR]",
      "    End the wait of a blocked client.",
      "TRACKINGINFO",
      "    How this connection's keys are tracked.",
      "NO-EVICT (ON|OFF)",
      "    Keep this connection when clients need too much memory.",
      "NO-TOUCH (ON|OFF)",
      "    Do not count this connection's commands as uses of keys.",
  };
  ReplyHelp(call, kLines);
}

// CLIENT ID
void ClientId(Call& call) {
  call.reply.Integer(static_cast<int64_t>(call.client.handle.id));
}

// CLIENT INFO
void ClientInfo(Call& call) {
  call.reply.Verbatim("txt", call.services.clients->Describe(call.client) + "\n");
}

// Reads ON or OFF into `flag` and replies.
void Switch(Call& call, bool* flag) {
  bool on = call.args.Take("ON");
  if (!on && !call.args.Take("OFF")) return call.Fail(Error::kSyntax);
  *flag = on;
  call.reply.Ok();
}

// CLIENT NO-EVICT <ON | OFF>
void ClientNoEvict(Call& call) {
  Switch(call, &call.client.no_evict);
}

// CLIENT NO-TOUCH <ON | OFF>
void ClientNoTouch(Call& call) {
  Switch(call, &call.client.no_touch);
}

// CLIENT MAINT_NOTIFICATIONS <ON [option value ...] | OFF>
// Newer clients ask to be told of maintenance. They are told nothing, for connections outlive it or
// end; the wish is kept.
void ClientMaintNotifications(Call& call) {
  bool on = call.args.Take("ON");
  if (!on && !call.args.Take("OFF")) return call.Fail(Error::kSyntax);
  if (call.args.Left() % 2 != 0 || (!on && call.args.More())) return call.Fail(Error::kSyntax);
  call.client.wants_maintenance = on;
  call.reply.Ok();
}

// CLIENT REPLY <ON | OFF | SKIP>
void ClientReply(Call& call) {
  ReplyMode& mode = call.client.reply_mode;
  if (call.args.Take("ON")) {
    mode = ReplyMode::kOn;
    return call.reply.Ok();
  }
  if (call.args.Take("OFF")) {
    mode = ReplyMode::kOff;
  } else if (!call.args.Take("SKIP")) {
    call.Fail(Error::kSyntax);
  } else if (mode != ReplyMode::kOff) {
    mode = ReplyMode::kSkipNext;
  }
}

// CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>
void ClientSetInfo(Call& call) {
  std::string_view option = call.args.Text();
  std::string_view value = call.args.Text();
  bool is_name = EqualsWord(option, "LIB-NAME");
  if (!is_name && !EqualsWord(option, "LIB-VER")) {
    return call.FailText("ERR Unrecognized option '" + UntilZero(option) + "'");
  }
  if (!IsClientName(value)) {
    std::string shown = is_name ? "lib-name" : "lib-ver";
    return call.FailText("ERR " + shown +
                         " cannot contain spaces, newlines or special characters.");
  }
  (is_name ? call.client.lib_name : call.client.lib_version) = value;
  call.reply.Ok();
}

// CLIENT SETNAME connection-name
void ClientSetName(Call& call) {
  std::string_view name = call.args.Text();
  if (!IsClientName(name)) return call.FailText(kBadClientName);
  call.client.name = name;
  call.reply.Ok();
}

// ---- Others ----

enum class ClientType { kAny, kNormal, kMaster, kReplica, kPubSub };

// False when it has replied with an error.
bool ReadType(Call& call, std::string_view word, ClientType* type) {
  if (EqualsWord(word, "NORMAL"))
    *type = ClientType::kNormal;
  else if (EqualsWord(word, "MASTER"))
    *type = ClientType::kMaster;
  else if (EqualsWord(word, "REPLICA") || EqualsWord(word, "SLAVE"))
    *type = ClientType::kReplica;
  else if (EqualsWord(word, "PUBSUB"))
    *type = ClientType::kPubSub;
  else
    return call.FailText("ERR Unknown client type '" + UntilZero(word) + "'"), false;
  return true;
}

bool IsOfType(const Client& client, ClientType type) {
  if (type == ClientType::kAny) return true;
  if (client.is_primary) return type == ClientType::kMaster;
  if (client.replica != nullptr && client.replica->is_attached) return type == ClientType::kReplica;
  return type == (client.subscriptions.any() ? ClientType::kPubSub : ClientType::kNormal);
}

// All clients in order of their numbers, those of the admin socket too: connected_clients does not
// count these.
std::vector<Client*> AllClients(Call& call) {
  std::vector<Client*> all;
  call.services.clients->ForEach([&](Client& client) { all.push_back(&client); });
  if (Client* primary = call.services.replication->PrimaryClient()) all.push_back(primary);
  std::sort(all.begin(), all.end(),
            [](Client* a, Client* b) { return a->handle.id < b->handle.id; });
  return all;
}

void ReplyList(Call& call, const std::vector<Client*>& clients) {
  std::string lines;
  for (const Client* client : clients) lines += call.services.clients->Describe(*client) + "\n";
  call.reply.Verbatim("txt", lines);
}

// CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]
void ClientList(Call& call) {
  call.services.clients->EvictClients();  // it shows nobody who is about to go
  std::vector<Client*> all = AllClients(call);
  if (!call.args.More()) return ReplyList(call, all);
  if (call.args.Left() == 2 && call.args.Take("TYPE")) {
    ClientType type = ClientType::kAny;
    if (!ReadType(call, call.args.Text(), &type)) return;
    std::erase_if(all, [&](Client* client) { return !IsOfType(*client, type); });
    return ReplyList(call, all);
  }
  if (call.args.Left() < 2 || !call.args.Take("ID")) return call.Fail(Error::kSyntax);
  std::vector<Client*> asked;
  for (std::string_view word : call.args.Rest()) {
    auto id = ParseInt64(word);
    if (!id) return call.FailText("ERR Invalid client ID");
    auto found = std::find_if(all.begin(), all.end(), [&](Client* client) {
      return client->handle.id == static_cast<uint64_t>(*id);
    });
    if (found != all.end()) asked.push_back(*found);
  }
  ReplyList(call, asked);
}

struct KillFilter {
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<std::string_view> user;
  ClientType type = ClientType::kAny;
  uint64_t id = 0;  // 0: any
  bool skips_me = true;

  bool Matches(const Client& client, const Client& me) const {
    if (address && client.address != *address) return false;
    if (local_address && client.local_address != *local_address) return false;
    if (user && client.user != *user) return false;
    if (id != 0 && client.handle.id != id) return false;
    return IsOfType(client, type) && !(skips_me && &client == &me);
  }
};

// One option and its value; false when it has replied with an error.
bool ReadKillOption(Call& call, std::string_view option, std::string_view value,
                    KillFilter* filter) {
  if (EqualsWord(option, "ID")) {
    auto id = ParseInt64(value);
    if (!id || *id < 1) return call.FailText("ERR client-id should be greater than 0"), false;
    filter->id = static_cast<uint64_t>(*id);
  } else if (EqualsWord(option, "TYPE")) {
    return ReadType(call, value, &filter->type);
  } else if (EqualsWord(option, "ADDR")) {
    filter->address = value;
  } else if (EqualsWord(option, "LADDR")) {
    filter->local_address = value;
  } else if (EqualsWord(option, "USER")) {
    if (!call.services.access->HasUser(value))
      return call.FailText("ERR No such user '" + UntilZero(value) + "'"), false;
    filter->user = value;
  } else if (EqualsWord(option, "SKIPME") &&
             (EqualsWord(value, "YES") || EqualsWord(value, "NO"))) {
    filter->skips_me = EqualsWord(value, "YES");
  } else {
    return call.Fail(Error::kSyntax), false;
  }
  return true;
}

// CLIENT KILL <ip:port | option value [option value ...]>
void ClientKill(Call& call) {
  KillFilter filter;
  Arguments words = call.args.Rest();
  bool is_old_form = words.size() == 1;
  if (is_old_form) {
    filter.address = words[0];
    filter.skips_me = false;
  }
  for (size_t i = 0; i < words.size() && !is_old_form; i += 2) {
    if (i + 1 == words.size()) return call.Fail(Error::kSyntax);
    if (!ReadKillOption(call, words[i], words[i + 1], &filter)) return;
  }
  int64_t killed = 0;
  for (Client* client : AllClients(call)) {
    if (!filter.Matches(*client, call.client)) continue;
    // The admin socket is not for the others to end.
    if (client->is_admin && !client->is_primary && !call.client.is_admin) continue;
    ++killed;
    if (client == &call.client) {
      client->CloseAfterReply();
    } else {
      call.services.clients->Kill(*client);
    }
  }
  if (!is_old_form) return call.reply.Integer(killed);
  if (killed == 0) return call.FailText("ERR No such client");
  call.reply.Ok();
}

// CLIENT PAUSE timeout [WRITE | ALL]
void ClientPause(Call& call) {
  std::string_view timeout = call.args.Text();
  bool only_writes = call.args.Take("WRITE");
  if (!only_writes && call.args.More() && !call.args.Take("ALL")) {
    return call.FailText("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  if (!call.args.Done()) return call.Fail(call.args.error());
  auto pause_ms = ParseInt64(timeout);
  if (!pause_ms) return call.FailText("ERR timeout is not an integer or out of range");
  if (*pause_ms < 0) return call.Fail(Error::kTimeoutNegative);
  int64_t until_ms = 0;
  if (__builtin_add_overflow(*pause_ms, static_cast<int64_t>(call.now_ms()), &until_ms)) {
    return call.Fail(Error::kTimeoutOutOfRange);
  }
  call.services.clients->Pause(static_cast<uint64_t>(until_ms), only_writes);
  call.reply.Ok();
}

// CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
void ClientUnblock(Call& call) {
  std::string_view word = call.args.Text();
  bool with_error = call.args.Take("ERROR");
  if (!with_error && call.args.More() && !call.args.Take("TIMEOUT")) {
    return call.FailText("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  auto id = ParseInt64(word);
  if (!id) return call.Fail(Error::kNotInteger);
  bool unblocked = false;
  for (Client* client : AllClients(call)) {
    if (client->handle.id != static_cast<uint64_t>(*id)) continue;
    unblocked = call.services.clients->Unblock(client->handle, with_error);
  }
  call.reply.Integer(unblocked ? 1 : 0);
}

// CLIENT UNPAUSE
void ClientUnpause(Call& call) {
  call.services.clients->Unpause();
  call.reply.Ok();
}

constexpr uint32_t kOwn = kNoScript | kLoading | kStale;
constexpr uint32_t kOthers = kOwn | kAdmin | kGate | kEndsBatch;
constexpr Acl kAcl = Acl::kConnection;

// clang-format off
constexpr Command kClientCommands[] = {
  // name                  arity  keys          flags               acl        handler             since     usage                                         summary
  {"CLIENT",               -2,    Keys::None(), kContainer,         Acl::kNone, nullptr,           "2.4.0",  "",                                           "A container for commands about connections."},
  {"CLIENT|CAPA",          -3,    Keys::None(), kOwn,               kAcl,      ClientCapa,         "8.0.0",  "capability...",                              "Says what the client is able to do."},
  {"CLIENT|GETNAME",       2,     Keys::None(), kOwn,               kAcl,      ClientGetName,      "2.6.9",  "",                                           "Returns the name of the connection."},
  {"CLIENT|HELP",          2,     Keys::None(), kLoading | kStale,  kAcl,      ClientHelp,         "5.0.0",  "",                                           "Describes the subcommands."},
  {"CLIENT|ID",            2,     Keys::None(), kOwn,               kAcl,      ClientId,           "5.0.0",  "",                                           "Returns the number of the connection."},
  {"CLIENT|INFO",          2,     Keys::None(), kOwn,               kAcl,      ClientInfo,         "6.2.0",  "",                                           "Returns information about the connection."},
  {"CLIENT|KILL",          -3,    Keys::None(), kOthers,            kAcl,      ClientKill,         "2.4.0",  "filter=<old-format'ip:port'!2.8.12|new-format=<[ID client-id@2.8.12]|[TYPE client-type=<'normal'|'master'@3.2.0|'slave'|'replica'@5.0.0|'pubsub'>@2.8.12]|[USER username]|[ADDR addr'ip:port']|[LADDR laddr'ip:port'@6.2.0]|[SKIPME skipme=<YES|NO>]>...>", "Closes connections."},
  {"CLIENT|LIST",          -2,    Keys::None(), kOthers,            kAcl,      ClientList,         "2.4.0",  "[TYPE client-type=<'normal'|'master'|'replica'|'pubsub'>@5.0.0] [ID client-id...@6.2.0]", "Lists connections."},
  {"CLIENT|MAINT_NOTIFICATIONS", -3, Keys::None(), kOwn,            kAcl,      ClientMaintNotifications, "8.2.0", "enabled=<ON|OFF> [data=(option value)...]", "Says whether the client wants to hear of maintenance."},
  {"CLIENT|NO-EVICT",      3,     Keys::None(), kOwn | kAdmin,      kAcl,      ClientNoEvict,      "7.0.0",  "enabled=<ON|OFF>",                           "Keeps the connection when clients need too much memory."},
  {"CLIENT|NO-TOUCH",      3,     Keys::None(), kOwn,               kAcl,      ClientNoTouch,      "7.2.0",  "enabled=<ON|OFF>",                           "Says whether the connection's commands count as uses of keys."},
  {"CLIENT|PAUSE",         -3,    Keys::None(), kOthers,            kAcl,      ClientPause,        "3.0.0",  "timeout:integer [mode=<WRITE|ALL>@6.2.0]",   "Holds requests back for a time."},
  {"CLIENT|REPLY",         3,     Keys::None(), kOwn,               kAcl,      ClientReply,        "3.2.0",  "action=<ON|OFF|SKIP>",                       "Says whether the connection gets replies."},
  {"CLIENT|SETINFO",       4,     Keys::None(), kOwn,               kAcl,      ClientSetInfo,      "7.2.0",  "attr=<'lib-name' libname|'lib-ver' libver>", "Names the client library of the connection."},
  {"CLIENT|SETNAME",       3,     Keys::None(), kOwn,               kAcl,      ClientSetName,      "2.6.9",  "connection-name",                            "Names the connection."},
  {"CLIENT|UNBLOCK",       -3,    Keys::None(), kOthers,            kAcl,      ClientUnblock,      "5.0.0",  "client-id [unblock-type=<TIMEOUT|ERROR>]",   "Ends the wait of a blocked client."},
  {"CLIENT|UNPAUSE",       2,     Keys::None(), kOthers,            kAcl,      ClientUnpause,      "6.2.0",  "",                                           "Ends a pause."},
};
// clang-format on
static_assert(WellFormed(kClientCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ClientCommands() {
  return kClientCommands;
}

}  // namespace kiln

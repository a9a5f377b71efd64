// Connection commands: who a client is and how it talks.

#include <utility>

#include "base/version.h"
#include "engine/commands/access_control.h"
#include "engine/commands/call.h"
#include "engine/commands/client_name.h"
#include "engine/commands/client_tracking.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/services.h"
#include "engine/commands/subscriptions.h"

namespace kiln {
namespace {

constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";

// AUTH [username] password
void Auth(Call& call) {
  Arguments words = call.args.Rest();
  for (size_t i = 1; i <= words.size(); ++i) call.HideArgument(i);
  if (words.size() > 2) return call.Fail(Error::kSyntax);
  if (words.size() == 1 && call.services.access->DefaultHasNoPassword()) {
    return call.FailText(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your "
        "configuration is correct?");
  }
  std::string_view user = words.size() == 2 ? words[0] : "default";
  if (!call.services.access->Authenticate(call, user, words.back()))
    return call.FailText(kWrongPassword);
  call.reply.Ok();
}

// ECHO message
void Echo(Call& call) {
  call.reply.Bulk(call.args.Text());
}

struct HelloOptions {
  int64_t version = 0;  // 0: stays
  bool has_auth = false;
  std::string_view user;
  std::string_view password;
  const std::string_view* name = nullptr;
};

// False when it has replied with an error.
bool ReadHello(Call& call, HelloOptions* options) {
  Arguments words = call.args.Rest();
  if (words.empty()) return true;
  auto version = ParseInt64(words[0]);
  if (!version)
    return call.FailText("ERR Protocol version is not an integer or out of range"), false;
  if (*version < 2 || *version > 3)
    return call.FailText("NOPROTO unsupported protocol version"), false;
  options->version = *version;
  for (size_t i = 1; i < words.size(); ++i) {
    size_t left = words.size() - i - 1;
    if (EqualsWord(words[i], "AUTH") && left >= 2) {
      call.HideArgument(i + 2);
      call.HideArgument(i + 3);
      options->has_auth = true;
      options->user = words[i + 1];
      options->password = words[i + 2];
      i += 2;
    } else if (EqualsWord(words[i], "SETNAME") && left >= 1) {
      options->name = &words[++i];
      if (!IsClientName(*options->name)) return call.FailText(kBadClientName), false;
    } else {
      return call.FailText("ERR Syntax error in HELLO option '" + UntilZero(words[i]) + "'"), false;
    }
  }
  return true;
}

void ReplyHello(Call& call) {
  Reply& reply = call.reply;
  reply.Map(8);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(call.client.protocol_version);
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(call.client.handle.id));
  reply.Bulk("mode");
  reply.Bulk(call.settings().cluster_enabled ? "cluster" : "standalone");
  reply.Bulk("role");
  reply.Bulk("master");
  reply.Bulk("modules");
  reply.Array(0);
  reply.Bulk("kiln_version");
  reply.Bulk(kKilnVersion);
}

// HELLO [protover [AUTH username password] [SETNAME clientname]]
void Hello(Call& call) {
  HelloOptions options;
  if (!ReadHello(call, &options)) return;
  if (options.has_auth &&
      !call.services.access->Authenticate(call, options.user, options.password)) {
    return call.FailText(kWrongPassword);
  }
  if (!call.client.authenticated) {
    return call.FailText(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version "
        "at the same time");
  }
  if (options.name != nullptr) call.client.name = *options.name;
  if (options.version != 0 && options.version != call.client.protocol_version) {
    call.client.protocol_version = static_cast<int>(options.version);
    call.reply.set_version(call.client.protocol_version);
    RenewSubscriptions(call);
  }
  ReplyHello(call);
}

// PING [message]
void Ping(Call& call) {
  Arguments rest = call.args.Rest();
  if (rest.size() > 1) return call.FailText("ERR wrong number of arguments for 'ping' command");
  if (call.client.subscriptions.any() && call.client.protocol_version < 3) {
    call.reply.Array(2);
    call.reply.Bulk("pong");
    return call.reply.Bulk(rest.empty() ? "" : rest[0]);
  }
  if (rest.empty()) return call.reply.Simple("PONG");
  call.reply.Bulk(rest[0]);
}

// QUIT
void Quit(Call& call) {
  call.reply.Ok();
  call.client.CloseAfterReply();
}

// RESET: the connection as it was when it began, but for what the library said of itself.
void Reset(Call& call) {
  Client& client = call.client;
  call.services.nested->DiscardTransaction(client, false);
  LeaveAllChannels(call);
  call.services.tracker->Stop(client);
  call.services.server->SetMonitor(client, false);
  client.db = 0;
  client.protocol_version = 2;
  call.services.access->Welcome(client);
  client.name.clear();
  client.no_evict = false;
  client.no_touch = false;
  client.knows_redirect = false;
  client.wants_maintenance = false;
  client.reply_mode = ReplyMode::kOn;
  call.reply.Simple("RESET");
}

// SELECT index
void Select(Call& call) {
  int64_t index = call.args.Integer();
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (!std::in_range<int32_t>(index))
    return call.FailText(
        "ERR value is out of range, value must between -2147483648 and 2147483647");
  if (index < 0 || index >= call.db.keyspace().databases())
    return call.Fail(Error::kDbIndexOutOfRange);
  call.client.db = static_cast<int>(index);
  call.reply.Ok();
}

constexpr uint32_t kAnyTime = kLoading | kStale | kFast;
constexpr uint32_t kBeforeAuth = kAnyTime | kNoScript | kNoAuth | kAllowBusy;

// clang-format off
constexpr Command kConnectionCommands[] = {
  // name    arity  keys          flags                                  acl               handler  since    usage                        summary
  {"AUTH",   -2,    Keys::None(), kBeforeAuth | kEndsBatch,              Acl::kConnection, Auth,    "1.0.0", "[username@6.0.0] password", "Authenticates the connection."},
  {"ECHO",   2,     Keys::None(), kAnyTime,                              Acl::kConnection, Echo,    "1.0.0", "message",                   "Returns the given string."},
  {"HELLO",  -1,    Keys::None(), kBeforeAuth | kEndsBatch,              Acl::kConnection, Hello,   "6.0.0", "[arguments=(protover [AUTH auth=(username password)] [SETNAME clientname])]", "Shakes hands with the server and chooses the protocol."},
  {"PING",   -1,    Keys::None(), kFast,                                 Acl::kConnection, Ping,    "1.0.0", "[message]",                 "Returns the server's liveliness response."},
  {"QUIT",   -1,    Keys::None(), kBeforeAuth | kEndsBatch | kImmediate, Acl::kConnection, Quit,    "1.0.0", "",                          "Closes the connection."},
  {"RESET",  1,     Keys::None(), kBeforeAuth | kEndsBatch | kImmediate, Acl::kConnection, Reset,   "6.2.0", "",                          "Makes the connection as new."},
  {"SELECT", 2,     Keys::None(), kAnyTime,                              Acl::kConnection, Select,  "1.0.0", "index",                     "Changes the selected database."},
};
// clang-format on
static_assert(WellFormed(kConnectionCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ConnectionCommands() {
  return kConnectionCommands;
}

}  // namespace kiln

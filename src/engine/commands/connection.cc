// Connection commands: who a client is and how it talks.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// ECHO message
void Echo(Call& call) { call.reply.Bulk(call.args.Text()); }

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
  call.client.close_after_reply = true;
}

// SELECT index
void Select(Call& call) {
  int64_t index = call.args.Integer();
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (index < 0 || index >= call.db.keyspace().databases()) return call.Fail(Error::kDbIndexOutOfRange);
  call.client.db = static_cast<int>(index);
  call.reply.Ok();
}

// clang-format off
constexpr Command kConnectionCommands[] = {
  // name    arity  keys          flags                                             acl               handler  since    usage         summary
  {"ECHO",   2,     Keys::None(), kFast | kLoading | kStale,                        Acl::kConnection, Echo,    "1.0.0", "message",    "Returns the given string."},
  {"PING",   -1,    Keys::None(), kFast,                                            Acl::kConnection, Ping,    "1.0.0", "[message]",  "Returns the server's liveliness response."},
  {"QUIT",   -1,    Keys::None(), kFast | kLoading | kStale | kNoScript | kNoAuth | kAllowBusy | kEndsBatch, Acl::kConnection, Quit, "1.0.0", "", "Closes the connection."},
  {"SELECT", 2,     Keys::None(), kFast | kLoading | kStale,                        Acl::kConnection, Select,  "1.0.0", "index",      "Changes the selected database."},
};
// clang-format on
static_assert(WellFormed(kConnectionCommands), "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ConnectionCommands() { return kConnectionCommands; }

}  // namespace kiln

// Transactions: MULTI queues, EXEC runs the queue under one set of locks, WATCH makes it depend on
// keys staying as they are.
//
// The dispatcher queues (it must see commands of all groups) and locks what EXEC's queue and
// watched keys need.

#include <algorithm>

#include "engine/commands/access_control.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// DISCARD
void Discard(Call& call) {
  if (!call.client.transaction.active) return call.FailText("ERR DISCARD without MULTI");
  call.services.nested->DiscardTransaction(call.client, false);
  call.reply.Ok();
}

// Whether a watched key changed, or expired since. Looking removes expired keys, which tells those
// who watch them.
bool IsDirty(Call& call) {
  const Transaction& transaction = call.client.transaction;
  if (transaction.state == nullptr) return false;
  for (const auto& watched : transaction.watched) {
    Db(call.db.keyspace(), watched.key.db, call.db.context()).Peek(HashKey(watched.key.key));
  }
  return transaction.state->dirty.load(std::memory_order_relaxed);
}

// Whether the client may still run a queued command; replies when it may not.
bool MayStillRun(Call& call, const Command& command, Arguments arguments) {
  if (!call.client.is_limited) return true;
  AccessControl& access = *call.services.access;
  Denial denial = access.Check(call.client, command, arguments);
  if (!denial) return true;
  (void)access.Refuse(call.client, command, arguments, denial, DenialContext::kMulti);
  constexpr std::string_view kReasons[] = {
      "no permission",
      "no permission to execute the command or subcommand",
      "no permission to touch the specified keys",
      "no permission to access one of the channels used as arguments to the command",
  };
  std::string text =
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: ";
  text += kReasons[static_cast<size_t>(denial.reason)];
  call.services.nested->CountRefused(&command, text);
  call.FailText(text);
  return false;
}

// EXEC
void Exec(Call& call) {
  Client& client = call.client;
  if (!client.transaction.active) return call.FailText("ERR EXEC without MULTI");
  bool aborted = client.transaction.aborted;
  bool dirty = IsDirty(call);
  std::vector<QueuedRequest> queue = std::move(client.transaction.queue);
  call.services.nested->DiscardTransaction(client, true);
  if (aborted) return call.FailText("EXECABORT Transaction discarded because of previous errors.");
  if (dirty) return call.reply.NullArray();
  call.reply.Array(queue.size());
  std::vector<std::string_view> arguments;
  for (const QueuedRequest& request : queue) {
    arguments.assign(request.arguments.begin(), request.arguments.end());
    if (MayStillRun(call, *request.command, arguments))
      call.services.nested->RunNested(call, *request.command, arguments, call.reply);
    call.reply.ClearError();  // it was that command's
  }
}

// MULTI
void Multi(Call& call) {
  if (call.client.transaction.active) return call.FailText("ERR MULTI calls can not be nested");
  call.client.transaction.active = true;
  call.reply.Ok();
}

// UNWATCH
void Unwatch(Call& call) {
  call.services.nested->DiscardTransaction(call.client, call.covered);
  call.reply.Ok();
}

// WATCH key [key ...]
// A key that has expired already is removed here, so that its removal later cannot look like a
// change.
void Watch(Call& call) {
  Transaction& transaction = call.client.transaction;
  if (transaction.active) return call.FailText("ERR WATCH inside MULTI is not allowed");
  if (transaction.state == nullptr) transaction.state = std::make_shared<WatchState>();
  while (call.args.More() && !transaction.state->dirty.load(std::memory_order_relaxed)) {
    Key key = call.args.NextKey();
    call.db.Peek(key);
    DbKey name{call.db.index(), std::string(key.text)};
    auto is_same = [&](const Transaction::WatchedKey& watched) { return watched.key == name; };
    if (std::any_of(transaction.watched.begin(), transaction.watched.end(), is_same)) continue;
    Shard& shard = call.db.keyspace().shard(key.shard());
    if (shard.watched == nullptr) shard.watched = std::make_unique<WatchList>();
    shard.NoteWatched();
    shard.watched->Add(name, transaction.state);
    transaction.watched.push_back({std::move(name), false});
  }
  call.reply.Ok();
}

constexpr uint32_t kTransaction = kNoScript | kLoading | kStale;
constexpr uint32_t kNow = kTransaction | kFast | kAllowBusy | kImmediate;

// clang-format off
constexpr Command kTransactionCommands[] = {
  // name     arity  keys          flags                                                   acl                handler  since    usage     summary
  {"DISCARD", 1,     Keys::None(), kNow,                                                   Acl::kTransaction, Discard, "2.0.0", "",       "Forgets the queued commands."},
  {"EXEC",    1,     Keys::None(), kTransaction | kSkipSlowlog | kImmediate | kLocksQueue, Acl::kTransaction, Exec,    "1.2.0", "",       "Runs the queued commands as one."},
  {"MULTI",   1,     Keys::None(), kNow,                                                   Acl::kTransaction, Multi,   "1.2.0", "",       "Starts to queue commands."},
  {"UNWATCH", 1,     Keys::None(), kTransaction | kFast | kAllowBusy,                      Acl::kTransaction, Unwatch, "2.2.0", "",       "Forgets the watched keys."},
  {"WATCH",   -2,    Keys::All(),  kNow,                                                   Acl::kTransaction, Watch,   "2.2.0", "key...", "Makes the next EXEC fail if one of the keys changes before."},
};
// clang-format on
static_assert(WellFormed(kTransactionCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> TransactionCommands() {
  return kTransactionCommands;
}

}  // namespace kiln

// Commands for whole databases. They run alone in the process.

#include <utility>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/persistence.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

bool Exists(Call& call, int db, const Key& key) {
  return Db(call.db.keyspace(), db, call.db.context()).Peek(key) != nullptr;
}

// Marks who watches a key of database `db` that has_changed(key) holds for.
template <class F>
void MarkWatched(Call& call, int db, F&& has_changed) {
  for (size_t i = 0; i < kShardCount; ++i) {
    auto& watched = call.db.keyspace().shard(i).watched;
    if (watched == nullptr) continue;
    watched->ForEach([&](const DbKey& name, const auto& states) {
      if (name.db != db || !has_changed(HashKey(name.key))) return;
      for (const auto& state : states) state->dirty.store(true, std::memory_order_relaxed);
    });
  }
}

// Whoever waits for a key of database `db` that has_changed(key) holds for is to look again.
template <class F>
void WakeWaiters(Call& call, int db, F&& has_changed) {
  for (size_t i = 0; i < kShardCount; ++i) {
    const auto& waiters = call.db.keyspace().shard(i).waiters;
    if (waiters == nullptr) continue;
    waiters->ForEach([&](const Waiter& waiter) {
      for (const DbKey& name : waiter.keys) {
        if (name.db == db && has_changed(HashKey(name.key))) call.Ready(db, name.key);
      }
    });
  }
}

// ---- Flushing ----

void FlushDatabase(Call& call, int db, bool at_once) {
  auto exists = [&](const Key& key) { return Exists(call, db, key); };
  MarkWatched(call, db, exists);
  WakeWaiters(call, db, exists);
  call.db.context().stats.changes += call.db.keyspace().Flush(db, at_once, call.db.context());
}

// The values that were too big to be freed on the spot.
void FreePending(Call& call) {
  while (!call.db.context().reclaimer.Run(size_t{1} << 20)) {
  }
}

// Flushes databases from `first` to `last`. ASYNC frees the memory later, in slices.
void Flush(Call& call, int first, int last) {
  bool at_once = !call.settings().lazyfree_lazy_user_flush;
  if (call.args.Take("SYNC")) {
    at_once = true;
  } else if (call.args.Take("ASYNC")) {
    at_once = false;
  }
  if (!call.args.Done()) return call.Fail(call.args.error());
  for (int db = first; db <= last; ++db) FlushDatabase(call, db, at_once);
  if (at_once) FreePending(call);
  call.db.context().changes->OnFlush();
  call.ReplayAs(call.args.all());  // also where there was nothing
  call.reply.Ok();
}

// FLUSHDB [ASYNC | SYNC]
void FlushDb(Call& call) {
  Flush(call, call.db.index(), call.db.index());
}

// FLUSHALL [ASYNC | SYNC]
void FlushAll(Call& call) {
  Flush(call, 0, call.db.keyspace().databases() - 1);
  if (!call.reply.HasError()) call.services.persistence->OnFlushAll();
}

// ---- Swapping ----

// SWAPDB index1 index2
void SwapDb(Call& call) {
  auto a = ParseInt64(call.args.Text());
  auto b = ParseInt64(call.args.Text());
  if (!a || !std::in_range<int32_t>(*a)) return call.FailText("ERR invalid first DB index");
  if (!b || !std::in_range<int32_t>(*b)) return call.FailText("ERR invalid second DB index");
  Keyspace& keyspace = call.db.keyspace();
  auto is_database = [&](int64_t index) { return index >= 0 && index < keyspace.databases(); };
  if (!is_database(*a) || !is_database(*b)) return call.Fail(Error::kDbIndexOutOfRange);
  auto first = static_cast<int>(*a);
  auto second = static_cast<int>(*b);
  ++call.db.context().stats.changes;
  if (first != second) {
    auto in_either = [&](const Key& key) {
      return Exists(call, first, key) || Exists(call, second, key);
    };
    MarkWatched(call, first, in_either);
    MarkWatched(call, second, in_either);
    WakeWaiters(call, first, in_either);
    WakeWaiters(call, second, in_either);
    keyspace.SwapDatabases(first, second);
    call.db.context().changes->OnFlush();
  }
  call.reply.Ok();
}

// clang-format off
constexpr Command kDatabaseCommands[] = {
  // name      arity  keys          flags                   acl                               handler   since    usage                                    summary
  {"FLUSHALL", -1,    Keys::None(), kWrite | kGate,         Acl::kKeyspace | Acl::kDangerous, FlushAll, "1.0.0", "[flush-type=<ASYNC@4.0.0|SYNC@6.2.0>]", "Deletes all keys of all databases."},
  {"FLUSHDB",  -1,    Keys::None(), kWrite | kGate,         Acl::kKeyspace | Acl::kDangerous, FlushDb,  "1.0.0", "[flush-type=<ASYNC@4.0.0|SYNC@6.2.0>]", "Deletes all keys of the selected database."},
  {"SWAPDB",   3,     Keys::None(), kWrite | kFast | kGate, Acl::kKeyspace | Acl::kDangerous, SwapDb,   "4.0.0", "index1 index2",                         "Exchanges the contents of two databases."},
};
// clang-format on
static_assert(WellFormed(kDatabaseCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> DatabaseCommands() {
  return kDatabaseCommands;
}

}  // namespace kiln

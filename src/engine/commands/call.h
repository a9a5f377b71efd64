// Call: one command being run. All a handler ever sees.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "engine/commands/argument_cursor.h"
#include "engine/commands/blocking.h"
#include "engine/commands/client.h"
#include "engine/commands/command.h"
#include "engine/store/db.h"
#include "protocol/resp/reply.h"

namespace kiln {

struct Services;

// What a call leaves for the dispatcher to do. Most leave nothing, so it is kept outside the call
// and reused.
struct CallEffects {
  BlockWish block;
  std::vector<DbKey> ready;  // changed keys of shards where somebody waits
};

struct Call {
  Call(const Command& command_in, ArgumentCursor args_in, Reply& reply_in, Db db_in,
       Client& client_in, Services& services_in, CallEffects& effects_in)
      : command(command_in),
        args(args_in),
        reply(reply_in),
        db(db_in),
        client(client_in),
        services(services_in),
        effects(effects_in) {}

  const Command& command;
  ArgumentCursor args;
  Reply& reply;
  Db db;
  Client& client;
  Services& services;
  CallEffects& effects;

  const Settings& settings() const { return const_cast<Db&>(db).context().settings; }
  uint64_t now_ms() const { return db.now_ms(); }

  // A key's value changed: counts the change, tells watchers and keyspace-event listeners, serves
  // who waits for it.
  void Changed(const Key& key, EventClass event_class, std::string_view event) {
    ChangedIn(db, key, event_class, event);
  }
  // The same without an event.
  void Touched(const Key& key) { TouchedIn(db, key); }
  // The same for another database than the client's.
  void ChangedIn(Db& changed_db, const Key& key, EventClass event_class, std::string_view event) {
    TouchedIn(changed_db, key);
    changed_db.Notify(event_class, event, key.text);
  }
  void TouchedIn(Db& changed_db, const Key& key) {
    changed_db.Changed(key);
    Wake(changed_db, key);
  }
  // Whoever waits for the key looks again.
  void Wake(Db& changed_db, const Key& key) {
    if (db.keyspace().shard(key.shard()).waiters != nullptr) [[unlikely]]
      Ready(changed_db.index(), key.text);
  }
  // What was just told as one change counts as so many, one for each element, as in Redis.
  void CountAs(size_t changes) { db.context().stats.changes += changes - 1; }
  // Whoever waits for the key is served before the command's locks are let go.
  void Ready(int db_index, std::string_view key) {
    effects.ready.push_back({db_index, std::string(key)});
  }

  // A secret: the slow log and monitors do not show the argument at this position.
  void HideArgument(size_t position) {
    if (position < 64) hidden_arguments |= uint64_t{1} << position;
  }
  bool IsHidden(size_t position) const {
    return position < 64 && (hidden_arguments >> position & 1) != 0;
  }

  // While there is a journal, what the call changed is replayed by running its request again. Where
  // that would do something else (it depends on the time, on random numbers or on waiting), the
  // handler says what to run instead; once for each command, or ReplayAs nothing.
  bool is_journaled() const { return const_cast<Db&>(db).context().journal != nullptr; }
  void ReplayAs(std::initializer_list<std::string_view> words) {
    ReplayAs(std::span<const std::string_view>(words.begin(), words.size()));
  }
  void ReplayAs(std::span<const std::string_view> words) {
    replays_itself = true;
    if (is_journaled() && !words.empty()) db.context().journal->Replay(db.index(), words);
  }
  bool replays_itself = false;
  // A journal is being replayed: what Redis wrote there counts, even if a client may not say it.
  bool is_replay() const { return db.now_ms() == 0; }

  // Replies with an error.
  void Fail(Error error) { reply.Error(TextOf(error)); }
  void FailText(std::string_view text) { reply.Error(text); }

  // Waits for one of `keys` to change; then the handler runs again. When the deadline passes the
  // client gets `timeout_reply`. Within MULTI or a script nobody waits: the timeout reply is the
  // reply.
  void Block(std::vector<Key> keys, uint64_t deadline_ms, std::string_view timeout_reply) {
    if (!may_block) return reply.Raw(timeout_reply);
    effects.block = {true, std::move(keys), deadline_ms, std::string(timeout_reply), {}, false, {}};
  }
  bool may_block = true;
  // For kWalksShards: runs f() with one shard locked.
  template <class F>
  void WithShard(size_t shard, F&& f) {
    ShardLock& lock = db.keyspace().shard(shard).lock;
    if (!covered) lock.Lock();
    f();
    if (!covered) lock.Unlock();
  }
  // Whoever runs this call holds all it may need: the Gate alone, or EXEC's locks.
  bool covered = false;
  // The handler runs on behalf of a client that waits: the request was counted when it first came.
  bool is_retry = false;
  uint64_t hidden_arguments = 0;  // one bit a position
};

}  // namespace kiln

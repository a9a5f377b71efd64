// Tracker: a worker's part of client-side caching: it remembers what its clients read, tells of
// what it changes, and passes on to its clients what other workers tell.
//
// A read is remembered, and a change taken to all who read, under the key's shard lock; from there
// messages go through the mailbox of the worker that owns the client. Its replies are written by
// that worker in the order of the locks too, so a client that was given an old value is always told
// after it. What a client changes itself is told right behind the reply. Keys for broadcasting are
// collected, each once, and told when the turn ends, as Redis does.
//
// Thread safety: each belongs to its worker. OnChange is also called by who holds the Gate alone.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/commands/client_tracking.h"
#include "engine/commands/command.h"
#include "engine/server/tracking_table.h"
#include "engine/store/store_context.h"

namespace kiln {

class Server;
class Session;
class Worker;

// What all workers share.
struct TrackingState {
  TrackingTable table;
  std::atomic<int> clients{0};            // that track
  std::atomic<int> broadcast_clients{0};  // of these, those that hear of every key under a prefix
  bool is_on = false;                     // shards are marked; changed alone
  size_t limit_misses = 0;  // how often in a row the table stayed too big; of worker 0
};

class Tracker final : public ClientTracker, public ChangeSink {
 public:
  // Keys that must not be told of any more; none stands for all.
  using StaleKeys = std::vector<std::string>;
  using SharedKeys = std::shared_ptr<const StaleKeys>;

  Tracker(Server& server, Worker& worker) : server_(server), worker_(worker) {}

  void Start(Client& client, ClientTracking wish) override;
  void Stop(Client& client) override;
  void OnChange(const Key& key, bool by_itself) override;
  void OnFlush() override;

  // A request of this client runs from now until End, and what it changes is its own change.
  void Begin(const Client& client) { current_id_ = client.handle.id; }
  // `command` may be null.
  void End(Session& session, const Command* command);
  bool HasCurrent() const { return current_id_ != 0; }
  // Tells the current client what was kept back for it. May close it.
  void SendOwn(Session& session);
  // A waiting client's request runs on its behalf: puts the current one aside.
  struct Aside {
    uint64_t client_id;
    std::vector<SharedKeys> own;
  };
  Aside BeginFor(ClientHandle waiter);
  // Behind the reply to the waiter.
  void EndFor(ClientHandle waiter, Aside aside);

  // The client has read the command's keys, whose shards are locked.
  void Remember(const Command& command, Arguments arguments, ClientHandle reader);
  // Forgets keys, and says so, until the table is within tracking-table-max-keys, or for a while.
  // Holding no lock.
  void LimitTable(size_t effort);

  // Tells of the keys collected for broadcasting. Holding no lock.
  void Broadcast();
  bool HasBroadcast() const { return !changed_.empty(); }
  template <class F>
  void ForEachPrefix(F&& f) const {
    for (const auto& [prefix, clients] : prefixes_) f(prefix);
  }

 private:
  using ChangedKeys = std::map<std::string, uint64_t, std::less<>>;  // who changed it last, or 0
  // More are not collected in one turn.
  static constexpr size_t kMaxCollected = 8192;

  void Tell(const TrackingTable::Readers& readers, std::string_view key);
  void PostBroadcast(bool to_itself);

  // On the client's worker.
  void Invalidate(uint64_t client_id, const SharedKeys& keys, uint64_t writer);
  void InvalidateAll(uint64_t writer);
  void DeliverBroadcast(const ChangedKeys& changed);
  void SendTo(Session& session, const SharedKeys& keys);
  void Forward(uint64_t client_id, ClientHandle from, const SharedKeys& keys);
  void NoteBroken(uint64_t client_id, uint64_t redirect_id);
  void ForgetPrefixes(const Client& client);
  void CountBroadcaster(int change);

  Server& server_;
  Worker& worker_;
  uint64_t current_id_ = 0;  // of the tracking client whose request runs; 0: another's
  std::vector<SharedKeys> own_;
  ChangedKeys changed_;
  std::map<std::string, std::set<uint64_t>, std::less<>> prefixes_;  // of broadcasting clients
  std::atomic<int> broadcast_clients_{0};                            // read by all workers
  std::vector<uint32_t> positions_;
};

}  // namespace kiln

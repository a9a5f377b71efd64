// ReplicaLinks: a primary's connections to its replicas: who gets a snapshot and when it begins,
// what is sent, and what they say they have.
//
// A replica's connection is a session like any other, which is sent a feed beside replies. Feeds
// read the journal where it lies; nothing is kept for one replica alone.
//
// Thread safety: functions marked "alone" need the Gate alone; the others are for the worker that
// is named, or any.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/commands/replication.h"
#include "engine/persist/rdb_save.h"
#include "engine/replication/history.h"
#include "engine/replication/replica_table.h"
#include "engine/server/snapshot_stream.h"

namespace kiln {

struct Command;
class Server;
class Session;
class Worker;

class ReplicaLinks {
 public:
  ReplicaLinks(Server& server, const ReplicationHistory& history);

  // ---- Alone ----
  // An error reply's text, or empty.
  std::string Attach(Client& client, Reply& reply, std::string_view id, int64_t next);
  // Ends all connections: they come back and ask for this server's new history.
  void CloseAll();
  void OnPromoted();
  struct Counts {
    uint64_t full = 0;
    uint64_t partial = 0;
    uint64_t refused = 0;  // partial ones that had to become full ones
  };
  const Counts& counts() const { return counts_; }
  void ResetCounts() { counts_ = {}; }
  // So much of the journal can be gone on from.
  uint64_t BacklogBytes() const;
  // A snapshot is being sent.
  bool is_sending() const { return is_sending_; }
  const RdbSaveProgress& progress() const { return progress_; }
  int64_t sending_since_s() const { return sending_since_s_; }

  // ---- By the worker of a replica's connection ----
  void OnAck(Client& client, uint64_t offset, std::optional<uint64_t> in_file);
  void OnDisconnected(Client& client);
  // Whether a replica may send the command: only what has no reply, for there is no place for one.
  static bool IsReplicas(const Command* command);
  // The connection of one that sent another ends.
  static void CutOff(Session& session, const Command* command);
  // Sends what there is.
  void AfterTurn(Worker& worker);
  // Ten times a second: closes who is too far behind.
  void CheckFeeds(Worker& worker);

  // ---- By worker 0, ten times a second ----
  void OnTick();

  // ---- Any thread ----
  const ReplicaTable& table() const { return table_; }
  bool any() const { return feed_count_.load(std::memory_order_relaxed) > 0; }
  // The replicas are asked how far they are, at the end of the turn.
  void AskForAcks() { asks_for_acks_.store(true, std::memory_order_relaxed); }
  // There is something to send on some worker.
  void WakeAll();

 private:
  // What one worker sends.
  struct alignas(64) Feeds {
    std::vector<uint64_t> sessions;       // its own
    std::atomic<bool> any{false};         // is there one
    std::atomic<bool> is_woken{false};    // it will look
    std::atomic<uint64_t> sent_until{0};  // of the journal, when it last looked
  };

  bool CanContinue(std::string_view id, int64_t next) const;
  void AddFeed(Client& client);
  void SendAll(Worker& worker);
  void CloseLate(Session& session);
  // Alone: begins a snapshot for those that wait, if it is time.
  void StartSync();
  bool IsTime(const std::vector<ReplicaInfo>& waiting) const;
  std::vector<Session*> TakeWaiting();
  void RunSync(const std::vector<Session*>& sessions);
  void Ping();
  void CloseSilent();
  std::string NameOf(const Client& client) const;

  Server& server_;
  const ReplicationHistory& history_;
  ReplicaTable table_;
  std::vector<std::unique_ptr<Feeds>> feeds_;  // by worker
  std::atomic<int> feed_count_{0};
  std::atomic<bool> asks_for_acks_{false};
  Counts counts_;
  RdbSaveProgress progress_;
  bool is_sending_ = false;
  int64_t sending_since_s_ = 0;
  int64_t next_second_ms_ = 0;
  int64_t last_ping_ms_;                 // or when there was nobody to be pinged
  std::atomic<int64_t> alone_since_ms_;  // no replicas, or a primary only since
};

}  // namespace kiln

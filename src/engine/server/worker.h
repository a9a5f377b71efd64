// Worker: one thread with its event loop, its connections and its share of the background work.
//
// Everything in a worker belongs to its thread. Others reach it through its mailbox, or look in
// while they hold the Gate alone. A worker is inside the Gate for the length of each turn.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/commands/command_table.h"
#include "engine/commands/memcache_counters.h"
#include "engine/commands/services.h"
#include "engine/journal/unit.h"
#include "engine/server/command_stats.h"
#include "engine/server/rate_meter.h"
#include "engine/server/request_batch.h"
#include "engine/server/session.h"
#include "engine/server/tracker.h"
#include "engine/store/store_context.h"
#include "net/event_loop.h"

namespace kiln {

class Dispatcher;
class Server;

struct WorkerStats {
  uint64_t commands = 0;
  uint64_t connections = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t protocol_errors = 0;
  uint64_t error_replies = 0;
  uint64_t output_limit_disconnections = 0;
  uint64_t input_limit_disconnections = 0;
  uint64_t reads = 0;   // from sockets
  uint64_t writes = 0;  // to sockets
  uint64_t turns = 0;   // of the event loop
  uint64_t turn_ticks = 0;
  uint64_t command_ticks = 0;  // of turn_ticks
  uint64_t timer_ticks = 0;    // of turn_ticks: what is done about ten times a second
  uint64_t longest_turn_ticks = 0;
  uint64_t most_commands_in_turn = 0;

  void Add(const WorkerStats& other);
};

// What a connection is to be, by where it came in.
struct Origin {
  bool is_memcache = false;
  bool is_admin = false;
};

struct WorkerRates {
  RateMeter commands;
  RateMeter input_bytes;
  RateMeter output_bytes;
  RateMeter turns;
  RateMeter turn_ticks;
};

class Worker final : public TurnHooks {
 public:
  Worker(Server& server, uint32_t index);
  ~Worker();

  uint32_t index() const { return index_; }
  Server& server() { return server_; }
  EventLoop& loop() { return loop_; }
  StoreContext& context() { return context_; }
  JournalUnit& journal_unit() { return journal_unit_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  RequestBatch& batch() { return batch_; }
  WorkerStats& stats() { return stats_; }
  Tracker& tracker() { return tracker_; }
  MemcacheCounters& memcache_counters() { return memcache_counters_; }
  WorkerRates& rates() { return rates_; }
  std::vector<CommandStats>& command_stats() { return command_stats_; }
  std::unordered_map<std::string, uint64_t>& errors() { return errors_; }
  const Settings& settings() const { return context_.settings; }

  void Run();                                 // until the server stops
  void DropSessions() { sessions_.clear(); }  // after that
  void DropFeeds();
  // Any thread: takes over a connected socket.
  void TakeConnection(Fd socket, Origin origin);
  Session* Find(uint64_t client_id);
  // f may close the session that it is given.
  template <class F>
  void ForEachSession(F&& f) {
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      Session& session = *at->second;
      ++at;
      f(session);
    }
  }

  // ---- For sessions ----
  // Space for a read, which stays valid until the batch has run.
  std::span<char> ReadSpace(size_t bytes);
  void UseReadSpace(size_t bytes) { read_used_ += bytes; }
  // Puts the request made of the batch's last arguments on the batch; returns its command, null
  // when unknown. Inline: together with parsing it is half of what a request costs.
  [[gnu::always_inline]] inline const Command* AddRequest(Session& session, const Client& client,
                                                          Arguments arguments,
                                                          const char* start = nullptr) {
    Request& request = batch_.requests[batch_.size++];
    const Command* command = (client.is_memcache ? memcache_commands_ : commands_).Find(arguments);
    request.session = &session;
    request.arguments = arguments;
    request.start = start;
    request.command = command;
    if (command != nullptr && command->first_key != 0 && command->first_key < arguments.size())
        [[likely]] {
      Key key = HashKey(arguments[command->first_key]);
      request.hint =
          keyspace_.table(client.db, key.shard())
              .records.PrefetchBucket(key.table_hash(), static_cast<uint16_t>(client.db));
      key.seen = &request.hint;
      request.first_key = key;
    } else {
      request.first_key.text = {};
      request.hint.home = nullptr;
      if (client.is_admin) [[unlikely]]
        request.command = command = FindForAdmin(client, arguments);
    }
    return command;
  }
  void RunBatch();
  // The session that is reading or parsing its input; null in between. Returns the one before.
  Session* SetActive(Session* session) { return std::exchange(active_session_, session); }
  // Serves the connections while a script goes on for too long: refuses nearly everything, but
  // SCRIPT KILL gets through.
  void ServeWhileBusy();
  void AddDirty(Session* session) { dirty_.push_back(session); }
  // Whether what the journal has taken is as safe as it must be before replies tell of it; if not,
  // the session is to try again later.
  bool MayReply(Session& session);
  // Any thread.
  bool HoldsReplies() const { return holds_replies_.load(std::memory_order_relaxed); }
  void ReleaseReplies();
  void OnClosed(Session* session);
  // Whether clients' memory is counted, for maxmemory-clients; and evicts some if it is too much,
  // holding no lock.
  void LimitClients();
  bool counts_clients() const { return settings().maxmemory_clients_bytes != 0; }
  // Its output is over the soft limit: it is looked at until it is not.
  void WatchOutput(Session& session);
  // Gives an empty output a recycled buffer; takes a sent one back.
  void LendOutput(ByteBuffer& output) {
    if (output.capacity() > 0 || spare_buffers_.empty()) [[likely]]
      return;
    output.Swap(spare_buffers_.back());
    spare_buffers_.pop_back();
  }
  void TakeBackOutput(ByteBuffer& output);
  // Looks at all connections' waiting input again when a pause ends: now, or then (Unix ms).
  void ResumeAll();
  void ResumeAt(uint64_t pause_until_ms);

  void BeforeTurn() override;
  void AfterTurn() override;

 private:
  static constexpr size_t kReadBytes = 256 * 1024;
  static constexpr size_t kMaxSpareBuffers = 64;
  static constexpr size_t kMaxSpareBufferBytes = 65536;
  static constexpr int64_t kIdleTickMs = 100;

  void AddSession(Fd socket, Origin origin);
  const Command* FindForAdmin(const Client& client, Arguments arguments) const;
  void FlushDirty();
  void FlushAndCountDirty();
  void OnTick();
  void ArmTick();
  void OnPauseEnd();
  // A slice of expiry, of freeing big values and of freeing flushed databases. Freeing is not
  // urgent: between slices it leaves the core to whoever else wants it.
  void RunBackground();
  // Both return false when time ran out.
  bool Reclaim(uint64_t deadline_ticks);
  bool ExpireShards(uint64_t deadline_ticks);
  void DropLocalExpiries();
  bool FreeFlushed(uint64_t deadline_ticks);
  void CloseIdle();
  void CloseSlowReaders();

  Server& server_;
  Keyspace& keyspace_;
  CommandCache commands_;
  CommandCache memcache_commands_;
  uint32_t index_;
  EventLoop loop_;
  StoreContext context_;
  JournalUnit journal_unit_;
  Tracker tracker_;
  std::unique_ptr<Dispatcher> dispatcher_;
  RequestBatch batch_;
  WorkerStats stats_;
  MemcacheCounters memcache_counters_;
  WorkerRates rates_;
  std::vector<CommandStats> command_stats_;
  std::unordered_map<std::string, uint64_t> errors_;  // by code word
  std::unique_ptr<char[]> read_space_;
  size_t read_used_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> closed_;  // destroyed when the turn ends
  std::vector<Session*> dirty_;
  std::vector<uint64_t> held_replies_;  // sessions whose replies wait for file or replicas
  std::atomic<bool> holds_replies_{false};
  std::unordered_set<uint64_t> slow_readers_;  // clients over the soft limit of their output
  std::vector<ByteBuffer> spare_buffers_;
  uint64_t turn_started_ticks_ = 0;
  uint64_t commands_before_turn_ = 0;
  Timer tick_;
  Timer pause_end_;
  Session* active_session_ = nullptr;
  bool is_serving_busy_ = false;
  bool expiry_is_due_ = false;
  size_t next_shard_ = 0;
  std::pair<int, std::string> last_local_expiry_;
  size_t next_flushed_shard_ = 0;
  uint64_t next_idle_check_ms_ = 0;
};

}  // namespace kiln

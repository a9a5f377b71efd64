// Server: everything one node is made of. Built in bin/ and passed down; there is no global.
//
// Thread safety: the accessors may be called from any worker; what they return says how it may be
// used.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/migrate_link.h"
#include "engine/commands/command_table.h"
#include "engine/commands/debug_switches.h"
#include "engine/commands/discovery.h"
#include "engine/commands/latency_monitor.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_users.h"
#include "engine/commands/pubsub_registry.h"
#include "engine/commands/services.h"
#include "engine/commands/slow_log.h"
#include "engine/security/acl_registry.h"
#include "engine/server/journal_reader_probe.h"
#include "engine/server/oom_score.h"
#include "engine/server/process_title.h"
#include "engine/server/worker.h"
#include "engine/store/gate.h"
#include "engine/store/keyspace.h"
#include "net/listener.h"
#include "params/parameter_set.h"

namespace kiln {

class AppendOnly;
class BackgroundSave;
class Dispatcher;
class Persistence;
class Replication;
struct BlockedRequest;

// One of the parameter "endpoints": its word, and the socket until worker 0 listens on it.
struct OpenEndpoint {
  std::string word;
  Fd new_socket;
  std::unique_ptr<Listener> listener;
};

// What the journal is kept for.
enum class JournalUser : uint8_t { kFile = 1, kReplicas = 2, kProbe = 4 };

enum class Protocol { kRedis, kMemcache };

class Server final : public ClientHub, public ServerControl, public KeyEventSink {
 public:
  // `settings` and `parameters` must outlive the server.
  Server(ParameterSet& parameters, Protocol protocol, std::string config_file);
  ~Server();

  // Applies "rename-command" and "managed-node"; an error text, or empty.
  std::string RenameCommands();
  // Makes the users of the configuration and the ACL file; an error text, or empty.
  std::string LoadUsers();
  // The same for memcached's protocols, where clients have to log in.
  std::string LoadMemcacheUsers();
  // Does that again soon; the users stay where it fails. For signal handlers.
  void ReloadMemcacheUsers() { must_load_memcache_users_ = true; }
  // Opens the listeners; an error text, or empty.
  std::string Listen();
  // Gives the process its title and its score; an error text, or empty. `title` must outlive the
  // server.
  std::string ShowProcess(ProcessTitle* title);
  // Runs the workers until Shutdown.
  void Run();
  // memcached's items outlive a graceful shutdown in the memory file, where there is one. Before
  // and after Run.
  void LoadItems();
  void SaveItems();
  // Loads the databases from their file: a small one at once, a large one while clients are already
  // told to wait. After Listen, before Run. False when the server is not to start.
  bool LoadDatabases();
  // The status that the process is to end with, after Run.
  int exit_status() const;

  const Settings& settings() const { return *parameters_.settings(); }
  Keyspace& keyspace() { return keyspace_; }
  Gate& gate() { return gate_; }
  Journal& journal() { return journal_; }
  const CommandTable& commands() const { return commands_; }
  MemcacheLog& memcache_log() { return memcache_log_; }
  Persistence& persistence() { return *persistence_; }
  AppendOnly& append_only() { return *append_only_; }
  BackgroundSave& background_save() { return *background_save_; }
  Replication& replication() { return *replication_; }
  const Replication& replication() const { return *replication_; }
  Protocol protocol() const { return protocol_; }
  ParameterSet& parameters() { return parameters_; }
  // Exclusive: how many changes there have been since the start.
  uint64_t CountChanges();
  // memcached's verbs, a table of their own.
  const CommandTable& memcache_commands() const { return memcache_commands_; }
  size_t workers() const { return workers_.size(); }
  AccessControl& access() { return acl_; }
  KeyEventSink* key_events() { return this; }
  double ticks_per_us() const { return ticks_per_us_; }
  const Services& services() const { return services_; }
  // Of the larger of the two command tables.
  size_t CommandCount() const {
    return std::max(commands_.all().size(), memcache_commands_.all().size());
  }

  // ---- For workers and dispatchers ----
  uint64_t NextClientId() { return next_client_id_.fetch_add(1, std::memory_order_relaxed); }
  // Says who has come: the default user, or with memcached alone somebody who may do everything.
  void Welcome(Client& client) {
    if (protocol_ == Protocol::kRedis) acl_.Welcome(client);
  }
  void OnConnected(Session& session);
  void OnDisconnected(Session& session);
  // CLIENT PAUSE: whether one is on, and whether it holds this request back.
  bool IsPaused(uint64_t now_ms) const { return pause_until_ms_ > now_ms; }
  uint64_t pause_until_ms() const { return pause_until_ms_; }
  bool IsHeldBack(const Command* command, Arguments arguments, const Client& client) const;
  // Commands that take longer are for LogSlow.
  uint64_t SlowTicks() const;
  // Whether a batch of usual requests could take more memory than maxmemory: then each one that
  // may grow is looked at.
  bool IsNearLimit() const;
  // Evicts down to maxmemory; false when it cannot.
  bool MakeRoom(StoreContext& context);
  // Flags of the commands that may be refused in the state that the server is in, beyond the usual
  // reasons: all while databases are loaded.
  uint32_t doubtful_flags() const { return doubtful_flags_.load(std::memory_order_relaxed); }
  void SetDoubtfulFlags(uint32_t flags) { doubtful_flags_ = flags; }
  // What AllocatedBytes may come to; 0: anything.
  size_t MemoryLimit() const;
  void CountBlocked(int change) { blocked_clients_.fetch_add(change, std::memory_order_relaxed); }
  void SendUnblock(ClientHandle to, std::string reply);
  // The same for one whose user may not do what it waits for any more.
  void RefuseWaiting(const std::shared_ptr<BlockedRequest>& waiter, Denial denial);
  // For the slow log and the latency monitor, each if it asks for it.
  void LogSlow(const Call& call, uint64_t spent_ticks);
  bool has_monitors() const { return monitors_.load(std::memory_order_relaxed) > 0; }
  void FeedMonitors(const Call& call);
  Worker& worker(size_t index) { return *workers_[index]; }
  TrackingState& tracking() { return tracking_; }
  // Whether some client tracks what it reads.
  bool HasTrackers() const { return tracking_.clients.load(std::memory_order_relaxed) > 0; }
  // For maxmemory-clients: brings the sum up to date with what this client holds now.
  void CountMemoryOf(Client& client);
  void DropMemoryOf(Client& client) {
    if (client.counted_bytes == 0) return;
    counted_client_bytes_.fetch_sub(client.counted_bytes, std::memory_order_relaxed);
    client.counted_bytes = 0;
  }
  bool AreClientsOverLimit() const;
  // Alone: whether somebody needs the journal. A replica's is written by its primary.
  void SetJournaling(JournalUser user, bool on);
  bool IsJournaling(JournalUser user) const {
    return (journal_users_ & static_cast<uint8_t>(user)) != 0;
  }
  // Puts that into force; `stands_still`: not even then, while a journal is read into the
  // databases.
  void UpdateJournaling(bool stands_still = false);
  // Bytes to a client that has a use for them, whatever it is.
  void SendBytes(ClientHandle to, std::string bytes);
  // Ends a wait for replicas, if the client still waits for that.
  void EndReplicationWait(ClientHandle who, uint64_t ticket, std::string reply);
  // Replies that waited for replicas may go now, perhaps.
  void ReleaseReplies();
  void NoteReplicationInput(size_t bytes) { replication_input_bytes_ += bytes; }
  void NoteReplicationOutput(size_t bytes) { replication_output_bytes_ += bytes; }
  void OnTick();  // about ten times a second, on worker 0
  // From a signal handler: ends the server, once what is to be saved is saved.
  void OnStopSignal(int signal);
  // Whether there are endpoints, which others may share; and alone: nobody comes through them any
  // more.
  bool HasEndpoints() const { return has_endpoints_.load(std::memory_order_relaxed); }
  void CloseEndpoints() { CloseEndpointsBut({}); }

  // ---- ClientHub ----
  void Send(ClientHandle to, std::shared_ptr<const std::string> bytes) override;
  void Close(ClientHandle who, bool after_output) override;
  void Kill(Client& client) override;
  bool Unblock(ClientHandle who, bool with_error) override;
  void ForEach(const std::function<void(Client&)>& f) override;
  std::string Describe(const Client& client) override;
  void Pause(uint64_t until_ms, bool only_writes) override;
  void Unpause() override;
  void EvictClients() override;

  // ---- ServerControl ----
  std::string Info(std::span<const std::string_view> sections) override;
  void ResetStatistics() override;
  std::string RewriteConfig(bool all) override;
  void Shutdown() override;
  void ShutdownGracefully() override;
  void SetMonitor(Client& client, bool on) override;
  std::string ApplyParameter(std::string_view name) override;
  size_t UsedMemoryBytes() override;
  MemoryReport Memory() override;
  std::vector<LatencyBucket> Latencies(const Command& command) override;
  void ChangeReplicationId() override;
  std::string MemcacheStats(Arguments topic) override;
  void FlushAt(uint64_t at_ms) override;
  void PauseCron(bool on) override { is_cron_paused_ = on; }

  // ---- KeyEventSink ----
  void OnKeyEvent(EventClass event_class, std::string_view event, std::string_view key,
                  int db) override;

  // Alone: for INFO.
  friend class InfoWriter;
  friend class MemcacheStatsWriter;

 private:
  // The sockets of the addresses asked for, not yet accepting; an error text, or empty.
  std::string OpenAddresses(std::vector<Fd>* sockets, bool share_port = false);
  std::string OpenUnixSocket();
  std::string OpenAdminSocket();
  // Of memcached's addresses: its own where the process is memcached, else those of
  // "memcached-port". Accepting already; an error text, or empty.
  std::string OpenMemcache();
  std::string AcceptMemcache(const ListenAddress& at);
  // Tells the ports that were taken, as memcached does for who asks with MEMCACHED_PORT_FILENAME.
  void WritePortFile() const;
  // Whether there are as many clients as there may be; and the same, counting how often.
  bool IsFull() const;
  bool MustWait();
  // An error text where clients of "memcached-port" could do nothing, or not all; or empty.
  std::string CheckMemcacheRights();
  std::string Accept(Fd socket, bool is_memcache,
                     std::vector<std::unique_ptr<Listener>>* listeners);
  std::string AddressText() const;
  std::string ApplyAddresses(std::string_view name);
  void TakeNewAddresses();
  // Opens the endpoints that are new and closes those that are gone; an error text, or empty.
  std::string ApplyEndpoints();
  void TakeNewEndpoints();
  void CloseEndpointsBut(const std::vector<std::string>& wanted);
  void Place(Fd socket, bool is_memcache);
  void PlaceAdmin(Fd socket);
  // What maxmemory-clients allows all clients together; 0: no limit.
  size_t ClientMemoryLimit() const;
  size_t CountTrackedPrefixes();  // alone
  // Keeps the table of tracked keys within bounds; forgets it when nobody tracks any more.
  void TidyTracking();
  // Removes what a client has stored in place of the discovery's item.
  void RestoreDiscoveryItem();
  Worker& NextWorker() { return *workers_[next_worker_++ % workers_.size()]; }
  std::string ApplyMaxClients();
  std::optional<std::string> TitlePart(std::string_view name) const;
  std::string ApplyTitle();
  std::string ApplyOomScore();

  ParameterSet& parameters_;
  Protocol protocol_;
  std::string config_file_;
  Keyspace keyspace_;
  Journal journal_;
  CommandTable commands_;
  CommandTable memcache_commands_;
  double ticks_per_us_;
  uint64_t started_ms_;
  std::string run_id_;
  PubSub pubsub_;
  SlowLog slow_log_;
  AclRegistry acl_;
  Discovery discovery_;
  MemcacheLog memcache_log_;
  MemcacheUsers memcache_users_;
  DebugSwitches debug_;
  LatencyMonitor latency_;
  MigrateLinks migrate_links_;
  JournalReaderProbe journal_probe_;
  std::unique_ptr<ScriptRunner> scripts_;
  std::unique_ptr<Persistence> persistence_;
  std::unique_ptr<BackgroundSave> background_save_;
  std::unique_ptr<AppendOnly> append_only_;
  std::unique_ptr<Replication> replication_;
  uint8_t journal_users_ = 0;  // bits of JournalUser; changed alone
  std::atomic<uint64_t> replication_input_bytes_{0};
  std::atomic<uint64_t> replication_output_bytes_{0};
  Services services_;
  Gate gate_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Listener>> listeners_;           // TCP; on worker 0
  std::vector<std::unique_ptr<Listener>> memcache_listeners_;  // TCP; on worker 0
  std::vector<std::unique_ptr<Listener>> unix_listeners_;      // on worker 0
  std::unique_ptr<Listener> admin_listener_;                   // on worker 0
  std::string admin_path_;                                     // absolute; empty: there is none
  std::vector<OpenEndpoint> endpoints_;                        // changed alone
  std::atomic<bool> has_endpoints_{false};
  std::vector<std::unique_ptr<Listener>> old_endpoints_;  // worker 0 is to end them
  std::string listening_on_;                              // AddressText of listeners_
  std::vector<Fd> new_sockets_;  // take the place of listeners_ when worker 0 comes to it
  std::string new_listening_on_;
  size_t next_worker_ = 0;
  std::atomic<uint32_t> doubtful_flags_{0};
  std::atomic<uint64_t> next_client_id_{1};
  std::atomic<int64_t> connected_clients_{0};
  std::atomic<int64_t> blocked_clients_{0};
  std::atomic<int> monitors_{0};
  TrackingState tracking_;
  std::atomic<size_t> counted_client_bytes_{0};  // of all clients, where maxmemory-clients is set
  std::atomic<size_t> unevictable_bytes_{0};     // what was left when there was nobody to evict
  size_t evicted_clients_ = 0;                   // changed alone
  std::atomic<bool> is_cron_paused_{false};
  std::atomic<uint64_t> rejected_connections_{0};
  std::atomic<uint64_t> times_full_{0};  // that new connections had to wait
  bool is_waiting_ = false;              // of worker 0: they do
  ProcessTitle* title_ = nullptr;
  OomScore oom_score_;
  size_t peak_memory_bytes_ = 0;
  size_t base_memory_bytes_ = 0;
  uint64_t pause_until_ms_ = 0;     // changed alone
  bool pause_only_writes_ = false;  // changed alone
  uint64_t flush_at_ms_ = 0;        // changed alone; 0: never
  std::atomic<bool> keeps_items_{false};
  std::atomic<bool> must_load_memcache_users_{false};
};

}  // namespace kiln

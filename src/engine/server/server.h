// Server: everything one node is made of. Built in bin/ and passed down; there is no global.
//
// Thread safety: the accessors may be called from any worker; what they return says how it may be
// used.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/commands/command_table.h"
#include "engine/commands/discovery.h"
#include "engine/commands/latency_monitor.h"
#include "engine/commands/pubsub_registry.h"
#include "engine/commands/services.h"
#include "engine/commands/slow_log.h"
#include "engine/security/acl_registry.h"
#include "engine/server/worker.h"
#include "engine/store/gate.h"
#include "engine/store/keyspace.h"
#include "net/listener.h"
#include "params/parameter_set.h"

namespace kiln {

class Dispatcher;
struct BlockedRequest;

// One of the parameter "endpoints": its word, and the socket until worker 0 listens on it.
struct OpenEndpoint {
  std::string word;
  Fd new_socket;
  std::unique_ptr<Listener> listener;
};

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
  // Opens the listeners; an error text, or empty.
  std::string Listen();
  // Runs the workers until Shutdown.
  void Run();

  const Settings& settings() const { return *parameters_.settings(); }
  Keyspace& keyspace() { return keyspace_; }
  Gate& gate() { return gate_; }
  const CommandTable& commands() const { return commands_; }
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
  void OnConnected(Session& session);
  void OnDisconnected(Session& session);
  // CLIENT PAUSE: whether one is on, and whether it holds this request back.
  bool IsPaused(uint64_t now_ms) const { return pause_until_ms_ > now_ms; }
  bool IsHeldBack(const Command* command, const Client& client) const;
  // Commands that take longer are for LogSlow.
  uint64_t SlowTicks() const;
  // Whether a batch of usual requests could take more memory than maxmemory: then each one that
  // may grow is looked at.
  bool IsNearLimit() const;
  // Evicts down to maxmemory; false when it cannot.
  bool MakeRoom(StoreContext& context);
  void CountBlocked(int change) { blocked_clients_.fetch_add(change, std::memory_order_relaxed); }
  void SendUnblock(ClientHandle to, std::string reply);
  // The same for one whose user may not do what it waits for any more.
  void RefuseWaiting(const std::shared_ptr<BlockedRequest>& waiter, Denial denial);
  // For the slow log and the latency monitor, each if it asks for it.
  void LogSlow(const Call& call, uint64_t spent_ticks);
  bool has_monitors() const { return monitors_.load(std::memory_order_relaxed) > 0; }
  void FeedMonitors(const Call& call);
  void OnTick();  // about ten times a second, on worker 0

  // ---- ClientHub ----
  void Send(ClientHandle to, std::shared_ptr<const std::string> bytes) override;
  void Close(ClientHandle who, bool after_output) override;
  void Kill(Client& client) override;
  bool Unblock(ClientHandle who, bool with_error) override;
  void ForEach(const std::function<void(Client&)>& f) override;
  std::string Describe(const Client& client) override;
  void Pause(uint64_t until_ms, bool only_writes) override;
  void Unpause() override;

  // ---- ServerControl ----
  std::string Info(std::span<const std::string_view> sections) override;
  void ResetStatistics() override;
  std::string RewriteConfig(bool all) override;
  void Shutdown() override;
  void SetMonitor(Client& client, bool on) override;
  std::string ApplyParameter(std::string_view name) override;
  size_t UsedMemoryBytes() override;
  MemoryReport Memory() override;
  std::vector<LatencyBucket> Latencies(const Command& command) override;
  int64_t LastSaveSeconds() override { return static_cast<int64_t>(started_ms_ / 1000); }
  std::string MemcacheStats(Arguments topic) override;
  void FlushAt(uint64_t at_ms) override;

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
  std::string Accept(Fd socket, std::vector<std::unique_ptr<Listener>>* listeners);
  std::string AddressText() const;
  std::string ApplyAddresses(std::string_view name);
  void TakeNewAddresses();
  // Opens the endpoints that are new and closes those that are gone; an error text, or empty.
  std::string ApplyEndpoints();
  void TakeNewEndpoints();
  void Place(Fd socket);
  void PlaceAdmin(Fd socket);
  // Removes what a client has stored in place of the discovery's item.
  void RestoreDiscoveryItem();
  Worker& NextWorker() { return *workers_[next_worker_++ % workers_.size()]; }
  std::string ApplyMaxClients();

  ParameterSet& parameters_;
  Protocol protocol_;
  std::string config_file_;
  Keyspace keyspace_;
  CommandTable commands_;
  CommandTable memcache_commands_;
  double ticks_per_us_;
  uint64_t started_ms_;
  std::string run_id_;
  std::string replication_id_;
  PubSub pubsub_;
  SlowLog slow_log_;
  AclRegistry acl_;
  Discovery discovery_;
  LatencyMonitor latency_;
  std::unique_ptr<ScriptRunner> scripts_;
  Services services_;
  Gate gate_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Listener>> listeners_;       // TCP; on worker 0
  std::vector<std::unique_ptr<Listener>> unix_listeners_;  // on worker 0
  std::unique_ptr<Listener> admin_listener_;               // on worker 0
  std::string admin_path_;                                 // absolute; empty: there is none
  std::vector<OpenEndpoint> endpoints_;                    // changed alone
  std::vector<std::unique_ptr<Listener>> old_endpoints_;   // worker 0 is to end them
  std::string listening_on_;                               // AddressText of listeners_
  std::vector<Fd> new_sockets_;  // take the place of listeners_ when worker 0 comes to it
  std::string new_listening_on_;
  size_t next_worker_ = 0;
  std::atomic<uint64_t> next_client_id_{1};
  std::atomic<int64_t> connected_clients_{0};
  std::atomic<int64_t> blocked_clients_{0};
  std::atomic<int> monitors_{0};
  std::atomic<uint64_t> rejected_connections_{0};
  size_t peak_memory_bytes_ = 0;
  size_t base_memory_bytes_ = 0;
  uint64_t pause_until_ms_ = 0;     // changed alone
  bool pause_only_writes_ = false;  // changed alone
  uint64_t flush_at_ms_ = 0;        // changed alone; 0: never
};

}  // namespace kiln

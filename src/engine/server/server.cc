#include "engine/server/server.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "base/time.h"
#include "engine/commands/call.h"
#include "engine/script/script_runner.h"
#include "engine/server/admission.h"
#include "engine/server/append_only.h"
#include "engine/server/background_save.h"
#include "engine/server/dispatcher.h"
#include "engine/server/persistence.h"
#include "engine/server/registry.h"
#include "engine/server/replication.h"
#include "engine/server/restrictions.h"
#include "engine/store/evict/evict.h"
#include "params/config_rewrite.h"

namespace kiln {
namespace {

size_t WorkerCount(const Settings& settings) {
  size_t cores = std::max(1u, std::thread::hardware_concurrency());
  if (settings.io_threads <= 0) return cores;
  return static_cast<size_t>(settings.io_threads);
}

constexpr char kTwoPlacesOfUsers[] =
    "Users are declared in the configuration file and in an ACL file (parameter aclfile): it must "
    "be one or the other.";

}  // namespace

Server::Server(ParameterSet& parameters, Protocol protocol, std::string config_file)
    : parameters_(parameters),
      protocol_(protocol),
      config_file_(std::move(config_file)),
      keyspace_(static_cast<int>(parameters.settings()->databases)),
      commands_(CommandGroups(), CommandTable::Case::kAny),
      memcache_commands_(MemcacheCommandGroups(), CommandTable::Case::kExact),
      ticks_per_us_(MeasureTicksPerUs()),
      started_ms_(static_cast<uint64_t>(NowMs())),
      run_id_(NewReplicationId()),
      pubsub_(*this),
      acl_(commands_, settings(), *this),
      journal_probe_(*this),
      gate_(WorkerCount(*parameters.settings()), WorkerCount(*parameters.settings()) + 1) {
  services_.commands = &commands_;
  services_.access = &acl_;
  services_.clients = this;
  services_.server = this;
  services_.parameters = &parameters_;
  services_.pubsub = &pubsub_;
  services_.slowlog = &slow_log_;
  services_.discovery = &discovery_;
  services_.memcache_log = &memcache_log_;
  services_.memcache_users = &memcache_users_;
  services_.debug = &debug_;
  if (!settings().memcache.discovery.empty())
    discovery_.Set("cluster", 0, settings().memcache.discovery);
  memcache_log_.prefixes().SetDelimiter(settings().memcache.prefix_delimiter);
  memcache_log_.SetCounting(settings().memcache.is_detail_on);
  memcache_log_.SetEvents(settings().notify_keyspace_events != 0);
  services_.latency = &latency_;
  services_.migrate_links = &migrate_links_;
  services_.journal_probe = &journal_probe_;
  scripts_ = MakeScriptRunner(services_);
  services_.scripts = scripts_.get();
  persistence_ = std::make_unique<Persistence>(*this);
  services_.persistence = persistence_.get();
  background_save_ = std::make_unique<BackgroundSave>(*this);
  append_only_ = std::make_unique<AppendOnly>(*this);
  replication_ = std::make_unique<Replication>(*this);
  services_.replication = replication_.get();
  size_t workers = WorkerCount(settings());
  for (size_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, static_cast<uint32_t>(i)));
  }
  parameters_.OnChange([this](const Parameter& row) { return ApplyParameter(row.name); });
  gate_.SetServe([this](size_t slot) { workers_[slot]->ServeWhileBusy(); });
  base_memory_bytes_ = AllocatedBytes();
}

// The end of the process frees all keys faster than we could; a leak checker, though, shall only
// see what nobody owned.
Server::~Server() {
  if constexpr (!kIsDebugBuild) return;
  StoreContext& context = workers_[0]->context();
  for (int db = 0; db < keyspace_.databases(); ++db) keyspace_.Flush(db, false, context);
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    size_t budget = ~size_t{0};
    keyspace_.FreeFlushed(shard, &budget, context);
  }
}

std::string Server::RenameCommands() {
  for (const RenamedCommand& renamed : settings().renamed_commands) {
    switch (commands_.Rename(renamed.name, renamed.new_name)) {
      case CommandTable::Renaming::kDone:
        break;
      case CommandTable::Renaming::kUnknown:
        return "No such command in rename-command: " + renamed.name;
      case CommandTable::Renaming::kTaken:
        return "Target command name already exists: " + renamed.new_name;
    }
  }
  if (settings().managed_node) commands_.Restrict(ManagedRestrictions());
  memcache_commands_.Restrict(MemcacheRestrictions());
  return {};
}

std::string Server::LoadUsers() {
  acl_.SetDefaultPassword(settings().requirepass);
  std::string error = settings().aclfile.empty() ? acl_.AddConfigured(settings().users)
                      : settings().users.empty() ? acl_.LoadFile(nullptr)
                                                 : kTwoPlacesOfUsers;
  return error.empty() ? CheckMemcacheRights() : error;
}

// Of a file for both protocols; SASL's may come from where memcached's own look for them.
std::string Server::LoadMemcacheUsers() {
  const MemcacheSettings& memcache = settings().memcache;
  const char* sasl_file = std::getenv("MEMCACHED_SASL_PWDB");
  std::string path = memcache.auth_file;
  if (path.empty() && !memcache.sasl_enabled) return {};
  if (path.empty() && sasl_file != nullptr) path = sasl_file;
  if (path.empty()) return "SASL needs its users: a file of MEMCACHED_SASL_PWDB, or of -Y";
  return memcache_users_.Load(path);
}

void Server::Run() {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < workers_.size(); ++i)
    threads.emplace_back([this, i] { workers_[i]->Run(); });
  workers_[0]->Run();
  for (std::thread& thread : threads) thread.join();
  persistence_->EndLoading();
  for (auto& worker : workers_) worker->DropFeeds();  // who saves for replicas is not to wait
  background_save_->Stop();
  replication_->Stop();
  append_only_->Close();
  // Whoever sees its connection end finds nobody to connect to.
  listeners_.clear();
  memcache_listeners_.clear();
  unix_listeners_.clear();
  endpoints_.clear();
  old_endpoints_.clear();
  // In this order a server that starts meanwhile keeps the socket it has made.
  if (!admin_path_.empty()) unlink(admin_path_.c_str());
  admin_listener_.reset();
  for (auto& worker : workers_) worker->DropSessions();
}

void Server::Shutdown() {
  for (auto& worker : workers_) worker->loop().Stop();
}

void Server::OnStopSignal(int signal) {
  persistence_->OnStopSignal(signal);
}

bool Server::LoadDatabases() {
  if (!persistence_->Load()) return false;
  if (protocol_ == Protocol::kRedis && !persistence_->is_loading())
    replication_->Start(persistence_->place());
  return true;
}

int Server::exit_status() const {
  return persistence_->has_failed_to_load() ? 1 : 0;
}

uint64_t Server::CountChanges() {
  uint64_t changes = 0;
  for (auto& worker : workers_) changes += worker->context().stats.changes;
  return changes;
}

void Server::ShutdownGracefully() {
  keeps_items_.store(true, std::memory_order_relaxed);
  Shutdown();
}

// ---- Connections ----

bool Server::IsFull() const {
  return connected_clients_.load(std::memory_order_relaxed) >= settings().maxclients;
}

void Server::Place(Fd socket, bool is_memcache) {
  if (IsFull()) {
    rejected_connections_.fetch_add(1, std::memory_order_relaxed);
    std::string_view full = is_memcache ? "ERROR Too many open connections\r\n"
                                        : "-ERR max number of clients reached\r\n";
    (void)!::send(socket.get(), full.data(), full.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  connected_clients_.fetch_add(1, std::memory_order_relaxed);
  SetNoDelay(socket.get());
  if (settings().tcp_keepalive_s > 0)
    SetKeepAlive(socket.get(), static_cast<int>(settings().tcp_keepalive_s));
  NextWorker().TakeConnection(std::move(socket), {is_memcache, false});
}

// Who has the admin socket is let in even where the limit of clients keeps others out, and does not
// count among them.
void Server::PlaceAdmin(Fd socket) {
  NextWorker().TakeConnection(std::move(socket), {protocol_ == Protocol::kMemcache, true});
}

void Server::OnConnected(Session& session) {
  const Client& client = session.client();
  if (protocol_ == Protocol::kRedis && client.is_memcache && !client.authenticated) {
    session.Send(kMayNot);
    return session.CloseAfterOutput();
  }
  bool open_to_all = settings().protected_mode && acl_.DefaultHasNoPassword() && !client.is_local;
  if (!open_to_all) return;
  if (client.is_memcache) {
    session.Send(
        "SERVER_ERROR protected mode: connections are only accepted from this machine\r\n");
    return session.CloseAfterOutput();
  }
  session.Send(
      "-DENIED Redis is running in protected mode because protected mode is enabled and no "
      "password is set for "
      "the default user. In this mode connections are only accepted from the loopback interface. "
      "If you want to "
      "connect from external computers, set a password with 'CONFIG SET requirepass', or disable "
      "protected mode "
      "with 'CONFIG SET protected-mode no' sent from the same host.\r\n");
  session.CloseAfterOutput();
}

void Server::OnDisconnected(Session& session) {
  Client& client = session.client();
  if (!client.is_admin) connected_clients_.fetch_sub(1, std::memory_order_relaxed);
  SetMonitor(client, false);
  for (const std::string& name : client.subscriptions.channels)
    pubsub_.Unsubscribe(PubSub::Kind::kChannel, name, client);
  for (const std::string& name : client.subscriptions.patterns)
    pubsub_.Unsubscribe(PubSub::Kind::kPattern, name, client);
  for (const std::string& name : client.subscriptions.shard_channels)
    pubsub_.Unsubscribe(PubSub::Kind::kShard, name, client);
}

// ---- For dispatchers ----

bool Server::IsNearLimit() const {
  constexpr size_t kBatchGrowth = size_t{2} << 20;  // what a batch of usual requests may add
  size_t limit = MemoryLimit();
  return limit > 0 && AllocatedBytes() + kBatchGrowth > limit;
}

// memcached's -m bounds items: their pages, holes included, and the index, but not what an empty
// server takes.
size_t Server::MemoryLimit() const {
  auto limit = static_cast<size_t>(settings().maxmemory_bytes);
  if (limit == 0) return limit;
  // What replicas have not taken yet is no reason to evict: deletions would make it more.
  size_t journal_bytes = journal_.memory_bytes();
  auto backlog_bytes = static_cast<size_t>(settings().repl_backlog_bytes);
  if (protocol_ == Protocol::kRedis)
    return limit + (journal_bytes - std::min(journal_bytes, backlog_bytes));
  return limit - std::min(RecordPagePool().slack_bytes(), limit / 2) + base_memory_bytes_;
}

bool Server::MakeRoom(StoreContext& context) {
  size_t limit = MemoryLimit();
  if (limit == 0 || AllocatedBytes() <= limit || IsPaused(context.now_ms)) return true;
  if (replication_->IsReplica() && settings().replica_ignore_maxmemory) return true;
  if (persistence_->is_loading()) return true;
  return EvictToLimit(keyspace_, context, limit);
}

void Server::SendUnblock(ClientHandle to, std::string reply) {
  Worker* worker = workers_[to.worker].get();
  worker->loop().mailbox().Post([worker, id = to.id, reply = std::move(reply)] {
    if (Session* session = worker->Find(id)) session->Unblock(reply);
  });
}

void Server::RefuseWaiting(const std::shared_ptr<BlockedRequest>& waiter, Denial denial) {
  Worker* worker = workers_[waiter->client.worker].get();
  worker->loop().mailbox().Post([this, worker, waiter, denial] {
    Session* session = worker->Find(waiter->client.id);
    if (session == nullptr || session->client().is_killed) return;
    std::vector<std::string_view> arguments(waiter->arguments.begin(), waiter->arguments.end());
    std::string text = acl_.Refuse(session->client(), *waiter->command, arguments, denial,
                                   DenialContext::kTopLevel);
    session->Unblock("-NOPERM " + text + "\r\n");
  });
}

uint64_t Server::SlowTicks() const {
  constexpr int64_t kNeverUs = int64_t{1} << 52;  // More is as good as never, and fits into ticks.
  int64_t slow_us = std::min(settings().slowlog_log_slower_than_us, kNeverUs);
  int64_t latency_us = std::min(settings().latency_monitor_threshold_ms, kNeverUs / 1000) * 1000;
  if (latency_us > 0) slow_us = slow_us < 0 ? latency_us : std::min(slow_us, latency_us);
  return slow_us < 0 ? ~uint64_t{0}
                     : static_cast<uint64_t>(static_cast<double>(slow_us) * ticks_per_us_) + 1;
}

void Server::LogSlow(const Call& call, uint64_t spent_ticks) {
  if (call.client.is_blocked && !call.is_retry) return;  // it is logged when its wait is over
  auto duration_us = static_cast<int64_t>(static_cast<double>(spent_ticks) / ticks_per_us_);
  auto now_s = static_cast<int64_t>(call.now_ms() / 1000);
  int64_t latency_ms = settings().latency_monitor_threshold_ms;
  if (latency_ms > 0 && duration_us / 1000 >= latency_ms) {
    latency_.Add(call.command.Is(kFast) ? "fast-command" : "command", duration_us / 1000, now_s);
  }
  int64_t slow_us = settings().slowlog_log_slower_than_us;
  if (slow_us < 0 || duration_us < slow_us || call.command.Is(kSkipSlowlog)) return;
  std::vector<std::string_view> arguments(call.args.all().begin(), call.args.all().end());
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (call.IsHidden(i)) arguments[i] = "(redacted)";
  }
  slow_log_.Add(arguments, duration_us, now_s, call.client.address, call.client.name,
                static_cast<size_t>(settings().slowlog_max_len));
}

void Server::FlushAt(uint64_t at_ms) {
  flush_at_ms_ = at_ms > static_cast<uint64_t>(NowMs()) ? at_ms : 0;
  if (flush_at_ms_ != 0) return;
  StoreContext& context = workers_[0]->context();
  keyspace_.Flush(0, false, context);
  if (context.journal != nullptr) context.journal->Replay(0, {"FLUSHDB"});
}

void Server::OnTick() {
  if (flush_at_ms_ != 0 && workers_[0]->context().now_ms >= flush_at_ms_) {
    gate_.Exclusive(0, [&] { FlushAt(0); });
  }
  if (!is_cron_paused_) {
    TidyTracking();
    unevictable_bytes_ = 0;  // somebody may have said NO-EVICT OFF
    workers_[0]->LimitClients();
  }
  if (must_load_memcache_users_.exchange(false)) {
    if (std::string error = LoadMemcacheUsers(); !error.empty()) Log(LogLevel::kWarning, error);
  }
  RestoreDiscoveryItem();
  if (!is_cron_paused_) {
    persistence_->OnTick();
    append_only_->OnTick();
    replication_->OnTick();
  }
  migrate_links_.CloseIdle();
  peak_memory_bytes_ = std::max(peak_memory_bytes_, UsedMemoryBytes());
  (void)MakeRoom(workers_[0]->context());  // output that is not read grows without commands that do
}

// Works harder from one time to the next while the table stays too big, as Redis does.
void Server::TidyTracking() {
  if (!tracking_.is_on) return;
  if (!HasTrackers()) {
    gate_.Exclusive(0, [&] {
      if (HasTrackers()) return;
      tracking_.is_on = false;
      tracking_.table.Clear();
      for (size_t i = 0; i < kShardCount; ++i) keyspace_.shard(i).SetTracked(false);
    });
    return;
  }
  constexpr size_t kEffort = 100;
  workers_[0]->tracker().LimitTable(kEffort * (tracking_.limit_misses + 1));
  auto limit = static_cast<size_t>(settings().tracking_table_max_keys);
  bool is_over = limit > 0 && tracking_.table.keys() > limit;
  tracking_.limit_misses = is_over ? tracking_.limit_misses + 1 : 0;
}

size_t Server::CountTrackedPrefixes() {
  std::set<std::string_view> all;
  for (auto& worker : workers_)
    worker->tracker().ForEachPrefix([&](const std::string& prefix) { all.insert(prefix); });
  return all.size();
}

void Server::RestoreDiscoveryItem() {
  if (discovery_.Item() == nullptr) return;
  Key key = HashKey(Discovery::kItemKey);
  ShardLock& lock = keyspace_.shard(key.shard()).lock;
  lock.Lock();
  StoreContext& context = workers_[0]->context();
  bool has_gone = Db(keyspace_, 0, context).Delete(key);
  if (has_gone && context.journal != nullptr) context.journal->Replay(0, {"DEL", key.text});
  lock.Unlock();
}

size_t Server::UsedMemoryBytes() {
  return AllocatedBytes();
}

void Server::OnKeyEvent(EventClass, std::string_view event, std::string_view key, int db) {
  std::string index = std::to_string(db);
  if (settings().notify_keyspace_events & kEventKeyspace) {
    pubsub_.Publish("__keyspace@" + index + "__:" + std::string(key), event);
  }
  if (settings().notify_keyspace_events & kEventKeyevent) {
    pubsub_.Publish("__keyevent@" + index + "__:" + std::string(event), key);
  }
}

std::string Server::ApplyParameter(std::string_view name) {
  if (name == "port" || name == "bind") return ApplyAddresses(name);
  if (name == "endpoints") return ApplyEndpoints();
  if (name == "maxclients") return ApplyMaxClients();
  if (name == "proc-title-template") return ApplyTitle();
  if (name.starts_with("oom-score-adj")) return ApplyOomScore();
  if (name == "notify-keyspace-events")
    memcache_log_.SetEvents(settings().notify_keyspace_events != 0);
  if (name == "requirepass") acl_.SetDefaultPassword(settings().requirepass);
  if (name.starts_with("maxmemory")) EvictClients();
  bool is_appending = name.starts_with("append") || name.starts_with("aof-");
  if (is_appending || name == "save" || name == "stop-writes-on-bgsave-error" ||
      name.starts_with("shutdown-on-")) {
    persistence_->OnSettings();
  }
  if (is_appending) {
    if (std::string error = append_only_->OnSettings(); !error.empty()) return error;
  }
  if (name.starts_with("min-replicas-") || name.starts_with("replica-") ||
      name.starts_with("durability") || name == "availability-zone" || name == "appendonly" ||
      name == "requires-lease") {
    replication_->OnSettings();
  }
  if (name == "repl-backlog-size") UpdateJournaling();
  if (name == "loglevel") SetLogLevel(settings().loglevel);
  if (name == "dir" && chdir(settings().dir.c_str()) != 0) return std::strerror(errno);
  if (name == "maxmemory" && !MakeRoom(workers_[0]->context())) {
    Log(LogLevel::kWarning, "The new maxmemory value is smaller than the current memory usage");
  }
  return {};
}

std::string Server::RewriteConfig(bool all) {
  if (config_file_.empty()) return "The server is running without a config file";
  std::string error = RewriteConfigFile(config_file_, parameters_, acl_.ConfigLines(), all);
  if (!error.empty()) return "Rewriting config file: " + error;
  return {};
}

void Server::ChangeReplicationId() {
  replication_->ChangeId();
}

void Server::ResetStatistics() {
  rejected_connections_ = 0;
  times_full_ = 0;
  replication_->links().ResetCounts();
  memcache_log_.prefixes().Clear();
  peak_memory_bytes_ = UsedMemoryBytes();
  for (auto& worker : workers_) {
    worker->stats() = WorkerStats{};
    worker->rates() = WorkerRates{};
    worker->context().stats = StoreStats{.changes = worker->context().stats.changes};
    worker->context().reclaimer.ForgetFreed();
    worker->errors().clear();
    worker->memcache_counters() = MemcacheCounters{};
    for (CommandStats& stats : worker->command_stats()) stats = CommandStats{};
  }
}

}  // namespace kiln

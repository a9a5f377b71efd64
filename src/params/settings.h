// The parameters' values as the engine reads them: typed, with units in the names.
//
// Filled by a ParameterSet and by nothing else; a field here is named by exactly one row of the
// tables. Threads: no locks. Whoever changes a setting while the server runs keeps readers out
// (CONFIG SET runs alone). Fields whose row is marked kNoEffect are kept for the feature to come,
// and read by nobody yet.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "params/eviction_policy.h"

namespace kiln {

// Who may use a dangerous command. In the order of the words "no,yes,local".
enum class Permission : uint8_t { kNobody, kEveryone, kLocalClients };

// When the append-only file is synced. In the order of the words "everysec,always,no".
enum class SyncPolicy : uint8_t { kEverySecond, kAlways, kNever };

// Whether a replica loads what its primary sends without a file between: in the order of the words
// "disabled,on-empty-db,swapdb". kBeside: while it serves the old data.
enum class DisklessLoad : uint8_t { kNever, kWhenEmpty, kBeside };

// When a write is acknowledged. In the order of the words "disabled,async,sync".
enum class Durability : uint8_t { kDisabled, kAsync, kSync };

// The channels a new user may use. In the order of the words "allchannels,resetchannels".
enum class ChannelDefault : uint8_t { kAllChannels, kResetChannels };

// Saves when at least `changes` happened and `seconds` passed.
struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
};

// A client is closed when its output passes the hard limit, or stays above the soft limit for the
// seconds. 0: none.
struct OutputLimit {
  int64_t hard_bytes = 0;
  int64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
};

// Indexes into Settings::output_limits.
enum ClientClass : uint8_t { kNormalClient, kReplicaClient, kPubSubClient, kClientClasses };

// Bits of Settings::shutdown_on_sigint and shutdown_on_sigterm; none: save when there are save
// points.
enum ShutdownFlag : uint32_t {
  kShutdownSave = 1 << 1,
  kShutdownNoSave = 1 << 2,
  kShutdownNow = 1 << 3,
  kShutdownForce = 1 << 4,
};

struct RenamedCommand {
  std::string name;
  std::string new_name;  // Empty: the command is taken away.
};

// The protocols that memcached's connections may speak (-B).
enum class MemcacheDialect : uint8_t { kAny, kText, kBinary };

// Where to listen: an address as in Settings::bind, or a name; port 0 is any that is free.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

// What only memcached has. Filled from its command line (params/memcached_options.h), not by rows.
struct MemcacheSettings {
  int64_t max_item_bytes = 1 << 20;
  bool has_cas = true;
  bool flush_enabled = true;
  bool shutdown_enabled = false;
  bool dump_enabled = true;      // listing items' keys
  bool watch_enabled = true;     // "watch"
  bool closes_when_full = true;  // clients above the limit; otherwise they wait
  bool is_detail_on = false;     // counts what is asked for by the prefix of keys, from the start
  char prefix_delimiter = ':';   // ends such a prefix
  bool sasl_enabled = false;     // -S
  std::string auth_file;         // -Y; empty: none
  MemcacheDialect dialect = MemcacheDialect::kAny;
  bool locks_memory = false;      // -k
  int64_t requests_per_turn = 0;  // of a connection, before others get theirs; 0: as many as usual
  std::string interfaces;         // -l as it was given
  std::vector<ListenAddress> listeners;
  bool keeps_frequent = false;  // evicts by how often items are read, not only how long ago
  std::string memory_file;      // What the items outlive a restart in; empty: they do not.
  uint32_t verbosity = 0;       // said back by "stats settings"
  // More lines of "stats settings", by name: what was asked for and has no other effect.
  std::map<std::string, std::string, std::less<>> told;
  std::string discovery;  // What "config get cluster" answers from the start; empty: nothing.
};

struct Settings {
  MemcacheSettings memcache;

  // Network.
  std::vector<std::string> bind;  // A leading '-' means: fine if not there.
  int64_t port = 0;
  std::vector<std::string> memcached_bind;  // As `bind`; empty: the same addresses.
  int64_t memcached_port = 0;               // Of memcached's protocols, over database 0; 0: none.
  bool protected_mode = false;
  int64_t tcp_backlog = 0;
  int64_t tcp_keepalive_s = 0;
  int64_t timeout_s = 0;  // Of idle clients; 0: never.
  std::string unixsocket;
  int64_t unixsocketperm = 0;          // Mode bits; 0: as the umask has it.
  std::string admin_socket;            // Path; empty: none.
  std::vector<std::string> endpoints;  // "address:port" (params/endpoint.h).

  // Clients.
  std::array<OutputLimit, kClientClasses> output_limits;
  int64_t client_query_buffer_limit_bytes = 0;
  int64_t maxclients = 0;
  int64_t maxmemory_clients_bytes = 0;  // Negative: percent of maxmemory. 0: no limit.
  uint32_t notify_keyspace_events = 0;  // Bits of EventClass.
  int64_t proto_max_bulk_len_bytes = 0;
  int64_t tracking_table_max_keys = 0;  // 0: no limit.

  // Memory.
  bool lazyfree_lazy_eviction = false;
  bool lazyfree_lazy_expire = false;
  bool lazyfree_lazy_server_del = false;
  bool lazyfree_lazy_user_del = false;
  bool lazyfree_lazy_user_flush = false;
  int64_t active_expire_effort = 0;
  int64_t databases = 0;
  int64_t hz = 0;
  int64_t lfu_decay_time_min = 0;
  int64_t lfu_log_factor = 0;
  int64_t maxmemory_bytes = 0;  // 0: no limit.
  int64_t maxmemory_eviction_tenacity = 0;
  EvictionPolicy maxmemory_policy = EvictionPolicy::kNoEviction;
  int64_t maxmemory_samples = 0;

  // Encodings: up to these limits a value stays in its compact form.
  int64_t hash_max_listpack_entries = 0;
  int64_t hash_max_listpack_value_bytes = 0;
  int64_t hll_sparse_max_bytes = 0;
  int64_t list_compress_depth = 0;
  int64_t list_max_listpack_size = 0;  // Positive: entries. -1 ... -5: 4, 8, 16, 32, 64 KiB.
  int64_t set_max_intset_entries = 0;
  int64_t set_max_listpack_entries = 0;
  int64_t set_max_listpack_value_bytes = 0;
  int64_t stream_node_max_bytes = 0;
  int64_t stream_node_max_entries = 0;
  int64_t zset_max_listpack_entries = 0;
  int64_t zset_max_listpack_value_bytes = 0;

  // Persistence.
  bool aof_load_truncated = false;
  std::string appenddirname;
  std::string appendfilename;
  SyncPolicy appendfsync = SyncPolicy::kEverySecond;
  bool appendonly = false;
  std::string at_rest_key_command;
  std::string at_rest_key_file;  // Empty, as is the command: files are written plain.
  std::string at_rest_old_key_file;
  int64_t auto_aof_rewrite_min_bytes = 0;
  int64_t auto_aof_rewrite_percentage = 0;
  std::string dbfilename;
  std::string dir;                // Absolute.
  int64_t key_load_delay_us = 0;  // Negative: each key waits for a fraction of one.
  int64_t loading_interval_bytes = 0;
  bool rdb_checksum = false;
  bool rdb_compression = false;
  int64_t rdb_key_save_delay_us = 0;
  bool rdb_save_incremental_fsync = false;
  std::vector<SavePoint> save;
  bool stop_writes_on_bgsave_error = false;

  // Replication and cluster.
  bool cluster_enabled = false;
  std::string availability_zone;  // Empty: unknown, as any other.
  Durability durability = Durability::kDisabled;
  int64_t durability_max_lag_s = 0;
  bool requires_lease = false;
  std::string masterauth;
  std::string masteruser;
  int64_t min_replicas_max_lag_s = 0;
  int64_t min_replicas_to_write = 0;  // 0: any number, none too.
  int64_t repl_backlog_bytes = 0;
  int64_t repl_backlog_ttl_s = 0;  // 0: for good.
  bool repl_disable_tcp_nodelay = false;
  DisklessLoad repl_diskless_load = DisklessLoad::kNever;
  int64_t repl_diskless_sync_delay_s = 0;
  int64_t repl_diskless_sync_max_replicas = 0;  // 0: none.
  int64_t repl_ping_replica_period_s = 0;
  int64_t repl_timeout_s = 0;
  std::string replica_announce_ip;    // Empty: the real one.
  int64_t replica_announce_port = 0;  // 0: the real one.
  bool replica_announced = false;
  bool replica_ignore_maxmemory = false;
  int64_t replica_priority = 0;
  bool replica_read_only = false;
  bool replica_serve_stale_data = false;
  std::string replicaof;  // "host port"; empty: a primary. Of the start; then it is REPLICAOF's.

  // Security.
  std::string aclfile;
  int64_t acllog_max_len = 0;
  ChannelDefault acl_pubsub_default = ChannelDefault::kResetChannels;
  Permission enable_debug_command = Permission::kNobody;
  Permission enable_module_command = Permission::kNobody;
  Permission enable_protected_configs = Permission::kNobody;
  bool managed_node = false;
  std::string requirepass;

  // Scripts.
  int64_t busy_reply_threshold_ms = 0;

  // Monitoring.
  int64_t latency_monitor_threshold_ms = 0;  // 0: off.
  bool latency_tracking = false;
  std::vector<double> latency_tracking_percentiles;
  int64_t slowlog_log_slower_than_us = 0;  // Negative: nothing.
  int64_t slowlog_max_len = 0;

  // The process.
  bool daemonize = false;
  int64_t io_threads = 0;
  std::string logfile;  // Empty: standard output.
  LogLevel loglevel = LogLevel::kNotice;
  std::string pidfile;
  uint32_t shutdown_on_sigint = 0;  // Bits of ShutdownFlag.
  uint32_t shutdown_on_sigterm = 0;
  int64_t shutdown_timeout_s = 0;

  // Directives that are not parameters: they stand in the file only.
  std::vector<RenamedCommand> renamed_commands;
  std::vector<std::vector<std::string>> users;  // The words after "user".
};

}  // namespace kiln

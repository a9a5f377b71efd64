// Primaries and replicas.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                              alias                     type            initial     allowed                           apply          flags                   member                                       help
  {"availability-zone",               "",                       ParameterType::kString,  "",         "",                               Apply::kNow,   kHidden,                &Settings::availability_zone,                "Name of the failure domain that the server is in; its primary is told."},
  {"durability",                      "",                       ParameterType::kEnum,    "disabled", "disabled,async,sync",            Apply::kNow,   kHidden,                &Settings::durability,                       "When writes are acknowledged: at once; at once, as long as replicas are not too late; or when a replica elsewhere or the append-only file has them."},
  {"durability-max-lag",              "",                       ParameterType::kInt,     "10",       "1..int",                         Apply::kNow,   kHidden,                &Settings::durability_max_lag_s,             "Seconds that all replicas may be behind before durability async refuses writes."},
  {"masterauth",                       "",                       ParameterType::kString,  "",         "",                               Apply::kNow,   kSensitive,             &Settings::masterauth,                       "Password for the primary."},
  {"masteruser",                       "",                       ParameterType::kString,  "",         "",                               Apply::kNow,   kSensitive,             &Settings::masteruser,                       "User name for the primary."},
  {"min-replicas-max-lag",             "min-slaves-max-lag",     ParameterType::kInt,     "10",       "0..int",                         Apply::kNow,   0,                      &Settings::min_replicas_max_lag_s,           "Seconds of silence after which a replica does not count."},
  {"min-replicas-to-write",            "min-slaves-to-write",    ParameterType::kInt,     "0",        "0..int",                         Apply::kNow,   0,                      &Settings::min_replicas_to_write,            "Refuse writes with fewer replicas."},
  {"propagation-error-behavior",       "",                       ParameterType::kEnum,    "ignore",   "ignore,panic,panic-on-replicas", Apply::kNow,   kNoEffect,              {},                                          "What to do when a replicated command fails."},
  {"repl-backlog-size",                "",                       ParameterType::kBytes,   "1048576",  "1..long",                        Apply::kNow,   0,                      &Settings::repl_backlog_bytes,               "Bytes of changes kept for replicas that come back."},
  {"repl-backlog-ttl",                 "",                       ParameterType::kInt,     "3600",     "0..long",                        Apply::kNow,   0,                      &Settings::repl_backlog_ttl_s,               "Seconds without replicas after which these changes are forgotten."},
  {"repl-disable-tcp-nodelay",         "",                       ParameterType::kBool,    "no",       "",                               Apply::kNow,   0,                      &Settings::repl_disable_tcp_nodelay,         "Send to replicas in fewer, later packets."},
  {"repl-diskless-load",               "",                       ParameterType::kEnum,    "disabled", "disabled,on-empty-db,swapdb",    Apply::kNow,   0,                      &Settings::repl_diskless_load,               "Load a primary's snapshot without a file."},
  {"repl-diskless-sync",               "",                       ParameterType::kBool,    "yes",      "",                               Apply::kNow,   kNoEffect,              {},                                          "Send snapshots to replicas without a file."},
  {"repl-diskless-sync-delay",         "",                       ParameterType::kInt,     "5",        "0..int",                         Apply::kNow,   0,                      &Settings::repl_diskless_sync_delay_s,       "Seconds to wait for more replicas before sending one."},
  {"repl-diskless-sync-max-replicas",  "",                       ParameterType::kInt,     "0",        "0..int",                         Apply::kNow,   0,                      &Settings::repl_diskless_sync_max_replicas,  "Replicas at which to stop waiting; 0 waits the full time."},
  {"repl-ping-replica-period",         "repl-ping-slave-period", ParameterType::kInt,     "10",       "1..int",                         Apply::kNow,   0,                      &Settings::repl_ping_replica_period_s,       "Seconds between pings to replicas."},
  {"repl-timeout",                     "",                       ParameterType::kInt,     "60",       "1..int",                         Apply::kNow,   0,                      &Settings::repl_timeout_s,                   "Seconds of silence after which a replication link is dropped."},
  {"replica-announce-ip",              "slave-announce-ip",      ParameterType::kString,  "",         "",                               Apply::kNow,   0,                      &Settings::replica_announce_ip,              "Address a replica gives to others as its own."},
  {"replica-announce-port",            "slave-announce-port",    ParameterType::kInt,     "0",        "0..65535",                       Apply::kNow,   0,                      &Settings::replica_announce_port,            "Port a replica gives to others as its own; 0 gives the real one."},
  {"replica-announced",                "",                       ParameterType::kBool,    "yes",      "",                               Apply::kNow,   0,                      &Settings::replica_announced,                "Let sentinels see this replica."},
  {"replica-ignore-disk-write-errors", "",                       ParameterType::kBool,    "no",       "",                               Apply::kNow,   kNoEffect,              {},                                          "Let a replica go on when it cannot write to its disk."},
  {"replica-ignore-maxmemory",         "slave-ignore-maxmemory", ParameterType::kBool,    "yes",      "",                               Apply::kNow,   0,                      &Settings::replica_ignore_maxmemory,         "Let only the primary evict."},
  {"replica-lazy-flush",               "slave-lazy-flush",       ParameterType::kBool,    "no",       "",                               Apply::kNow,   kNoEffect,              {},                                          "Free a replica's old data in the background."},
  {"replica-priority",                 "slave-priority",         ParameterType::kInt,     "100",      "0..int",                         Apply::kNow,   0,                      &Settings::replica_priority,                 "Rank for promotion by sentinels, lowest first; 0 is never promoted."},
  {"replica-read-only",                "slave-read-only",        ParameterType::kBool,    "yes",      "",                               Apply::kNow,   0,                      &Settings::replica_read_only,                "Refuse writes from a replica's clients."},
  {"replica-serve-stale-data",         "slave-serve-stale-data", ParameterType::kBool,    "yes",      "",                               Apply::kNow,   0,                      &Settings::replica_serve_stale_data,         "Answer reads while the link to the primary is down."},
  {"replicaof",                        "slaveof",                ParameterType::kPrimary, "",         "",                               Apply::kStart, kMultiWord,             &Settings::replicaof,                        "Host and port of the primary."},
  {"requires-lease",                  "",                       ParameterType::kBool,    "no",       "",                               Apply::kNow,   kHidden,                &Settings::requires_lease,                   "Acknowledge writes only while somebody renews the lease (KILN LEASE)."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> ReplicationParameters() {
  return kRows;
}

}  // namespace kiln

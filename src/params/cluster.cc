// Cluster mode.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                                 alias                            type           initial       allowed                         apply          flags                member                      help
  {"cluster-allow-pubsubshard-when-down", "",                              ParameterType::kBool,   "yes",        "",                             Apply::kNow,   kNoEffect,           {},                         "Keep sharded channels open while the cluster is down."},
  {"cluster-allow-reads-when-down",       "",                              ParameterType::kBool,   "no",         "",                             Apply::kNow,   kNoEffect,           {},                         "Answer reads while the cluster is down."},
  {"cluster-allow-replica-migration",     "",                              ParameterType::kBool,   "yes",        "",                             Apply::kNow,   kNoEffect,           {},                         "Let spare replicas move to primaries without one."},
  {"cluster-announce-bus-port",           "",                              ParameterType::kInt,    "0",          "0..65535",                     Apply::kNow,   kNoEffect,           {},                         "Bus port given to other nodes; 0 gives the real one."},
  {"cluster-announce-hostname",           "",                              ParameterType::kString, "",           "",                             Apply::kNow,   kNoEffect,           {},                         "Host name given to clients."},
  {"cluster-announce-human-nodename",     "",                              ParameterType::kString, "",           "",                             Apply::kNow,   kNoEffect,           {},                         "Name of the node in logs."},
  {"cluster-announce-ip",                 "",                              ParameterType::kString, "",           "",                             Apply::kNow,   kNoEffect,           {},                         "Address given to other nodes."},
  {"cluster-announce-port",               "",                              ParameterType::kInt,    "0",          "0..65535",                     Apply::kNow,   kNoEffect,           {},                         "Port given to other nodes; 0 gives the real one."},
  {"cluster-announce-tls-port",           "",                              ParameterType::kInt,    "0",          "0..65535",                     Apply::kNow,   kNoEffect,           {},                         "TLS port given to other nodes; 0 gives the real one."},
  {"cluster-config-file",                 "",                              ParameterType::kString, "nodes.conf", "",                             Apply::kStart, kNoEffect,           {},                         "File in which the node keeps its view of the cluster."},
  {"cluster-enabled",                     "",                              ParameterType::kBool,   "no",         "",                             Apply::kStart, kNoEffect,           &Settings::cluster_enabled, "Be a node of a cluster."},
  {"cluster-link-sendbuf-limit",          "",                              ParameterType::kBytes,  "0",          "0..long",                      Apply::kNow,   kNoEffect,           {},                         "Bytes that may wait on a link between nodes; 0 sets no limit."},
  {"cluster-migration-barrier",           "",                              ParameterType::kInt,    "1",          "0..int",                       Apply::kNow,   kNoEffect,           {},                         "Replicas a primary keeps before one may move away."},
  {"cluster-node-timeout",                "",                              ParameterType::kInt,    "15000",      "0..long",                      Apply::kNow,   kNoEffect,           {},                         "Milliseconds of silence after which a node is thought to be down."},
  {"cluster-ping-interval",               "",                              ParameterType::kInt,    "0",          "0..long",                      Apply::kNow,   kHidden | kNoEffect, {},                         "Milliseconds between pings to other nodes."},
  {"cluster-port",                        "",                              ParameterType::kInt,    "0",          "0..65535",                     Apply::kStart, kNoEffect,           {},                         "Port of the cluster bus; 0 is the client port plus 10000."},
  {"cluster-preferred-endpoint-type",     "",                              ParameterType::kEnum,   "ip",         "ip,hostname,unknown-endpoint", Apply::kNow,   kNoEffect,           {},                         "How clients are told about nodes."},
  {"cluster-replica-no-failover",         "cluster-slave-no-failover",     ParameterType::kBool,   "no",         "",                             Apply::kNow,   kNoEffect,           {},                         "Never promote this replica."},
  {"cluster-replica-validity-factor",     "cluster-slave-validity-factor", ParameterType::kInt,    "10",         "0..int",                       Apply::kNow,   kNoEffect,           {},                         "How stale a replica may be and still be promoted; 0 is any."},
  {"cluster-require-full-coverage",       "",                              ParameterType::kBool,   "yes",        "",                             Apply::kNow,   kNoEffect,           {},                         "Refuse all keys while some slot has no node."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> ClusterParameters() {
  return kRows;
}

}  // namespace kiln

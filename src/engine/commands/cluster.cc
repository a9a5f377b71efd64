// CLUSTER and the commands of cluster clients: refused, as by any server whose cluster mode is off.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {
namespace {

// CLUSTER ..., ASKING, READONLY, READWRITE
void ClusterDisabled(Call& call) {
  call.FailText("ERR This instance has cluster support disabled");
}

constexpr uint32_t kAsk = kStale;
constexpr uint32_t kShow = kStale | kLoading;
constexpr uint32_t kManage = kStale | kAdmin;
constexpr uint32_t kChange = kManage | kNoAsyncLoading;
constexpr uint32_t kMode = kFast | kLoading | kStale;
constexpr Acl kNo = Acl::kNone;

// clang-format off
constexpr Command kClusterCommands[] = {
  // name                           arity  keys          flags       acl               handler          since    usage                               summary
  {"ASKING",                        1,     Keys::None(), kFast,      Acl::kConnection, ClusterDisabled, "3.0.0", "",                                 "Allows the next command for a slot that is being imported."},
  {"CLUSTER",                       -2,    Keys::None(), kContainer, kNo,              nullptr,         "3.0.0", "",                                 "A container for cluster commands."},
  {"CLUSTER|ADDSLOTS",              -3,    Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "slot...",                          "Gives slots to the node."},
  {"CLUSTER|ADDSLOTSRANGE",         -4,    Keys::None(), kChange,    kNo,              ClusterDisabled, "7.0.0", "range=(start-slot end-slot)...",   "Gives ranges of slots to the node."},
  {"CLUSTER|BUMPEPOCH",             2,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "",                                 "Raises the node's epoch."},
  {"CLUSTER|COUNT-FAILURE-REPORTS", 3,     Keys::None(), kManage,    kNo,              ClusterDisabled, "3.0.0", "node-id",                          "Returns how many nodes say that one has failed."},
  {"CLUSTER|COUNTKEYSINSLOT",       3,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "slot",                             "Returns the number of keys in a slot."},
  {"CLUSTER|DELSLOTS",              -3,    Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "slot...",                          "Takes slots from the node."},
  {"CLUSTER|DELSLOTSRANGE",         -4,    Keys::None(), kChange,    kNo,              ClusterDisabled, "7.0.0", "range=(start-slot end-slot)...",   "Takes ranges of slots from the node."},
  {"CLUSTER|FAILOVER",              -2,    Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "[options=<FORCE|TAKEOVER>]",       "Makes a replica the primary."},
  {"CLUSTER|FLUSHSLOTS",            2,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "",                                 "Takes all slots from the node."},
  {"CLUSTER|FORGET",                3,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "node-id",                          "Removes a node from the node's table."},
  {"CLUSTER|GETKEYSINSLOT",         4,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "slot count",                       "Returns keys of a slot."},
  {"CLUSTER|HELP",                  2,     Keys::None(), kShow,      kNo,              ClusterDisabled, "5.0.0", "",                                 "Describes the subcommands."},
  {"CLUSTER|INFO",                  2,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "",                                 "Returns the state of the cluster."},
  {"CLUSTER|KEYSLOT",               3,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "key:string",                       "Returns the slot of a key."},
  {"CLUSTER|LINKS",                 2,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "7.0.0", "",                                 "Lists the links to other nodes."},
  {"CLUSTER|MEET",                  -4,    Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "ip port [cluster-bus-port@4.0.0]", "Makes the node meet another."},
  {"CLUSTER|MYID",                  2,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "",                                 "Returns the node's name."},
  {"CLUSTER|MYSHARDID",             2,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "7.2.0", "",                                 "Returns the name of the node's shard."},
  {"CLUSTER|NODES",                 2,     Keys::None(), kAsk,       kNo,              ClusterDisabled, "3.0.0", "",                                 "Returns the configuration of the cluster."},
  {"CLUSTER|REPLICAS",              3,     Keys::None(), kManage,    kNo,              ClusterDisabled, "5.0.0", "node-id",                          "Lists the replicas of a node."},
  {"CLUSTER|REPLICATE",             3,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "node-id",                          "Makes the node a replica of another."},
  {"CLUSTER|RESET",                 -2,    Keys::None(), kManage | kNoScript, kNo,     ClusterDisabled, "3.0.0", "[reset-type=<HARD|SOFT>]",         "Makes the node forget the cluster."},
  {"CLUSTER|SAVECONFIG",            2,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "",                                 "Writes the cluster's configuration to disk."},
  {"CLUSTER|SET-CONFIG-EPOCH",      3,     Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "config-epoch",                     "Sets the epoch of a new node."},
  {"CLUSTER|SETSLOT",               -4,    Keys::None(), kChange,    kNo,              ClusterDisabled, "3.0.0", "slot subcommand=<IMPORTING importing'node-id'|MIGRATING migrating'node-id'|NODE node'node-id'|STABLE>", "Gives a slot to a node, or says that it moves."},
  {"CLUSTER|SHARDS",                2,     Keys::None(), kShow,      kNo,              ClusterDisabled, "7.0.0", "",                                 "Returns slots and nodes, shard by shard."},
  {"CLUSTER|SLAVES",                3,     Keys::None(), kManage,    kNo,              ClusterDisabled, "3.0.0", "node-id",                          "Lists the replicas of a node; REPLICAS' older name."},
  {"CLUSTER|SLOTS",                 2,     Keys::None(), kShow,      kNo,              ClusterDisabled, "3.0.0", "",                                 "Returns the nodes of ranges of slots."},
  {"READONLY",                      1,     Keys::None(), kMode,      Acl::kConnection, ClusterDisabled, "3.0.0", "",                                 "Allows reads from a cluster replica."},
  {"READWRITE",                     1,     Keys::None(), kMode,      Acl::kConnection, ClusterDisabled, "3.0.0", "",                                 "Ends what READONLY began."},
};
// clang-format on
static_assert(WellFormed(kClusterCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ClusterCommands() {
  return kClusterCommands;
}

}  // namespace kiln

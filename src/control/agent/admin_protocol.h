// What the agent says to a node on its admin socket, and how it reads the answers.
//
// A redis node speaks RESP there, a memcached node the text protocol. Pure functions; any thread.
// Source of "config set": the protocol of ElastiCache's Auto Discovery.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "control/model/node_spec.h"

namespace kiln {

enum class ReplyForm : uint8_t {
  kResp,      // A line, or a bulk string.
  kLine,      // One line of memcached's.
  kUntilEnd,  // Lines up to "END".
};

struct AdminRequest {
  std::string bytes;
  ReplyForm form = ReplyForm::kResp;
};

struct AdminReply {
  bool is_error = false;
  std::string text;  // Without its sigil and line end; of kUntilEnd all lines but the last.
};

inline constexpr size_t kMaxAdminReplyBytes = 4 << 20;

// The reply that `bytes` are; nullopt while it is not whole. One request is answered at a time.
std::optional<AdminReply> ReadReply(ReplyForm form, std::string_view bytes);

// Whether the node is ready is what it answers to this one.
AdminRequest ProbeRequest(const NodeSpec& spec);
bool IsReady(const AdminReply& reply);
bool IsLoading(const AdminReply& reply);  // It reads its snapshot file.

// Begins a snapshot, and tells how far it is: rdb_bgsave_in_progress, rdb_last_bgsave_status.
AdminRequest SaveRequest();
AdminRequest PersistenceRequest();

AdminRequest StatisticsRequest(const NodeSpec& spec);
std::map<std::string, std::string> ReadStatistics(const NodeSpec& spec, std::string_view text);

// INFO replication of a member of a replication group.
AdminRequest ReplicationRequest();
AdminRequest ClusterRequest();  // INFO cluster.
// False when the text is no such section; `report` then stays. What its process has been seen to be
// before is kept: has_synced.
bool ReadReplication(const NodeSpec& spec, std::string_view text, ReplicationReport* report);
// A primary hands over to the replica there, without loss, or does nothing.
AdminRequest HandOverRequest(const Endpoint& replica);
// A replica keeps what it has.
AdminRequest HoldRequest();
// A primary may acknowledge writes for so long from a moment on the machine's boot clock.
AdminRequest LeaseRequest(int64_t from_ms, int64_t duration_ms);

// What brings a node that runs as `running` nearer to `wanted`, as far as it can be told to while
// it runs; nullopt when it is there. One step at a time, in an order that is safe when the rest
// never comes: who becomes a primary does so before it opens an endpoint, and who ceases to be one
// closes its endpoint first.
struct ConfigureStep {
  AdminRequest request;
  NodeSpec after;  // What it runs as when the request has been answered.
};
std::optional<ConfigureStep> NextConfigureStep(const NodeSpec& running, const NodeSpec& wanted);
// What it runs as after all steps.
void ApplyConfigure(const NodeSpec& wanted, NodeSpec* running);

}  // namespace kiln

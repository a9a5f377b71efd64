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

AdminRequest StatisticsRequest(const NodeSpec& spec);
std::map<std::string, std::string> ReadStatistics(const NodeSpec& spec, std::string_view text);

// What makes a node that runs as `running` one that runs as `wanted`, as far as it can be told to
// while it runs; nullopt when there is nothing to tell. ApplyConfigure notes that it was told.
std::optional<AdminRequest> ConfigureRequest(const NodeSpec& running, const NodeSpec& wanted);
void ApplyConfigure(const NodeSpec& wanted, NodeSpec* running);

}  // namespace kiln

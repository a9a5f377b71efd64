#include "control/agent/migration_source.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/number.h"
#include "control/agent/admin_connection.h"
#include "control/agent/admin_protocol.h"

namespace kiln {
namespace {

constexpr int kLimitMs = 3'000;

}  // namespace

SourceState LookAtSource(const Endpoint& server) {
  std::string name = fmt::format("{}:{}", server.address, server.port);
  std::optional<AdminReply> reply = AskServer(server, ReplicationRequest(), kLimitMs);
  if (!reply) return {fmt::format("{} does not answer.", name), 0};
  if (reply->is_error) return {fmt::format("{} answers: {}", name, reply->text), 0};
  std::map<std::string, std::string> fields = ReadStatistics({}, reply->text);
  if (fields["role"] != "master") return {fmt::format("{} is not a primary.", name), 0};
  SourceState state{{}, ParseInt64(fields["master_repl_offset"]).value_or(0)};
  reply = AskServer(server, ClusterRequest(), kLimitMs);
  if (!reply || reply->is_error) return {fmt::format("{} does not answer.", name), 0};
  fields = ReadStatistics({}, reply->text);
  if (fields["cluster_enabled"] == "1")
    return {fmt::format("{} is a node of a cluster, which cannot be migrated from.", name), 0};
  return state;
}

}  // namespace kiln

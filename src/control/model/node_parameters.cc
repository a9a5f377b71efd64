#include "control/model/node_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "control/model/node_types.h"
#include "control/model/parameter_groups.h"

namespace kiln {
namespace {

constexpr std::string_view kOutputLimits = "client-output-buffer-limit";

int64_t NumberIn(const ParameterGroup& group, Family family, std::string_view name) {
  const FamilyParameter* row = FindFamilyParameter(family, name);
  return row == nullptr ? 0 : ParseInt64(ValueIn(group, *row)).value_or(0);
}

// The nine rows are one directive of redis.conf.
std::string OutputLimits(const ParameterGroup& group, Family family, int64_t replica_limit) {
  auto number = [&](std::string_view rest) {
    return NumberIn(group, family, fmt::format("{}-{}", kOutputLimits, rest));
  };
  return fmt::format("normal {} {} {} replica {} {} {} pubsub {} {} {}",
                     number("normal-hard-limit"), number("normal-soft-limit"),
                     number("normal-soft-seconds"), replica_limit, replica_limit,
                     number("replica-soft-seconds"), number("pubsub-hard-limit"),
                     number("pubsub-soft-limit"), number("pubsub-soft-seconds"));
}

void AddRedis(const CacheCluster& cluster, const ParameterGroup& group, Family family,
              ParameterSplit* split) {
  const NodeType* type = FindNodeType(cluster.node_type);
  for (const FamilyParameter* row : ParametersOf(family)) {
    if (row->directive.empty() || row->directive == kOutputLimits) continue;
    std::map<std::string, std::string>& part = row->needs_reboot ? split->at_start : split->live;
    std::string value = ValueIn(group, *row);
    if (row->directive != "rename-command" || !value.empty())
      part[std::string(row->directive)] = std::move(value);
  }
  int64_t reserved_percent = NumberIn(group, family, "reserved-memory-percent");
  int64_t usable = type->maxmemory_bytes / 100 * (100 - reserved_percent) +
                   type->maxmemory_bytes % 100 * (100 - reserved_percent) / 100;
  split->live["maxmemory"] = std::to_string(usable);
  split->live[std::string(kOutputLimits)] = OutputLimits(group, family, type->maxmemory_bytes / 10);
  split->at_start["io-threads"] = std::to_string(type->threads);
}

void AddMemcached(const CacheCluster& cluster, const ParameterGroup& group, Family family,
                  ParameterSplit* split) {
  const NodeType* type = FindNodeType(cluster.node_type);
  for (const FamilyParameter* row : ParametersOf(family)) {
    if (row->directive.empty()) continue;
    std::string value = ValueIn(group, *row);
    bool is_switch = row->allowed == "0,1";  // An option without a value.
    if (is_switch && value == "0") continue;
    split->at_start[std::string(row->directive)] = is_switch ? "" : value;
  }
  int64_t overhead_mb = NumberIn(group, family, "memcached_connections_overhead");
  int64_t items_mb = std::max<int64_t>(type->max_cache_memory_mb - overhead_mb, 1);
  split->at_start["m"] = std::to_string(items_mb);
  split->at_start["t"] = std::to_string(type->threads);
}

}  // namespace

ParameterSplit ParametersFor(const CacheCluster& cluster, const ParameterGroup& group) {
  ParameterSplit split;
  const FamilyRow* family = FindFamily(group.family);
  if (family == nullptr || FindNodeType(cluster.node_type) == nullptr) return split;
  if (cluster.IsMemcached()) {
    AddMemcached(cluster, group, family->family, &split);
  } else {
    AddRedis(cluster, group, family->family, &split);
  }
  return split;
}

std::string DiscoveryText(const CacheCluster& cluster) {
  if (!cluster.IsMemcached() || cluster.discovery_version == 0) return {};
  std::string text = fmt::format("{}\n", cluster.discovery_version);
  std::string_view space;
  for (const CacheNode& node : cluster.nodes) {
    if (std::find(cluster.discovered.begin(), cluster.discovered.end(), node.id) ==
        cluster.discovered.end())
      continue;
    text += fmt::format("{}{}|{}|{}", space, node.endpoint.address, node.endpoint.address,
                        node.endpoint.port);
    space = " ";
  }
  return text + "\n";
}

}  // namespace kiln

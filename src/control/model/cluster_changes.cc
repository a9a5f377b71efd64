#include "control/model/cluster_changes.h"

#include <fmt/format.h>

#include <algorithm>

namespace kiln {
namespace {

// The last ones, when their number alone was given.
void RemoveNodes(CacheCluster* cluster, const std::vector<std::string>& ids, size_t wanted) {
  size_t kept = 0;
  for (CacheNode& node : cluster->nodes) {
    if (node.status == "deleting") continue;
    bool is_named = std::find(ids.begin(), ids.end(), node.id) != ids.end();
    if (is_named || (ids.empty() && kept >= wanted)) {
      node.status = "deleting";
    } else {
      ++kept;
    }
  }
}

}  // namespace

std::string NodeIdText(int number) {
  return fmt::format("{:04}", number);
}

void AddNode(CacheCluster* cluster, const Endpoint& endpoint, const std::string& zone) {
  CacheNode node;
  node.id = NodeIdText(cluster->next_node_number++);
  node.endpoint = endpoint;
  node.zone = zone;
  cluster->nodes.push_back(std::move(node));
}

bool ApplyPending(CacheCluster* cluster, const ReserveAddress& reserve) {
  CacheCluster next = *cluster;
  const PendingValues& pending = cluster->pending;
  if (!pending.node_type.empty()) {
    next.node_type = pending.node_type;
    // Redis gets its memory while it runs; memcached's is a matter of its start.
    for (CacheNode& node : next.nodes) node.boot += next.IsMemcached();
  }
  if (!pending.engine_version.empty()) next.engine_version = pending.engine_version;
  if (pending.num_cache_nodes) {
    size_t wanted = static_cast<size_t>(*pending.num_cache_nodes);
    size_t present = static_cast<size_t>(
        std::count_if(next.nodes.begin(), next.nodes.end(),
                      [](const CacheNode& node) { return node.status != "deleting"; }));
    if (wanted < present) RemoveNodes(&next, pending.node_ids_to_remove, wanted);
    for (size_t added = 0; present + added < wanted; ++added) {
      std::optional<Endpoint> endpoint = reserve(NodeIdText(next.next_node_number));
      if (!endpoint) return false;
      const std::vector<std::string>& zones = pending.new_zones;
      AddNode(&next, *endpoint, added < zones.size() ? zones[added] : next.nodes.front().zone);
    }
  }
  next.pending = {};
  next.status = "modifying";
  *cluster = std::move(next);
  return true;
}

}  // namespace kiln

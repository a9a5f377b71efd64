#include "control/model/parameter_groups.h"

#include <algorithm>

namespace kiln {
namespace {

constexpr std::string_view kPrefix = "default.";
constexpr std::string_view kClusterSuffix = ".cluster.on";

std::vector<ParameterGroup> MakeDefaults() {
  std::vector<ParameterGroup> groups;
  for (const FamilyRow& row : AllFamilies()) {
    std::string family(row.name);
    groups.push_back({.name = DefaultParameterGroupName(family),
                      .family = family,
                      .description = "Default parameter group for " + family,
                      .values = {},
                      .tags = {}});
    if (!row.has_cluster_mode) continue;
    groups.push_back({.name = DefaultParameterGroupName(family).append(kClusterSuffix),
                      .family = family,
                      .description = "Customized default parameter group for " + family +
                                     " with cluster mode on",
                      .values = {{"cluster-enabled", "yes"}},
                      .tags = {}});
  }
  std::sort(groups.begin(), groups.end(),
            [](const ParameterGroup& a, const ParameterGroup& b) { return a.name < b.name; });
  return groups;
}

int64_t MaxMemory(const NodeType& type) {
  return type.maxmemory_bytes;
}

int64_t OutputLimit(const NodeType& type) {
  return type.maxmemory_bytes / 10;
}

int64_t CacheMemory(const NodeType& type) {
  return type.max_cache_memory_mb;
}

int64_t Threads(const NodeType& type) {
  return type.threads;
}

}  // namespace

std::string DefaultParameterGroupName(std::string_view family) {
  return std::string(kPrefix).append(family);
}

const std::vector<ParameterGroup>& DefaultParameterGroups() {
  static const std::vector<ParameterGroup> groups = MakeDefaults();
  return groups;
}

std::optional<ParameterGroup> FindDefaultParameterGroup(std::string_view name) {
  for (const ParameterGroup& group : DefaultParameterGroups()) {
    if (group.name == name) return group;
  }
  return std::nullopt;
}

std::string ValueIn(const ParameterGroup& group, const FamilyParameter& parameter) {
  if (auto found = group.values.find(std::string(parameter.name)); found != group.values.end())
    return found->second;
  const FamilyRow* family = FindFamily(group.family);
  return std::string(family == nullptr ? parameter.initial : DefaultOf(family->family, parameter));
}

std::vector<NodeTypeParameter> NodeTypeParametersOf(Family family) {
  if (family == kMemcached14 || family == kMemcached15 || family == kMemcached16) {
    return {{"max_cache_memory", "MB of memory for items and connections.", CacheMemory},
            {"num_threads", "Threads that serve clients.", Threads}};
  }
  constexpr std::string_view kLimit = "Bytes of output at which a replica is disconnected.";
  return {{"client-output-buffer-limit-replica-hard-limit", kLimit, OutputLimit},
          {"client-output-buffer-limit-replica-soft-limit", kLimit, OutputLimit},
          {"maxmemory", "Bytes that data and the reserved memory may use.", MaxMemory}};
}

}  // namespace kiln

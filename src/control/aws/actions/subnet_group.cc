// CreateCacheSubnetGroup, DescribeCacheSubnetGroups, ModifyCacheSubnetGroup,
// DeleteCacheSubnetGroup.

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/action.h"
#include "control/aws/actions/event.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
#include "control/model/names.h"
#include "control/model/store_keys.h"
#include "control/model/subnet_groups.h"

namespace kiln {
namespace {

constexpr size_t kMaxSubnets = 20;
constexpr std::string_view kNameField = "CacheSubnetGroupName";

void WriteSubnetGroup(ActionCall& call, const SubnetGroup& group) {
  XmlWriter& out = call.out;
  const std::vector<std::string> network_types = {"ipv4"};
  out.Text("CacheSubnetGroupName", group.name);
  out.Text("CacheSubnetGroupDescription", group.description);
  out.Text("VpcId", group.vpc_id);
  out.List("Subnets", "Subnet", group.subnets, [&](const Subnet& subnet) {
    out.Text("SubnetIdentifier", subnet.id);
    out.Element("SubnetAvailabilityZone", [&] { out.Text("Name", subnet.zone); });
    out.TextList("SupportedNetworkTypes", "member", network_types);
  });
  out.Text("ARN", call.api.site.Arn("subnetgroup", group.name));
  out.TextList("SupportedNetworkTypes", "member", network_types);
}

ApiError NotFound(std::string_view name) {
  return {Fault::kCacheSubnetGroupNotFound, fmt::format("Cache subnet group {} not found.", name)};
}

// In the order given, each once.
std::vector<Subnet> ReadSubnets(ActionCall& call) {
  std::vector<std::string> ids = call.args.List("SubnetIds", "SubnetIdentifier");
  std::vector<Subnet> subnets;
  for (const std::string& id : ids) {
    if (!IsSubnetId(id)) {
      call.args.Fail(Fault::kInvalidParameterValue,
                     fmt::format("Some input subnets in :[{}] are invalid.", fmt::join(ids, ", ")));
      return {};
    }
    bool is_known = std::any_of(subnets.begin(), subnets.end(),
                                [&](const Subnet& subnet) { return subnet.id == id; });
    if (!is_known) subnets.push_back({id, ZoneOfSubnet(call.api.site, id)});
  }
  if (subnets.size() > kMaxSubnets) {
    call.args.Fail(Fault::kCacheSubnetQuotaExceeded,
                   fmt::format("A cache subnet group can have at most {} subnets.", kMaxSubnets));
  }
  return subnets;
}

// Puts the group, if the stored one is still of that revision, and writes it as the result.
ApiError PutGroup(ActionCall& call, const SubnetGroup& group, uint64_t revision,
                  std::string_view what_happened) {
  std::string key = SubnetGroupKey(group.name);
  Transaction transaction;
  transaction.compares.push_back({key, revision});
  transaction.puts.push_back({key, ToJson(group)});
  AddEvent(&transaction, {group.name, std::string(kSubnetGroupSource),
                          fmt::format("Cache subnet group {}", what_happened), call.api.now_ms()});
  if (ApiError error = Commit(call, transaction)) return error;
  call.out.Element("CacheSubnetGroup", [&] { WriteSubnetGroup(call, group); });
  return NoError();
}

// Neither too many nor one of that name.
ApiError CheckNew(ActionCall& call, const std::string& name) {
  PageRequest all{.limit = kMaxGroups, .after = ""};
  Page<SubnetGroup> groups;
  auto any = [](const SubnetGroup&) { return true; };
  if (ApiError error = ListPage(call, kSubnetGroupPrefix, all, any, &groups)) return error;
  bool exists = std::ranges::count(groups.items, name, &SubnetGroup::name) != 0;
  if (exists || name == kDefaultSubnetGroup) {
    return {Fault::kCacheSubnetGroupAlreadyExists,
            fmt::format("Cache subnet group {} already exists.", name)};
  }
  if (groups.items.size() < kMaxGroups) return NoError();
  return {Fault::kCacheSubnetGroupQuotaExceeded,
          fmt::format("There can be at most {} cache subnet groups.", kMaxGroups)};
}

ApiError CreateCacheSubnetGroup(ActionCall& call) {
  SubnetGroup group;
  group.name = ReadGroupName(call.args, kNameField);
  group.description = call.args.Required("CacheSubnetGroupDescription");
  group.vpc_id = kVpcId;
  group.subnets = ReadSubnets(call);
  if (group.subnets.empty()) {
    call.args.Fail(Fault::kMissingParameter, "The request must contain the parameter SubnetIds.");
  }
  group.tags = ReadTags(call.args);
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNew(call, group.name)) return error;
  return PutGroup(call, group, 0, "created");
}

ApiError DescribeCacheSubnetGroups(ActionCall& call) {
  std::string name = LowerCase(call.args.StringOr(kNameField, ""));
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();

  Page<SubnetGroup> all;
  auto is_wanted = [&](const SubnetGroup& group) { return name.empty() || group.name == name; };
  if (ApiError error =
          ListPage(call, kSubnetGroupPrefix, {.limit = kMaxGroups, .after = ""}, is_wanted, &all)) {
    return error;
  }
  if (SubnetGroup group = DefaultSubnetGroup(call.api.site); is_wanted(group)) {
    all.items.push_back(std::move(group));
  }
  if (!name.empty() && all.items.empty()) return NotFound(name);
  auto name_of = [](const SubnetGroup& group) { return group.name; };
  std::ranges::sort(all.items, {}, name_of);
  Page<SubnetGroup> page = CutPage(std::move(all.items), request, name_of);
  call.out.OptionalText("Marker", page.marker);
  call.out.List("CacheSubnetGroups", "CacheSubnetGroup", page.items,
                [&](const SubnetGroup& group) { WriteSubnetGroup(call, group); });
  return NoError();
}

ApiError CheckNotDefault(const std::string& name) {
  if (name != kDefaultSubnetGroup) return NoError();
  return {Fault::kInvalidParameterValue,
          fmt::format("The cache subnet group {} cannot be changed.", name)};
}

ApiError ModifyCacheSubnetGroup(ActionCall& call) {
  std::string name = ReadGroupName(call.args, kNameField);
  std::vector<Subnet> subnets = ReadSubnets(call);
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNotDefault(name)) return error;

  Loaded<SubnetGroup> loaded;
  if (ApiError error = LoadOr(call, SubnetGroupKey(name), NotFound(name), &loaded)) return error;
  SubnetGroup& group = loaded.document;
  group.description = call.args.StringOr("CacheSubnetGroupDescription", group.description);
  if (!subnets.empty()) group.subnets = std::move(subnets);
  return PutGroup(call, group, loaded.revision, "modified");
}

ApiError CheckUnused(ActionCall& call, const std::string& name) {
  Page<CacheCluster> users;
  auto uses = [&](const CacheCluster& cluster) { return cluster.subnet_group == name; };
  if (ApiError error = ListPage(call, kClusterPrefix, {}, uses, &users)) return error;
  if (users.items.empty()) return NoError();
  return {Fault::kCacheSubnetGroupInUse,
          fmt::format("Cache subnet group {} is currently in use by a cache cluster.", name)};
}

ApiError DeleteCacheSubnetGroup(ActionCall& call) {
  std::string name = ReadGroupName(call.args, kNameField);
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNotDefault(name)) return error;

  std::string key = SubnetGroupKey(name);
  Loaded<SubnetGroup> loaded;
  if (ApiError error = LoadOr(call, key, NotFound(name), &loaded)) return error;
  if (ApiError error = CheckUnused(call, name)) return error;

  Transaction transaction;
  transaction.compares.push_back({key, loaded.revision});
  transaction.deletes.push_back(key);
  AddEvent(&transaction, {name, std::string(kSubnetGroupSource), "Cache subnet group deleted",
                          call.api.now_ms()});
  return Commit(call, transaction);
}

constexpr Action kSubnetGroupActions[] = {
    // Sorted by name.
    {"CreateCacheSubnetGroup", CreateCacheSubnetGroup},
    {"DeleteCacheSubnetGroup", DeleteCacheSubnetGroup, false},
    {"DescribeCacheSubnetGroups", DescribeCacheSubnetGroups},
    {"ModifyCacheSubnetGroup", ModifyCacheSubnetGroup},
};

}  // namespace

std::span<const Action> SubnetGroupActions() {
  return kSubnetGroupActions;
}

}  // namespace kiln

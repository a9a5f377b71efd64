// AddTagsToResource, ListTagsForResource, RemoveTagsFromResource.
//
// A resource that is still being made has tags as well: AWS refuses that, and its users complain.

#include <fmt/format.h>

#include <functional>
#include <set>

#include "control/aws/action.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"
#include "control/model/subnet_groups.h"

namespace kiln {
namespace {

// What a call does with the tags of a resource.
using Change = std::function<ApiError(Tags&)>;

// Applies the change to the document under the key. `not_found` when there is none.
template <typename Document>
ApiError ChangeTags(ActionCall& call, const std::string& key, const ApiError& not_found,
                    const Change& change) {
  Loaded<Document> loaded;
  if (ApiError error = LoadOr(call, key, not_found, &loaded)) return error;
  Tags before = loaded.document.tags;
  if (ApiError error = change(loaded.document.tags)) return error;
  return loaded.document.tags == before ? NoError() : Replace(call, key, loaded);
}

struct TaggedKind {
  std::string_view arn_type;
  Fault not_found;
  std::string_view not_found_format;
  std::string (*key)(std::string_view name);
  ApiError (*change)(ActionCall&, const std::string& key, const ApiError& not_found, const Change&);
};

// clang-format off
constexpr std::string_view kNotPresent = "{} is not present";
constexpr TaggedKind kTaggedKinds[] = {  // Sorted by name. Without a key: Kiln has none of these.
  {"cluster",          Fault::kCacheClusterNotFound,        "{} is either not present or not available.", ClusterKey,          ChangeTags<CacheCluster>},
  {"parametergroup",   Fault::kCacheParameterGroupNotFound, kNotPresent,                                  ParameterGroupKey,   ChangeTags<ParameterGroup>},
  {"replicationgroup", Fault::kReplicationGroupNotFound,    "ReplicationGroup {} not found.",             ReplicationGroupKey, ChangeTags<ReplicationGroup>},
  {"reserved-instance", Fault::kReservedCacheNodeNotFound,  kNotPresent,                                  nullptr,             nullptr},
  {"securitygroup",    Fault::kCacheSecurityGroupNotFound,  kNotPresent,                                  nullptr,             nullptr},
  {"serverlesscache",  Fault::kServerlessCacheNotFound,     kNotPresent,                                  nullptr,             nullptr},
  {"serverlesscachesnapshot", Fault::kServerlessCacheSnapshotNotFound, kNotPresent,                       nullptr,             nullptr},
  {"snapshot",         Fault::kSnapshotNotFound,            kNotPresent,                                  SnapshotKey,         ChangeTags<Snapshot>},
  {"subnetgroup",      Fault::kCacheSubnetGroupNotFound,    "Cache subnet group {} not found.",           SubnetGroupKey,      ChangeTags<SubnetGroup>},
  {"user",             Fault::kUserNotFound,                kNotPresent,                                  nullptr,             nullptr},
  {"usergroup",        Fault::kUserGroupNotFound,           kNotPresent,                                  nullptr,             nullptr},
};
// clang-format on

// Default groups are not stored, and have no tags.
bool IsDefaultGroup(const Arn& arn) {
  return (arn.type == "parametergroup" && FindDefaultParameterGroup(arn.name)) ||
         (arn.type == "subnetgroup" && arn.name == kDefaultSubnetGroup);
}

ApiError ReadResource(ActionCall& call, Arn* arn) {
  std::string text = call.args.Required("ResourceName");
  if (call.args.error()) return call.args.error();
  std::string problem = ParseArn(text, arn);
  if (!problem.empty()) return {Fault::kInvalidArn, problem};
  if (arn->region != call.api.site.region || arn->account_id != call.api.site.account_id) {
    return {Fault::kInvalidParameterValue,
            "Unauthorized call. Please check the region or customer id"};
  }
  arn->name = LowerCase(arn->name);
  return NoError();
}

// Lets `change` have the tags of the resource that the call names.
ApiError ChangeResource(ActionCall& call, const Change& change) {
  Arn arn;
  if (ApiError error = ReadResource(call, &arn)) return error;
  if (IsDefaultGroup(arn)) {
    Tags tags;
    if (ApiError error = change(tags)) return error;
    if (tags.empty()) return NoError();
    return {Fault::kInvalidParameterValue,
            fmt::format("{} is a default group and cannot be tagged.", arn.name)};
  }
  for (const TaggedKind& kind : kTaggedKinds) {
    if (kind.arn_type != arn.type) continue;
    ApiError not_found = {kind.not_found,
                          fmt::format(fmt::runtime(kind.not_found_format), arn.name)};
    if (kind.key == nullptr) return not_found;
    return kind.change(call, kind.key(arn.name), not_found, change);
  }
  return {Fault::kInvalidArn, fmt::format("{} is not a type of resource.", arn.type)};
}

void WriteTags(ActionCall& call, const Tags& tags) {
  call.out.List("TagList", "Tag", tags, [&](const auto& tag) {
    call.out.Text("Key", tag.first);
    call.out.Text("Value", tag.second);
  });
}

ApiError AddTagsToResource(ActionCall& call) {
  Tags added = ReadTags(call.args);
  if (added.empty()) {
    call.args.Fail(Fault::kMissingParameter, "The request must contain the parameter Tags.");
  }
  if (call.args.error()) return call.args.error();
  Tags all;
  ApiError error = ChangeResource(call, [&](Tags& tags) -> ApiError {
    for (const auto& [key, value] : added) tags[key] = value;
    all = tags;
    if (tags.size() <= kMaxTags) return NoError();
    return {Fault::kTagQuotaPerResourceExceeded,
            fmt::format("A resource can have at most {} tags.", kMaxTags)};
  });
  if (!error) WriteTags(call, all);
  return error;
}

ApiError ListTagsForResource(ActionCall& call) {
  Tags all;
  ApiError error = ChangeResource(call, [&](Tags& tags) {
    all = tags;
    return NoError();
  });
  if (!error) WriteTags(call, all);
  return error;
}

ApiError RemoveTagsFromResource(ActionCall& call) {
  std::vector<std::string> listed = call.args.List("TagKeys", "member");
  std::set<std::string> keys(listed.begin(), listed.end());
  if (keys.empty()) {
    call.args.Fail(Fault::kMissingParameter, "The request must contain the parameter TagKeys.");
  }
  if (call.args.error()) return call.args.error();
  Tags left;
  ApiError error = ChangeResource(call, [&](Tags& tags) -> ApiError {
    for (const std::string& key : keys) {
      if (tags.erase(key) != 0) continue;
      return {Fault::kTagNotFound, fmt::format("The tag {} is not on the resource.", key)};
    }
    left = tags;
    return NoError();
  });
  if (!error) WriteTags(call, left);
  return error;
}

constexpr Action kTagActions[] = {
    // Sorted by name.
    {"AddTagsToResource", AddTagsToResource},
    {"ListTagsForResource", ListTagsForResource},
    {"RemoveTagsFromResource", RemoveTagsFromResource},
};

}  // namespace

std::span<const Action> TagActions() {
  return kTagActions;
}

}  // namespace kiln

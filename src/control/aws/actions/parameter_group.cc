// The calls about parameter groups. A change is only written here: the orchestrator sees it and
// brings it to the nodes.

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/action.h"
#include "control/aws/actions/event.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/paging.h"
#include "control/aws/actions/parameter_group_lookup.h"
#include "control/aws/actions/parameter_list.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr size_t kMaxChangedParameters = 20;
constexpr std::string_view kNameField = "CacheParameterGroupName";

void WriteParameterGroup(ActionCall& call, const ParameterGroup& group) {
  XmlWriter& out = call.out;
  out.Text("CacheParameterGroupName", group.name);
  out.Text("CacheParameterGroupFamily", group.family);
  out.Text("Description", group.description);
  out.Bool("IsGlobal", false);
  out.Text("ARN", call.api.site.Arn("parametergroup", group.name));
}

// Puts the group, if the stored one is still of that revision.
ApiError PutGroup(ActionCall& call, const ParameterGroup& group, uint64_t revision,
                  std::string_view what_happened) {
  std::string key = ParameterGroupKey(group.name);
  Transaction transaction;
  transaction.compares.push_back({key, revision});
  transaction.puts.push_back({key, ToJson(group)});
  AddEvent(&transaction,
           {group.name, std::string(kParameterGroupSource),
            fmt::format("Cache parameter group {}", what_happened), call.api.now_ms()});
  Result<uint64_t, StoreError> done = call.api.store.Txn(transaction);
  return done ? NoError() : ActionCall::StoreTrouble(done.error());
}

ApiError CreateCacheParameterGroup(ActionCall& call) {
  ParameterGroup group;
  group.name = ReadGroupName(call.args, kNameField);
  group.family = LowerCase(call.args.Required("CacheParameterGroupFamily"));
  group.description = call.args.Required("Description");
  group.tags = ReadTags(call.args);
  if (FindFamily(group.family) == nullptr) {
    call.args.Fail(Fault::kInvalidParameterValue, InvalidFamilyText(group.family));
  }
  if (call.args.error()) return call.args.error();

  auto all = call.api.store.List(kParameterGroupPrefix, {}, kMaxGroups);
  auto existing = Load<ParameterGroup>(call.api.store, ParameterGroupKey(group.name));
  if (!all) return ActionCall::StoreTrouble(all.error());
  if (!existing) return ActionCall::StoreTrouble(existing.error());
  if (existing->has_value()) {
    return {Fault::kCacheParameterGroupAlreadyExists,
            fmt::format("Parameter group {} already exists", group.name)};
  }
  if (all->size() >= kMaxGroups) {
    return {Fault::kCacheParameterGroupQuotaExceeded,
            fmt::format("There can be at most {} cache parameter groups.", kMaxGroups)};
  }
  if (ApiError error = PutGroup(call, group, 0, "created")) return error;
  call.out.Element("CacheParameterGroup", [&] { WriteParameterGroup(call, group); });
  return NoError();
}

ApiError DescribeCacheParameterGroups(ActionCall& call) {
  std::string name = LowerCase(call.args.StringOr(kNameField, ""));
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();

  std::vector<ParameterGroup> groups;
  if (!name.empty()) {
    auto found = FindParameterGroup(call.api.store, name);
    if (!found) return ActionCall::StoreTrouble(found.error());
    if (!found->has_value()) {
      return ParameterGroupNotFound("CacheParameterGroup {} not found.", name);
    }
    groups.push_back((*found)->document);
  } else {
    auto stored = LoadAll<ParameterGroup>(call.api.store, kParameterGroupPrefix);
    if (!stored) return ActionCall::StoreTrouble(stored.error());
    groups = std::move(*stored);
    groups.insert(groups.end(), DefaultParameterGroups().begin(), DefaultParameterGroups().end());
  }
  auto name_of = [](const ParameterGroup& group) { return group.name; };
  std::ranges::sort(groups, {}, name_of);
  Page<ParameterGroup> page = CutPage(std::move(groups), request, name_of);
  call.out.OptionalText("Marker", page.marker);
  call.out.List("CacheParameterGroups", "CacheParameterGroup", page.items,
                [&](const ParameterGroup& group) { WriteParameterGroup(call, group); });
  return NoError();
}

// The stored group that a call wants to change.
ApiError FindToChange(ActionCall& call, Loaded<ParameterGroup>* group) {
  std::string name = LowerCase(call.args.StringOr(kNameField, ""));
  if (FindDefaultParameterGroup(name)) {
    return {Fault::kInvalidParameterValue,
            fmt::format("The parameter group {} is a default group and cannot be modified.", name)};
  }
  name = ReadGroupName(call.args, kNameField);
  if (call.args.error()) return call.args.error();
  auto found = Load<ParameterGroup>(call.api.store, ParameterGroupKey(name));
  if (!found) return ActionCall::StoreTrouble(found.error());
  if (!found->has_value()) return ParameterGroupNotFound("CacheParameterGroup not found: {}", name);
  *group = *std::move(*found);
  return NoError();
}

// The list "ParameterNameValues", of 1 to 20.
std::vector<Arguments> ReadNameValues(Arguments& args) {
  std::vector<Arguments> items = args.Structures("ParameterNameValues", "ParameterNameValue");
  if (items.empty()) {
    args.Fail(Fault::kMissingParameter,
              "The request must contain the parameter ParameterNameValues.");
  }
  if (items.size() > kMaxChangedParameters) {
    args.Fail(Fault::kInvalidParameterCombination,
              fmt::format("Cannot modify more than {} parameters in a single request",
                          kMaxChangedParameters));
  }
  return items;
}

// The row of a parameter that may be changed.
ApiError FindModifiable(const ParameterGroup& group, std::string_view name,
                        const FamilyParameter** parameter) {
  const FamilyRow* family = FindFamily(group.family);
  *parameter = family == nullptr ? nullptr : FindFamilyParameter(family->family, name);
  if (*parameter == nullptr) {
    return {Fault::kInvalidParameterValue, fmt::format("Parameter {} doesn't exist", name)};
  }
  if ((*parameter)->modifiable == Modifiable::kYes) return NoError();
  return {Fault::kInvalidParameterValue, fmt::format("Parameter {} cannot be modified", name)};
}

ApiError SetParameter(Arguments& item, ParameterGroup* group) {
  std::string name = item.Required("ParameterName");
  std::string value = item.StringOr("ParameterValue", "");
  if (item.error()) return item.error();
  const FamilyParameter* parameter = nullptr;
  if (ApiError error = FindModifiable(*group, name, &parameter)) return error;
  if (!IsAllowedValue(*parameter, value)) {
    return {Fault::kInvalidParameterValue,
            fmt::format("Invalid value for parameter {}: {}. Allowed values: {}", name, value,
                        parameter->allowed)};
  }
  group->values.erase(name);
  if (ValueIn(*group, *parameter) != value) group->values[name] = value;
  return NoError();
}

// A change that changes nothing leaves no event and wakes nobody.
ApiError PutIfChanged(ActionCall& call, const Loaded<ParameterGroup>& before,
                      const ParameterGroup& after) {
  if (after != before.document) {
    if (ApiError error = PutGroup(call, after, before.revision, "modified")) return error;
  }
  call.out.Text(kNameField, after.name);
  return NoError();
}

ApiError ModifyCacheParameterGroup(ActionCall& call) {
  std::vector<Arguments> items = ReadNameValues(call.args);
  call.args.Required(kNameField);
  if (call.args.error()) return call.args.error();
  Loaded<ParameterGroup> found;
  if (ApiError error = FindToChange(call, &found)) return error;
  ParameterGroup group = found.document;
  for (Arguments& item : items) {
    if (ApiError error = SetParameter(item, &group)) return error;
  }
  return PutIfChanged(call, found, group);
}

ApiError ResetCacheParameterGroup(ActionCall& call) {
  bool resets_all = call.args.BoolOr("ResetAllParameters", false);
  std::vector<Arguments> items;
  if (!resets_all) items = ReadNameValues(call.args);
  call.args.Required(kNameField);
  if (resets_all && !call.args.Structures("ParameterNameValues", "ParameterNameValue").empty()) {
    call.args.Fail(Fault::kInvalidParameterCombination,
                   "ParameterNameValues cannot be specified when ResetAllParameters is true.");
  }
  if (call.args.error()) return call.args.error();
  Loaded<ParameterGroup> found;
  if (ApiError error = FindToChange(call, &found)) return error;
  ParameterGroup group = found.document;
  if (resets_all) group.values.clear();
  for (Arguments& item : items) {
    std::string name = item.Required("ParameterName");
    if (item.error()) return item.error();
    const FamilyParameter* parameter = nullptr;
    if (ApiError error = FindModifiable(group, name, &parameter)) return error;
    group.values.erase(name);
  }
  return PutIfChanged(call, found, group);
}

ApiError CheckUnused(ActionCall& call, const std::string& name) {
  auto clusters = LoadAll<CacheCluster>(call.api.store, kClusterPrefix);
  if (!clusters) return ActionCall::StoreTrouble(clusters.error());
  for (const CacheCluster& cluster : *clusters) {
    if (cluster.parameter_group != name) continue;
    return {Fault::kInvalidCacheParameterGroupState,
            fmt::format("One or more cache clusters are still members of this parameter group {}, "
                        "so the group cannot be deleted.",
                        name)};
  }
  return NoError();
}

ApiError DeleteCacheParameterGroup(ActionCall& call) {
  std::string name = ReadGroupName(call.args, kNameField);
  if (call.args.error()) return call.args.error();
  std::string key = ParameterGroupKey(name);
  auto found = Load<ParameterGroup>(call.api.store, key);
  if (!found) return ActionCall::StoreTrouble(found.error());
  if (!found->has_value()) return ParameterGroupNotFound("CacheParameterGroup not found: {}", name);
  if (ApiError error = CheckUnused(call, name)) return error;

  Transaction transaction;
  transaction.compares.push_back({key, (*found)->revision});
  transaction.deletes.push_back(key);
  AddEvent(&transaction, {name, std::string(kParameterGroupSource), "Cache parameter group deleted",
                          call.api.now_ms()});
  Result<uint64_t, StoreError> done = call.api.store.Txn(transaction);
  return done ? NoError() : ActionCall::StoreTrouble(done.error());
}

constexpr Action kParameterGroupActions[] = {
    // Sorted by name.
    {"CreateCacheParameterGroup", CreateCacheParameterGroup},
    {"DeleteCacheParameterGroup", DeleteCacheParameterGroup, false},
    {"DescribeCacheParameterGroups", DescribeCacheParameterGroups},
    {"DescribeCacheParameters", DescribeCacheParameters},
    {"DescribeEngineDefaultParameters", DescribeEngineDefaultParameters},
    {"ModifyCacheParameterGroup", ModifyCacheParameterGroup},
    {"ResetCacheParameterGroup", ResetCacheParameterGroup},
};

}  // namespace

std::span<const Action> ParameterGroupActions() {
  return kParameterGroupActions;
}

}  // namespace kiln

// The calls about parameter groups. A change is only written here: the orchestrator sees it and
// brings it to the nodes.

#include <fmt/format.h>

#include <algorithm>

#include "control/aws/action.h"
#include "control/aws/actions/event.h"
#include "control/aws/actions/group_arguments.h"
#include "control/aws/actions/loading.h"
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
  return Commit(call, transaction);
}

ApiError ListAll(ActionCall& call, Page<ParameterGroup>* groups) {
  auto any = [](const ParameterGroup&) { return true; };
  return ListPage(call, kParameterGroupPrefix, {.limit = kMaxGroups, .after = ""}, any, groups);
}

// Neither too many nor one of that name.
ApiError CheckNew(ActionCall& call, const std::string& name) {
  Page<ParameterGroup> groups;
  if (ApiError error = ListAll(call, &groups)) return error;
  if (std::ranges::count(groups.items, name, &ParameterGroup::name) != 0) {
    return {Fault::kCacheParameterGroupAlreadyExists,
            fmt::format("Parameter group {} already exists", name)};
  }
  if (groups.items.size() < kMaxGroups) return NoError();
  return {Fault::kCacheParameterGroupQuotaExceeded,
          fmt::format("There can be at most {} cache parameter groups.", kMaxGroups)};
}

ApiError CreateCacheParameterGroup(ActionCall& call) {
  ParameterGroup group;
  group.name = ReadGroupName(call.args, kNameField);
  group.family = LowerCase(call.args.Required("CacheParameterGroupFamily"));
  group.description = call.args.Required("Description");
  if (FindFamily(group.family) == nullptr) {
    call.args.Fail(Fault::kInvalidParameterValue, InvalidFamilyText(group.family));
  }
  group.tags = ReadTags(call.args);
  if (call.args.error()) return call.args.error();
  if (ApiError error = CheckNew(call, group.name)) return error;
  if (ApiError error = PutGroup(call, group, 0, "created")) return error;
  call.out.Element("CacheParameterGroup", [&] { WriteParameterGroup(call, group); });
  return NoError();
}

ApiError DescribeCacheParameterGroups(ActionCall& call) {
  std::string name = LowerCase(call.args.StringOr(kNameField, ""));
  PageRequest request = ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();

  std::vector<ParameterGroup> groups(1);
  if (!name.empty()) {
    if (ApiError error = LoadParameterGroup(call, name, &groups[0])) return error;
  } else {
    Page<ParameterGroup> stored;
    if (ApiError error = ListAll(call, &stored)) return error;
    groups = DefaultParameterGroups();
    std::ranges::move(stored.items, std::back_inserter(groups));
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
  return LoadOr(call, ParameterGroupKey(name),
                ParameterGroupNotFound("CacheParameterGroup not found: {}", name), group);
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
  Page<CacheCluster> users;
  auto uses = [&](const CacheCluster& cluster) { return cluster.parameter_group == name; };
  if (ApiError error = ListPage(call, kClusterPrefix, {}, uses, &users)) return error;
  if (users.items.empty()) return NoError();
  return {Fault::kInvalidCacheParameterGroupState,
          fmt::format("One or more cache clusters are still members of this parameter group {}, so "
                      "the group cannot be deleted.",
                      name)};
}

ApiError DeleteCacheParameterGroup(ActionCall& call) {
  std::string name = ReadGroupName(call.args, kNameField);
  if (call.args.error()) return call.args.error();
  std::string key = ParameterGroupKey(name);
  Loaded<ParameterGroup> loaded;
  if (ApiError error = LoadOr(
          call, key, ParameterGroupNotFound("CacheParameterGroup not found: {}", name), &loaded))
    return error;
  if (ApiError error = CheckUnused(call, name)) return error;

  Transaction transaction;
  transaction.compares.push_back({key, loaded.revision});
  transaction.deletes.push_back(key);
  AddEvent(&transaction, {name, std::string(kParameterGroupSource), "Cache parameter group deleted",
                          call.api.now_ms()});
  return Commit(call, transaction);
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

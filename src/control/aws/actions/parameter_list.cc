#include "control/aws/actions/parameter_list.h"

#include <fmt/format.h>

#include "control/aws/actions/loading.h"
#include "control/aws/actions/parameter_group_lookup.h"
#include "control/model/engine_versions.h"
#include "control/model/names.h"
#include "control/model/parameter_groups.h"

namespace kiln {
namespace {

constexpr std::string_view kSystem = "system";
constexpr std::string_view kUser = "user";

std::string_view SourceOf(const ParameterGroup& group, const FamilyParameter& parameter) {
  bool is_changed = group.values.count(std::string(parameter.name)) != 0;
  return is_changed && !FindDefaultParameterGroup(group.name) ? kUser : kSystem;
}

std::string_view ChangeTypeText(bool needs_reboot) {
  return needs_reboot ? "requires-reboot" : "immediate";
}

std::string_view OldestVersion(std::string_view family) {
  for (const EngineVersion& row : AllEngineVersions()) {
    if (row.family == family) return row.version;
  }
  return {};
}

void WriteParameter(XmlWriter& out, const ParameterGroup& group, const FamilyParameter& parameter) {
  std::string value = ValueIn(group, parameter);
  out.Text("ParameterName", parameter.name);
  // AWS tells an empty value only of parameters whose values it lists.
  if (!value.empty() || !parameter.allowed.empty()) out.Text("ParameterValue", value);
  out.Text("Description", parameter.help);
  out.Text("Source", SourceOf(group, parameter));
  out.Text("DataType", parameter.type);
  out.OptionalText("AllowedValues", parameter.allowed);
  out.Bool("IsModifiable", parameter.modifiable == Modifiable::kYes);
  std::string_view minimum = parameter.minimum_version;
  out.OptionalText("MinimumEngineVersion", minimum.empty() ? OldestVersion(group.family) : minimum);
  out.Text("ChangeType", ChangeTypeText(parameter.needs_reboot));
}

void WriteNodeTypeParameter(XmlWriter& out, const NodeTypeParameter& parameter,
                            std::string_view family) {
  out.Text("ParameterName", parameter.name);
  out.Text("Description", parameter.help);
  out.Text("Source", kSystem);
  out.Text("DataType", "integer");
  out.Text("AllowedValues", "0-");
  out.Bool("IsModifiable", false);
  out.OptionalText("MinimumEngineVersion", OldestVersion(family));
  out.List("CacheNodeTypeSpecificValues", "CacheNodeTypeSpecificValue", AllNodeTypes(),
           [&](const NodeType& type) {
             out.Text("CacheNodeType", type.name);
             out.Integer("Value", parameter.value(type));
           });
  out.Text("ChangeType", ChangeTypeText(true));
}

// Both lists of a group, after what stands before its marker. Those of the node types, which are
// few, come with the first page: clients put the lists of all pages together.
void WriteLists(ActionCall& call, const ParameterGroup& group, const FamilyRow& family,
                std::string_view source) {
  PageRequest request = ReadPageRequest(call.args);
  std::vector<const FamilyParameter*> parameters = ParametersOf(family.family);
  std::erase_if(parameters, [&](const FamilyParameter* parameter) {
    return !source.empty() && SourceOf(group, *parameter) != source;
  });
  auto page = CutPage(std::move(parameters), request, [](const FamilyParameter* parameter) {
    return std::string(parameter->name);
  });
  std::vector<NodeTypeParameter> of_node_types;
  if (request.after.empty() && (source.empty() || source == kSystem)) {
    of_node_types = NodeTypeParametersOf(family.family);
  }
  XmlWriter& out = call.out;
  out.OptionalText("Marker", page.marker);
  out.List("Parameters", "Parameter", page.items,
           [&](const FamilyParameter* parameter) { WriteParameter(out, group, *parameter); });
  out.List("CacheNodeTypeSpecificParameters", "CacheNodeTypeSpecificParameter", of_node_types,
           [&](const NodeTypeParameter& parameter) {
             WriteNodeTypeParameter(out, parameter, family.name);
           });
}

}  // namespace

ApiError DescribeCacheParameters(ActionCall& call) {
  std::string name = LowerCase(call.args.Required("CacheParameterGroupName"));
  std::string source = call.args.OneOf("Source", {kUser, kSystem, "engine-default"}).value_or("");
  ReadPageRequest(call.args);
  if (call.args.error()) return call.args.error();

  ParameterGroup group;
  if (ApiError error = LoadParameterGroup(call, name, &group)) return error;
  const FamilyRow* family = FindFamily(group.family);
  if (family == nullptr) return {Fault::kInternalFailure, InvalidFamilyText(group.family)};
  WriteLists(call, group, *family, source);
  return NoError();
}

ApiError DescribeEngineDefaultParameters(ActionCall& call) {
  std::string name = LowerCase(call.args.Required("CacheParameterGroupFamily"));
  ReadPageRequest(call.args);
  const FamilyRow* family = FindFamily(name);
  if (family == nullptr) call.args.Fail(Fault::kInvalidParameterValue, InvalidFamilyText(name));
  if (call.args.error()) return call.args.error();

  ParameterGroup defaults;
  defaults.family = name;
  call.out.Element("EngineDefaults", [&] {
    call.out.Text("CacheParameterGroupFamily", name);
    WriteLists(call, defaults, *family, "");
  });
  return NoError();
}

}  // namespace kiln

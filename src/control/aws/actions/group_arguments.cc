#include "control/aws/actions/group_arguments.h"

#include <fmt/format.h>

#include "control/model/names.h"

namespace kiln {

std::string ReadGroupName(Arguments& args, std::string_view field) {
  std::string name = args.Required(field);
  if (!name.empty() && !IsIdentifier(name, kMaxGroupNameBytes)) {
    args.Fail(Fault::kInvalidParameterValue,
              fmt::format("The parameter {} is not a valid identifier. Identifiers must begin with "
                          "a letter; must contain only ASCII letters, digits, and hyphens; and "
                          "must not end with a hyphen or contain two consecutive hyphens.",
                          field));
  }
  return LowerCase(name);
}

Tags ReadTags(Arguments& args) {
  Tags tags;
  for (Arguments& item : args.Structures("Tags", "Tag")) {
    std::string key = item.StringOr("Key", "");
    std::string value = item.StringOr("Value", "");
    std::string problem = TagProblem(key, value);
    if (!problem.empty()) args.Fail(Fault::kInvalidParameterValue, problem);
    if (!tags.emplace(key, value).second) {
      args.Fail(Fault::kInvalidParameterValue, fmt::format("The tag key {} is given twice.", key));
    }
  }
  if (tags.size() > kMaxTags) {
    args.Fail(Fault::kTagQuotaPerResourceExceeded,
              fmt::format("A resource can have at most {} tags.", kMaxTags));
  }
  return tags;
}

}  // namespace kiln

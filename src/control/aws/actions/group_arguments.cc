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

}  // namespace kiln

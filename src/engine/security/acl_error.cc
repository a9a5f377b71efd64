#include "engine/security/acl_error.h"

#include <array>
#include <cstddef>

namespace kiln {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(AclError::kCount)> kTexts = {
    "",
    "Syntax error",
    "Unknown command or category name in ACL",
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns",
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels",
    "The password you are trying to remove from the user does not exist",
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters",
    "Allowing first-arg of a subcommand is not supported",
};

}  // namespace

std::string_view TextOf(AclError error) {
  return kTexts[static_cast<size_t>(error)];
}

}  // namespace kiln

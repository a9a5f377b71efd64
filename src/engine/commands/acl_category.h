// The ACL categories of commands: what COMMAND INFO and ACL CAT call "@read", "@fast" and so on.
//
// Most stand in a command's row; some follow from its flags, as in Redis. Constant data; any
// thread.
#pragma once

#include <span>
#include <string_view>

#include "engine/commands/command.h"

namespace kiln {

struct AclCategory {
  std::string_view name;  // lower case, without "@"
  Acl member;             // kNone: decided by the flags
  uint32_t flags;         // any of these puts a command into the category
};

// In the order in which Redis tells them.
std::span<const AclCategory> AclCategories();
// By name in any case, without "@"; null when there is none.
const AclCategory* FindAclCategory(std::string_view name);
bool IsInCategory(const Command& command, const AclCategory& category);

}  // namespace kiln

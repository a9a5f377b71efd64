// The ACL file: one line for each user, "user NAME rules", as ACL LIST prints them.
//
// It is read as a whole or not at all, and written anew by ACL SAVE; so comments are errors. Source
// of the format and of the texts of errors: Redis 7.2. Thread safety: none needed, nothing is kept.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/security/acl_user.h"

namespace kiln {

using AclUsers = std::map<std::string, std::unique_ptr<AclUser>, std::less<>>;

// What is wrong in the text, in one line that names `path`; empty when nothing is. `users` gets the
// users in any case.
std::string ParseAclFile(std::string_view text, const std::string& path,
                         const CommandTable& commands, ChannelDefault channels, AclUsers* users);
// "default on nopass ...", without "user".
std::string AclLine(const AclUser& user);
std::string FormatAclFile(const AclUsers& users);

}  // namespace kiln

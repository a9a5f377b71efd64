// Fuzz target: any rules make a user whose description makes the same user, and any ACL file that
// can be read comes out of ACL SAVE as one that can be read, and means the same.

#include <cstdint>
#include <cstdlib>

#include "base/check.h"
#include "engine/security/acl_file.h"
#include "engine/security/acl_fixture.h"

namespace kiln {
namespace {

const CommandTable& Table() {
  return AclTestTable();
}

void TryRules(std::string_view text) {
  AclUser user("u", Table(), ChannelDefault::kResetChannels);
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    (void)user.Add(text.substr(0, end), ChannelDefault::kResetChannels);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  AclUsers users;
  std::string line = "user u " + user.Describe();
  KILN_CHECK(ParseAclFile(line, "f", Table(), ChannelDefault::kResetChannels, &users).empty());
  KILN_CHECK(users.begin()->second->Describe() == user.Describe());
}

void TryFile(std::string_view text) {
  AclUsers users;
  if (!ParseAclFile(text, "f", Table(), ChannelDefault::kResetChannels, &users).empty()) return;
  std::string saved = FormatAclFile(users);
  AclUsers again;
  KILN_CHECK(ParseAclFile(saved, "f", Table(), ChannelDefault::kResetChannels, &again).empty());
  KILN_CHECK(FormatAclFile(again) == saved);
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? kiln::TryRules(text) : kiln::TryFile(text);
  return 0;
}

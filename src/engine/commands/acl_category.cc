#include "engine/commands/acl_category.h"

namespace kiln {
namespace {

// clang-format off
constexpr AclCategory kCategories[] = {
  // name          member             flags
  {"keyspace",     Acl::kKeyspace,    0},
  {"read",         Acl::kNone,        kReadOnly},
  {"write",        Acl::kNone,        kWrite},
  {"set",          Acl::kSet,         0},
  {"sortedset",    Acl::kSortedSet,   0},
  {"list",         Acl::kList,        0},
  {"hash",         Acl::kHash,        0},
  {"string",       Acl::kString,      0},
  {"bitmap",       Acl::kBitmap,      0},
  {"hyperloglog",  Acl::kHyperLogLog, 0},
  {"geo",          Acl::kGeo,         0},
  {"stream",       Acl::kStream,      0},
  {"pubsub",       Acl::kNone,        kPubSub},
  {"admin",        Acl::kAdministration, kAdmin},
  {"fast",         Acl::kNone,        kFast},
  {"slow",         Acl::kNone,        0},  // whatever is not fast
  {"blocking",     Acl::kNone,        kBlocking},
  {"dangerous",    Acl::kDangerous,   kAdmin},
  {"connection",   Acl::kConnection,  0},
  {"transaction",  Acl::kTransaction, 0},
  {"scripting",    Acl::kScripting,   0},
};
// clang-format on

bool IsSameName(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::span<const AclCategory> AclCategories() {
  return kCategories;
}

const AclCategory* FindAclCategory(std::string_view name) {
  for (const AclCategory& category : kCategories) {
    if (IsSameName(name, category.name)) return &category;
  }
  return nullptr;
}

bool IsInCategory(const Command& command, const AclCategory& category) {
  if (category.name == "slow") return !command.Is(kFast);
  // What a script does is not known from its command.
  if (category.name == "read" && Has(command.acl, Acl::kScripting)) return false;
  return command.Is(category.flags) || Has(command.acl, category.member);
}

}  // namespace kiln

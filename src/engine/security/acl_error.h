// What can be wrong with a rule of a user, and how Redis says it.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

enum class AclError : uint8_t {
  kNone,
  kSyntax,
  kUnknownCommand,  // or category
  kKeysAfterAll,
  kChannelsAfterAll,
  kNoSuchPassword,
  kBadHash,
  kSubcommandArgument,
  kCount,
};

std::string_view TextOf(AclError error);

}  // namespace kiln

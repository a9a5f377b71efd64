// For tests of this layer: a command table of some groups, and users made of rules in one line.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/command_table.h"
#include "engine/commands/groups.h"
#include "engine/security/acl_user.h"

namespace kiln {

inline const CommandTable& AclTestTable() {
  static const std::array groups = {
      AclCommands(),          ConfigCommands(),      ConnectionCommands(),
      ClientCommands(),       DebugCommands(),       ExpireCommands(),
      HashCommands(),         KeyCommands(),         ListCommands(),
      PubSubCommands(),       ScriptingCommands(),   SetCombineCommands(),
      SetCommands(),          SortCommands(),        StringCommands(),
      StringNumberCommands(), TransactionCommands(), BitFieldCommands(),
      MemoryCommands(),       ServerCommands(),      SortedSetCombineCommands(),
  };
  static const CommandTable table(groups, CommandTable::Case::kAny);
  return table;
}

inline std::vector<std::string_view> SplitWords(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// Adds the rules up to the first that is wrong.
inline AclError AddRules(std::string_view line, AclUser* user,
                         ChannelDefault channels = ChannelDefault::kResetChannels) {
  std::vector<std::string> rules;
  std::string_view unmatched;
  std::vector<std::string_view> words = SplitWords(line);
  if (!MergeSelectors(words, &rules, &unmatched)) return AclError::kSyntax;
  for (const std::string& rule : rules) {
    if (AclError error = user->Add(rule, channels); error != AclError::kNone) return error;
  }
  return AclError::kNone;
}

inline AclUser UserWith(std::string_view rules) {
  AclUser user("alice", AclTestTable(), ChannelDefault::kResetChannels);
  (void)AddRules(rules, &user);
  return user;
}

// "" when the user may send the request, else what it may not use: "command", or the key or
// channel.
inline std::string DeniedTo(const AclUser& user, std::string_view request) {
  std::vector<std::string_view> words = SplitWords(request);
  const Command* command = AclTestTable().Find(words);
  if (command == nullptr) return "unknown";
  Denial denial = user.Check(*command, words);
  if (!denial) return "";
  if (denial.reason == DenialReason::kCommand) return "command";
  return std::string(words[denial.position]);
}

}  // namespace kiln

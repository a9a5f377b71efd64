// AclSelector: one set of rules of a user: commands, keys and channels that go together.
//
// A user may do what any of its selectors allows as a whole. The rules are those of Redis 7.2's ACL
// SETUSER: +command -command +@category allcommands nocommands +command|subcommand
// +command|first-argument ~pattern %R~pattern %W~pattern allkeys resetkeys &pattern allchannels
// resetchannels. The command rules are kept as they were given, less those that a later one makes
// pointless, so that ACL LIST shows what was meant.
//
// Thread safety: as that of the user it belongs to (acl_registry.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/access_control.h"
#include "engine/commands/command_table.h"
#include "engine/security/acl_error.h"
#include "params/settings.h"

namespace kiln {

// The keys of a request, found at first use: users with several selectors look several times.
class AclRequest {
 public:
  AclRequest(const Command& command, Arguments arguments)
      : command_(command), arguments_(arguments) {}

  const Command& command() const { return command_; }
  Arguments arguments() const { return arguments_; }
  // None when they cannot be told: the command will fail.
  const std::vector<uint32_t>& KeyPositions();

 private:
  const Command& command_;
  Arguments arguments_;
  bool has_positions_ = false;
  std::vector<uint32_t> positions_;
};

class AclSelector {
 public:
  // One that allows nothing, but channels if they are allowed by default. The table must outlive
  // it.
  AclSelector(const CommandTable& commands, ChannelDefault channels);

  // Adds one rule; after an error nothing has changed.
  AclError Add(std::string_view rule);

  Denial Check(AclRequest& request) const;
  bool MayReadAllKeys() const;
  bool MayHaveKey(std::string_view key) const;  // to do whatever with it
  bool MayUseChannel(std::string_view name, bool is_pattern) const;
  bool AllowsAllChannels() const { return all_channels_; }
  bool AllowsEverything() const { return all_commands_ && all_keys_ && all_channels_; }
  const std::vector<std::string>& channels() const { return channels_; }

  std::string DescribeCommands() const;  // "-@all +get"
  std::string DescribeKeys() const;      // "%R~a* ~b*"
  std::string DescribeChannels() const;  // "&news.*"
  // All of it, as rules that make it anew.
  std::string Describe() const;

 private:
  struct KeyPattern {
    uint8_t rights;
    std::string pattern;
  };

  AclError AddKeys(std::string_view rule);
  AclError AddChannels(std::string_view rule);
  AclError AddCommand(std::string_view rule, bool allow);
  AclError AddFirstArgument(std::string_view command_name, std::string_view argument);
  AclError AddCategory(std::string_view rule, bool allow);
  void SetAllCommands(bool allow);
  void Set(const Command& command, bool allow);
  void Remember(std::string_view rule, bool allow);
  bool MayRun(const Command& command, Arguments arguments) const;
  bool MayUseKey(std::string_view key, uint8_t access) const;

  const CommandTable* commands_;
  // Everything is allowed, and nothing was taken away since.
  bool all_commands_ = false;
  bool all_keys_ = false;
  bool all_channels_;
  bool starts_with_all_ = false;            // the rules begin with +@all, not -@all
  std::vector<bool> allowed_;               // by command number
  std::vector<std::string> command_rules_;  // behind +@all or -@all: "+get", "-@set"
  std::map<uint32_t, std::vector<std::string>> first_arguments_;  // by command number
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
};

// The row with this full name in any case, "config|get"; null when there is none. Renamed commands
// keep their rows' names here.
const Command* FindAclCommand(const CommandTable& commands, std::string_view name);
// "config|get".
std::string LowerText(std::string_view text);
// Spaces and zero bytes would not survive being written to a file.
bool HasSpaces(std::string_view text);

}  // namespace kiln

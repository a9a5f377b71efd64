#include "engine/security/acl_selector.h"

#include <algorithm>

#include "base/glob.h"
#include "engine/commands/acl_category.h"
#include "engine/commands/argument_cursor.h"
#include "engine/commands/key_access.h"

namespace kiln {
namespace {

constexpr uint8_t kMayRead = 1;
constexpr uint8_t kMayWrite = 2;

// What a key pattern must grant for an access. Nothing: any pattern will do.
uint8_t RightsFor(uint8_t access) {
  uint8_t rights = 0;
  if (access & kKeyAccess) rights |= kMayRead;
  if (access & (kKeyUpdate | kKeyInsert | kKeyDelete)) rights |= kMayWrite;
  return rights;
}

// Commands that name channels; leaving a channel needs no right.
struct ChannelRow {
  std::string_view command;
  bool only_first;
  bool is_pattern;
};
constexpr ChannelRow kChannelRows[] = {
    {"PSUBSCRIBE", false, true},  {"PUBLISH", true, false},    {"SPUBLISH", true, false},
    {"SSUBSCRIBE", false, false}, {"SUBSCRIBE", false, false},
};

const ChannelRow* FindChannelRow(const Command& command) {
  if (!command.Is(kPubSub)) return nullptr;
  for (const ChannelRow& row : kChannelRows) {
    if (row.command == command.name) return &row;
  }
  return nullptr;
}

std::string UpperText(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

template <class List, class F>
std::string Join(const List& list, F&& text_of) {
  std::string joined;
  for (const auto& item : list) {
    if (!joined.empty()) joined += ' ';
    joined += text_of(item);
  }
  return joined;
}

}  // namespace

std::string LowerText(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool HasSpaces(std::string_view text) {
  constexpr std::string_view kSpaces(" \t\n\v\f\r\0", 7);
  return text.find_first_of(kSpaces) != std::string_view::npos;
}

const Command* FindAclCommand(const CommandTable& commands, std::string_view name) {
  std::string upper = UpperText(name);
  auto all = commands.all();
  auto found = std::lower_bound(
      all.begin(), all.end(), upper,
      [](const Command* command, const std::string& wanted) { return command->name < wanted; });
  return found != all.end() && (*found)->name == upper ? *found : nullptr;
}

const std::vector<uint32_t>& AclRequest::KeyPositions() {
  if (has_positions_) return positions_;
  has_positions_ = true;
  if (!kiln::KeyPositions(command_, arguments_, &positions_)) positions_.clear();
  return positions_;
}

AclSelector::AclSelector(const CommandTable& commands, ChannelDefault channels)
    : commands_(&commands),
      all_channels_(channels == ChannelDefault::kAllChannels),
      allowed_(commands.all().size()) {}

// ---- Rules ----

AclError AclSelector::Add(std::string_view rule) {
  if (EqualsWord(rule, "ALLKEYS") || rule == "~*") {
    all_keys_ = true;
    keys_.clear();
  } else if (EqualsWord(rule, "RESETKEYS")) {
    all_keys_ = false;
    keys_.clear();
  } else if (EqualsWord(rule, "ALLCHANNELS") || rule == "&*") {
    all_channels_ = true;
    channels_.clear();
  } else if (EqualsWord(rule, "RESETCHANNELS")) {
    all_channels_ = false;
    channels_.clear();
  } else if (EqualsWord(rule, "ALLCOMMANDS") || EqualsWord(rule, "+@ALL")) {
    SetAllCommands(true);
  } else if (EqualsWord(rule, "NOCOMMANDS") || EqualsWord(rule, "-@ALL")) {
    SetAllCommands(false);
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return AddKeys(rule);
  } else if (rule.starts_with('&')) {
    return AddChannels(rule.substr(1));
  } else if (rule.starts_with("+@") || rule.starts_with("-@")) {
    return AddCategory(rule.substr(1), rule[0] == '+');
  } else if (rule.starts_with('+') || rule.starts_with('-')) {
    return AddCommand(rule.substr(1), rule[0] == '+');
  } else {
    return AclError::kSyntax;
  }
  return AclError::kNone;
}

// ~pattern, or %R~pattern, %W~pattern, %RW~pattern.
AclError AclSelector::AddKeys(std::string_view rule) {
  if (all_keys_) return AclError::kKeysAfterAll;
  uint8_t rights = rule[0] == '~' ? kMayRead | kMayWrite : 0;
  size_t i = 1;
  for (; rule[0] == '%' && i < rule.size(); ++i) {
    char c = rule[i];
    if ((c == 'R' || c == 'r') && !(rights & kMayRead)) {
      rights |= kMayRead;
    } else if ((c == 'W' || c == 'w') && !(rights & kMayWrite)) {
      rights |= kMayWrite;
    } else if (c == '~') {
      ++i;
      break;
    } else {
      return AclError::kSyntax;
    }
  }
  std::string_view pattern = rule.substr(i);
  if (rights == 0 || HasSpaces(pattern)) return AclError::kSyntax;
  auto same = std::find_if(keys_.begin(), keys_.end(),
                           [&](const KeyPattern& key) { return key.pattern == pattern; });
  if (same == keys_.end()) {
    keys_.push_back({rights, std::string(pattern)});
  } else {
    same->rights |= rights;
  }
  return AclError::kNone;
}

AclError AclSelector::AddChannels(std::string_view pattern) {
  if (all_channels_) return AclError::kChannelsAfterAll;
  if (HasSpaces(pattern)) return AclError::kSyntax;
  if (std::find(channels_.begin(), channels_.end(), pattern) == channels_.end())
    channels_.emplace_back(pattern);
  return AclError::kNone;
}

void AclSelector::SetAllCommands(bool allow) {
  allowed_.assign(allowed_.size(), allow);
  all_commands_ = starts_with_all_ = allow;
  command_rules_.clear();
  first_arguments_.clear();
}

// "get", "config|get", or with `allow` "select|0": a first argument of a command without
// subcommands.
AclError AclSelector::AddCommand(std::string_view rule, bool allow) {
  const Command* command = FindAclCommand(*commands_, rule);
  size_t bar = rule.rfind('|');
  if (command == nullptr && (!allow || bar == std::string_view::npos))
    return AclError::kUnknownCommand;
  if (command == nullptr) return AddFirstArgument(rule.substr(0, bar), rule.substr(bar + 1));
  Set(*command, allow);
  Remember(rule, allow);
  return AclError::kNone;
}

AclError AclSelector::AddFirstArgument(std::string_view command_name, std::string_view argument) {
  const Command* command = FindAclCommand(*commands_, command_name);
  if (command == nullptr) return AclError::kUnknownCommand;
  if (command->words > 1) return AclError::kSubcommandArgument;
  if (argument.empty()) return AclError::kSyntax;
  if (command->Is(kContainer)) return AclError::kUnknownCommand;
  std::string rule = LowerText(command_name) + "|" + LowerText(argument);
  if (HasSpaces(rule)) return AclError::kSyntax;
  auto& arguments = first_arguments_[command->number];
  std::string upper = UpperText(argument);
  if (std::find(arguments.begin(), arguments.end(), upper) == arguments.end())
    arguments.push_back(std::move(upper));
  Remember(rule, true);
  return AclError::kNone;
}

AclError AclSelector::AddCategory(std::string_view rule, bool allow) {
  const AclCategory* category = FindAclCategory(rule.substr(1));
  if (category == nullptr) return AclError::kUnknownCommand;
  for (const Command* command : commands_->all()) {
    if (IsInCategory(*command, *category)) Set(*command, allow);
  }
  Remember(rule, allow);
  return AclError::kNone;
}

// A container stands for its subcommands too.
void AclSelector::Set(const Command& command, bool allow) {
  allowed_[command.number] = allow;
  first_arguments_.erase(command.number);
  if (!allow) all_commands_ = false;
  if (!command.Is(kContainer)) return;
  for (const Command* child : commands_->Children(command)) allowed_[child->number] = allow;
}

// Takes the place of earlier rules about the same, or about subcommands of it.
void AclSelector::Remember(std::string_view rule, bool allow) {
  std::string lower = LowerText(rule);
  std::erase_if(command_rules_, [&](std::string_view old) {
    old.remove_prefix(1);
    return old.starts_with(lower) && (old.size() == lower.size() || old[lower.size()] == '|');
  });
  command_rules_.push_back((allow ? '+' : '-') + lower);
}

// ---- Checks ----

bool AclSelector::MayRun(const Command& command, Arguments arguments) const {
  if (all_commands_ || command.Is(kNoAuth) || allowed_[command.number]) return true;
  auto found = first_arguments_.find(command.number);
  if (found == first_arguments_.end() || arguments.size() < 2) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& word) { return EqualsWord(arguments[1], word); });
}

bool AclSelector::MayUseKey(std::string_view key, uint8_t access) const {
  uint8_t rights = RightsFor(access);
  return std::any_of(keys_.begin(), keys_.end(), [&](const KeyPattern& pattern) {
    return (pattern.rights & rights) == rights && GlobMatches(pattern.pattern, key);
  });
}

bool AclSelector::MayUseChannel(std::string_view name, bool is_pattern) const {
  if (all_channels_) return true;
  return std::any_of(channels_.begin(), channels_.end(), [&](const std::string& pattern) {
    return is_pattern ? pattern == name : GlobMatches(pattern, name);
  });
}

bool AclSelector::MayReadAllKeys() const {
  if (all_keys_) return true;
  return std::any_of(keys_.begin(), keys_.end(), [](const KeyPattern& pattern) {
    return (pattern.rights & kMayRead) != 0 && pattern.pattern == "*";
  });
}

bool AclSelector::MayHaveKey(std::string_view key) const {
  return all_keys_ || MayUseKey(key, 0);
}

Denial AclSelector::Check(AclRequest& request) const {
  const Command& command = request.command();
  Arguments arguments = request.arguments();
  if (!MayRun(command, arguments)) return {DenialReason::kCommand, 0};
  if (!all_keys_ && command.keys.any()) {
    const auto& positions = request.KeyPositions();
    for (size_t i = 0; i < positions.size(); ++i) {
      uint32_t position = positions[i];
      if (!MayUseKey(arguments[position], KeyAccessOf(command, i, arguments)))
        return {DenialReason::kKey, position};
    }
  }
  const ChannelRow* channels = all_channels_ ? nullptr : FindChannelRow(command);
  if (channels == nullptr) return {};
  size_t end = channels->only_first ? 2 : arguments.size();
  for (size_t i = 1; i < end; ++i) {
    if (!MayUseChannel(arguments[i], channels->is_pattern))
      return {DenialReason::kChannel, static_cast<uint32_t>(i)};
  }
  return {};
}

// ---- Descriptions ----

std::string AclSelector::DescribeCommands() const {
  std::string text = starts_with_all_ ? "+@all" : "-@all";
  for (const std::string& rule : command_rules_) text.append(" ").append(rule);
  return text;
}

std::string AclSelector::DescribeKeys() const {
  if (all_keys_) return "~*";
  constexpr std::string_view kPrefixes[] = {"", "%R~", "%W~", "~"};
  return Join(keys_, [&](const KeyPattern& key) {
    // "~*" would forbid the patterns behind it.
    bool is_all = key.pattern == "*" && key.rights == (kMayRead | kMayWrite);
    return std::string(is_all ? "%RW~" : kPrefixes[key.rights]) + key.pattern;
  });
}

std::string AclSelector::DescribeChannels() const {
  if (all_channels_) return "&*";
  return Join(channels_, [](const std::string& pattern) { return "&" + pattern; });
}

std::string AclSelector::Describe() const {
  std::string text = DescribeKeys();
  if (!text.empty()) text += ' ';
  if (!all_channels_) text += "resetchannels ";
  std::string channels = DescribeChannels();
  if (!channels.empty()) text += channels + ' ';
  return text + DescribeCommands();
}

}  // namespace kiln

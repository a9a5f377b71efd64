#include "engine/security/acl_user.h"

#include <algorithm>

#include "base/split_args.h"
#include "engine/commands/argument_cursor.h"
#include "engine/security/acl_password.h"

namespace kiln {

AclUser::AclUser(std::string_view name, const CommandTable& commands, ChannelDefault channels)
    : name_(name), commands_(&commands) {
  selectors_.emplace_back(commands, channels);
}

bool AclUser::is_limited() const {
  return std::none_of(selectors_.begin(), selectors_.end(),
                      [](const AclSelector& selector) { return selector.AllowsEverything(); });
}

// ---- Rules ----

AclError AclUser::Add(std::string_view rule, ChannelDefault channels) {
  if (rule.empty() || AddFlag(rule)) return AclError::kNone;
  if (rule[0] == '>' || rule[0] == '#') return AddPassword(rule);
  if (rule[0] == '<' || rule[0] == '!') return RemovePassword(rule);
  if (rule.size() >= 2 && rule[0] == '(' && rule.back() == ')')
    return AddSelector(rule.substr(1, rule.size() - 2), channels);
  if (EqualsWord(rule, "CLEARSELECTORS")) {
    selectors_.resize(1, selectors_.front());
  } else if (EqualsWord(rule, "RESET")) {
    Reset(channels);
  } else {
    return selectors_.front().Add(rule);
  }
  return AclError::kNone;
}

bool AclUser::AddFlag(std::string_view rule) {
  if (EqualsWord(rule, "ON") || EqualsWord(rule, "OFF")) {
    is_on_ = EqualsWord(rule, "ON");
  } else if (EqualsWord(rule, "NOPASS") || EqualsWord(rule, "RESETPASS")) {
    needs_no_password_ = EqualsWord(rule, "NOPASS");
    passwords_.clear();
  } else if (EqualsWord(rule, "SANITIZE-PAYLOAD") || EqualsWord(rule, "SKIP-SANITIZE-PAYLOAD")) {
    skips_sanitizing_ = EqualsWord(rule, "SKIP-SANITIZE-PAYLOAD");
  } else {
    return false;
  }
  return true;
}

AclError AclUser::AddPassword(std::string_view rule) {
  std::string_view text = rule.substr(1);
  if (rule[0] == '#' && !IsPasswordHash(text)) return AclError::kBadHash;
  std::string hash = rule[0] == '#' ? std::string(text) : HashPassword(text);
  needs_no_password_ = false;
  if (std::find(passwords_.begin(), passwords_.end(), hash) == passwords_.end())
    passwords_.push_back(std::move(hash));
  return AclError::kNone;
}

AclError AclUser::RemovePassword(std::string_view rule) {
  std::string_view text = rule.substr(1);
  if (rule[0] == '!' && !IsPasswordHash(text)) return AclError::kBadHash;
  std::string hash = rule[0] == '!' ? std::string(text) : HashPassword(text);
  return std::erase(passwords_, hash) > 0 ? AclError::kNone : AclError::kNoSuchPassword;
}

// What would not come back as it is from a file is refused, unlike in Redis: quotes, and words that
// end a selector too early.
AclError AclUser::AddSelector(std::string_view rules, ChannelDefault channels) {
  if (rules.find_first_of("\"'") != std::string_view::npos) return AclError::kSyntax;
  auto words = SplitArgs(rules);
  if (!words) return AclError::kSyntax;
  AclSelector selector(*commands_, channels);
  for (const std::string& word : *words) {
    if (word.ends_with(')')) return AclError::kSyntax;
    if (AclError error = selector.Add(word); error != AclError::kNone) return error;
  }
  selectors_.push_back(std::move(selector));
  return AclError::kNone;
}

void AclUser::Reset(ChannelDefault channels) {
  *this = AclUser(std::string(name_), *commands_, channels);
}

bool MergeSelectors(std::span<const std::string_view> words, std::vector<std::string>* rules,
                    std::string_view* unmatched) {
  bool is_open = false;
  for (std::string_view word : words) {
    if (is_open) {
      rules->back().append(" ").append(word);
      is_open = !word.ends_with(')');
      continue;
    }
    is_open = word.starts_with('(') && !word.ends_with(')');
    if (is_open) *unmatched = word;
    rules->emplace_back(word);
  }
  return !is_open;
}

// ---- Checks ----

bool AclUser::IsPassword(std::string_view hash) const {
  if (needs_no_password_) return true;
  bool is_right = false;
  for (const std::string& password : passwords_) is_right |= IsSameHash(password, hash);
  return is_right;
}

Denial AclUser::Check(const Command& command, Arguments arguments) const {
  AclRequest request(command, arguments);
  Denial worst{DenialReason::kCommand, 0};
  for (const AclSelector& selector : selectors_) {
    Denial denial = selector.Check(request);
    if (!denial) return denial;
    if (denial.reason > worst.reason ||
        (denial.reason == worst.reason && denial.position > worst.position)) {
      worst = denial;
    }
  }
  return worst;
}

bool AclUser::MayReadAllKeys(const Command& command, Arguments arguments) const {
  AclRequest request(command, arguments);
  return std::any_of(selectors_.begin(), selectors_.end(), [&](const AclSelector& selector) {
    return !selector.Check(request) && selector.MayReadAllKeys();
  });
}

bool AclUser::MayHaveKey(std::string_view key) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const AclSelector& selector) { return selector.MayHaveKey(key); });
}

bool AclUser::MayUseChannel(std::string_view name, bool is_pattern) const {
  return std::any_of(selectors_.begin(), selectors_.end(), [&](const AclSelector& selector) {
    return selector.MayUseChannel(name, is_pattern);
  });
}

bool AclUser::KeepsChannelsOf(const AclUser& before) const {
  auto has_all = [](const AclSelector& selector) { return selector.AllowsAllChannels(); };
  if (std::any_of(selectors_.begin(), selectors_.end(), has_all)) return true;
  auto keeps = [&](const std::string& pattern) {
    return std::any_of(selectors_.begin(), selectors_.end(), [&](const AclSelector& selector) {
      const auto& channels = selector.channels();
      return std::find(channels.begin(), channels.end(), pattern) != channels.end();
    });
  };
  return std::all_of(
      before.selectors_.begin(), before.selectors_.end(), [&](const AclSelector& selector) {
        return !selector.AllowsAllChannels() &&
               std::all_of(selector.channels().begin(), selector.channels().end(), keeps);
      });
}

// ---- Descriptions ----

std::vector<std::string_view> AclUser::Flags() const {
  std::vector<std::string_view> flags = {is_on_ ? "on" : "off"};
  if (needs_no_password_) flags.push_back("nopass");
  flags.push_back(skips_sanitizing_ ? "skip-sanitize-payload" : "sanitize-payload");
  return flags;
}

std::string AclUser::Describe() const {
  std::string text;
  for (std::string_view flag : Flags()) text.append(flag).append(" ");
  for (const std::string& hash : passwords_) text.append("#").append(hash).append(" ");
  text += selectors_.front().Describe();
  for (size_t i = 1; i < selectors_.size(); ++i)
    text.append(" (").append(selectors_[i].Describe()).append(")");
  return text;
}

}  // namespace kiln

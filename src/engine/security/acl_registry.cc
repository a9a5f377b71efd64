#include "engine/security/acl_registry.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/time.h"
#include "base/whole_file.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/security/acl_password.h"

namespace kiln {
namespace {

constexpr std::string_view kDefaultName = "default";

std::unique_ptr<AclUser> MakeDefaultUser(const CommandTable& commands) {
  auto user = std::make_unique<AclUser>(kDefaultName, commands, ChannelDefault::kResetChannels);
  for (std::string_view rule : {"+@all", "~*", "&*", "on", "nopass"})
    (void)user->Add(rule, ChannelDefault::kResetChannels);
  return user;
}

bool LosesChannel(const Client& client, const AclUser& user) {
  const Subscriptions& all = client.subscriptions;
  auto loses = [&](const auto& names, bool is_pattern) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return !user.MayUseChannel(name, is_pattern);
    });
  };
  return loses(all.patterns, true) || loses(all.channels, false) ||
         loses(all.shard_channels, false);
}

}  // namespace

AclRegistry::AclRegistry(const CommandTable& commands, const Settings& settings, ClientHub& clients)
    : commands_(commands), settings_(settings), clients_(clients) {
  auto user = MakeDefaultUser(commands);
  default_ = user.get();
  users_[std::string(kDefaultName)] = std::move(user);
}

const AclUser* AclRegistry::Find(std::string_view name) const {
  auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}

// ---- Clients ----

void AclRegistry::Assume(Client& client, const AclUser& user) const {
  client.acl_user = &user;
  client.user = user.name();
  client.is_limited = user.is_limited() && !client.is_admin;
}

bool AclRegistry::IsOpen() const {
  return default_->needs_no_password() && default_->is_on();
}

void AclRegistry::Welcome(Client& client) {
  Assume(client, *default_);
  client.authenticated = client.is_admin || IsOpen();
}

bool AclRegistry::Authenticate(Call& call, std::string_view name, std::string_view password) {
  std::string hash = HashPassword(password);  // also for nobody: the time must not tell who exists
  const AclUser* user = Find(name);
  if (user != nullptr && user->is_on() && user->IsPassword(hash)) {
    Assume(call.client, *user);
    call.client.authenticated = true;
    return true;
  }
  AclLogEntry entry;
  entry.reason = DenialReason::kPassword;
  if (call.client.transaction.active) entry.context = DenialContext::kMulti;
  entry.object = call.args.all()[0];
  entry.user = name;
  entry.client = clients_.Describe(call.client);
  log_.Add(std::move(entry), NowMs(), static_cast<size_t>(settings_.acllog_max_len));
  return false;
}

Denial AclRegistry::Check(const Client& client, const Command& command, Arguments arguments) {
  if (client.is_admin || client.acl_user == nullptr) return {};
  return client.acl_user->Check(command, arguments);
}

bool AclRegistry::MayReadAllKeys(const Client& client, const Command& command,
                                 Arguments arguments) {
  if (client.is_admin || client.acl_user == nullptr) return true;
  return client.acl_user->MayReadAllKeys(command, arguments);
}

bool AclRegistry::MayHaveKey(const Client& client, std::string_view key) {
  return client.is_admin || client.acl_user == nullptr || client.acl_user->MayHaveKey(key);
}

std::string AclRegistry::Refuse(const Client& client, const Command& command, Arguments arguments,
                                Denial denial, DenialContext context) {
  AclLogEntry entry;
  entry.reason = denial.reason;
  entry.context = context;
  bool is_command = denial.reason == DenialReason::kCommand;
  entry.object = is_command ? LowerText(command.name) : std::string(arguments[denial.position]);
  entry.user = client.user;
  entry.client = clients_.Describe(client);
  log_.Add(std::move(entry), NowMs(), static_cast<size_t>(settings_.acllog_max_len));
  return DenialText(*client.acl_user, command, arguments, denial, false);
}

std::string DenialText(const AclUser& user, const Command& command, Arguments arguments,
                       Denial denial, bool is_verbose) {
  std::string who = "User " + user.name() + " has no permissions to ";
  std::string_view kind = denial.reason == DenialReason::kKey ? "key" : "channel";
  if (denial.reason == DenialReason::kCommand)
    return who + "run the '" + LowerText(command.name) + "' command";
  if (!is_verbose) return "No permissions to access a " + std::string(kind);
  return who + "access the '" + std::string(arguments[denial.position]) + "' " + std::string(kind);
}

// ---- Changes ----

void AclRegistry::SetDefaultPassword(std::string_view password) {
  std::string rule = password.empty() ? "nopass" : ">" + std::string(password);
  (void)default_->Add("resetpass", settings_.acl_pubsub_default);
  (void)default_->Add(rule, settings_.acl_pubsub_default);
}

std::string AclRegistry::SetUser(std::string_view name, std::span<const std::string_view> words) {
  std::vector<std::string> rules;
  std::string_view unmatched;
  if (!MergeSelectors(words, &rules, &unmatched)) {
    return "Unmatched parenthesis in acl selector starting at '" + UntilZero(unmatched) + "'.";
  }
  ChannelDefault channels = settings_.acl_pubsub_default;
  auto old = users_.find(name);
  bool is_new = old == users_.end();
  AclUser changed = is_new ? AclUser(name, commands_, channels) : *old->second;
  for (const std::string& rule : rules) {
    AclError error = changed.Add(rule, channels);
    if (error == AclError::kNone) continue;
    return "Error in ACL SETUSER modifier '" + UntilZero(rule) + "': " + std::string(TextOf(error));
  }
  if (is_new) {
    users_.emplace(name, std::make_unique<AclUser>(std::move(changed)));
  } else {
    std::swap(*old->second, changed);
    TellClients(changed, *old->second);
  }
  return {};
}

void AclRegistry::TellClients(const AclUser& before, const AclUser& user) {
  bool keeps_channels = user.KeepsChannelsOf(before);
  clients_.ForEach([&](Client& client) {
    if (client.acl_user != &user) return;
    Assume(client, user);
    client.is_plain = client.IsPlain();
    if (!keeps_channels && client.subscriptions.any() && !client.is_admin &&
        LosesChannel(client, user)) {
      clients_.Kill(client);
    }
  });
}

void AclRegistry::CloseClientsOf(const AclUser& user, Client* caller) {
  clients_.ForEach([&](Client& client) {
    if (client.acl_user != &user) return;
    Assume(client, *default_);
    if (client.is_admin) return;
    client.authenticated = false;
    &client == caller ? client.CloseAfterReply() : clients_.Kill(client);
  });
}

bool AclRegistry::DeleteUser(std::string_view name, Client* caller) {
  auto found = users_.find(name);
  if (found == users_.end() || found->second.get() == default_) return false;
  auto user = std::move(found->second);
  users_.erase(found);
  CloseClientsOf(*user, caller);
  return true;
}

// ---- Files ----

std::string AclRegistry::AddConfigured(const std::vector<std::vector<std::string>>& lines) {
  for (const std::vector<std::string>& line : lines) {
    const std::string& name = line.front();
    if (HasSpaces(name)) return "Spaces not allowed in ACL usernames";
    if (name == kDefaultName) (void)default_->Add("reset", settings_.acl_pubsub_default);
    std::vector<std::string_view> words(line.begin() + 1, line.end());
    if (std::string error = SetUser(name, words); !error.empty())
      return "Error loading the rules of the user named '" + name + "': " + error;
    if (Find(name)->is_on()) continue;
    Log(LogLevel::kNotice, "The user '" + name +
                               "' is disabled (there is no 'on' modifier in the user "
                               "description). Make sure this is not a configuration error.");
  }
  return {};
}

std::string AclRegistry::LoadFile(Client* caller) {
  const std::string& path = settings_.aclfile;
  std::string text;
  if (!ReadWholeFile(path, &text))
    return "Error loading ACLs, opening file '" + path + "': " + std::strerror(errno);
  AclUsers fresh;
  std::string errors = ParseAclFile(text, path, commands_, settings_.acl_pubsub_default, &fresh);
  if (!errors.empty()) {
    return errors +
           "WARNING: ACL errors detected, no change to the previously active ACL rules was "
           "performed";
  }
  auto& slot = fresh[std::string(kDefaultName)];
  if (slot == nullptr) slot = MakeDefaultUser(commands_);
  AclUser before = std::exchange(*default_, std::move(*slot));
  slot = std::move(users_[std::string(kDefaultName)]);  // clients point to this object
  std::swap(users_, fresh);
  TellClients(before, *default_);
  for (const auto& [name, user] : fresh) {
    if (user != nullptr) CloseClientsOf(*user, caller);
  }
  return {};
}

bool AclRegistry::SaveFile() const {
  if (ReplaceFile(settings_.aclfile, FormatAclFile(users_))) return true;
  Log(LogLevel::kWarning, std::string("Writing ACL file for ACL SAVE: ") + std::strerror(errno));
  return false;
}

std::vector<std::string> AclRegistry::ConfigLines() const {
  std::vector<std::string> lines;
  if (!settings_.aclfile.empty()) return lines;
  for (const auto& [name, user] : users_) lines.push_back(AclLine(*user));
  return lines;
}

}  // namespace kiln

// AclRegistry: the users, and which client is which.
//
// A client holds a pointer to its user. Users are changed in place under the Gate alone, so whoever
// is inside may read them without a lock; a user that goes takes its clients along.
//
// Thread safety: functions marked "alone" need the Gate alone, or are for the start; the others may
// be called by any worker that is inside.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/access_control.h"
#include "engine/commands/services.h"
#include "engine/security/acl_file.h"
#include "engine/security/acl_log.h"
#include "engine/security/acl_user.h"

namespace kiln {

class AclRegistry final : public AccessControl {
 public:
  // There is the default user, who may do everything. What is given must outlive the registry.
  AclRegistry(const CommandTable& commands, const Settings& settings, ClientHub& clients);

  void Welcome(Client& client) override;
  bool Authenticate(Call& call, std::string_view user, std::string_view password) override;
  bool IsOpen() const override;
  bool DefaultHasNoPassword() const override { return default_->needs_no_password(); }
  bool HasUser(std::string_view name) const override { return Find(name) != nullptr; }
  Denial Check(const Client& client, const Command& command, Arguments arguments) override;
  bool MayReadAllKeys(const Client& client, const Command& command, Arguments arguments) override;
  bool MayHaveKey(const Client& client, std::string_view key) override;
  std::string Refuse(const Client& client, const Command& command, Arguments arguments,
                     Denial denial, DenialContext context) override;

  // Null when there is none.
  const AclUser* Find(std::string_view name) const;
  const AclUsers& users() const { return users_; }
  AclLog& log() { return log_; }
  const AclLog& log() const { return log_; }

  // All that follows: alone.
  // The parameter requirepass: the default user's only password; empty: it needs none.
  void SetDefaultPassword(std::string_view password);
  // Applies the rules to a user, or makes one. The text of an error, after which nothing has
  // changed; empty when there is none.
  std::string SetUser(std::string_view name, std::span<const std::string_view> words);
  // False when there is none. Its clients are closed; `caller` when it has its reply.
  bool DeleteUser(std::string_view name, Client* caller);
  // The "user" lines of redis.conf. The text of an error, or empty.
  std::string AddConfigured(const std::vector<std::vector<std::string>>& lines);
  // Replaces all users by those of the file, as parameter aclfile names it. The clients of all but
  // the default user are closed. The text of an error, after which nothing has changed, or empty.
  std::string LoadFile(Client* caller);
  // False, with a line in the log.
  bool SaveFile() const;
  // The users for CONFIG REWRITE; none when there is an ACL file.
  std::vector<std::string> ConfigLines() const;

 private:
  void Assume(Client& client, const AclUser& user) const;
  // Of a change: closes those whom it leaves less channels than they listen to, and looks again at
  // what its other clients need.
  void TellClients(const AclUser& before, const AclUser& user);
  void CloseClientsOf(const AclUser& user, Client* caller);

  const CommandTable& commands_;
  const Settings& settings_;
  ClientHub& clients_;
  AclUsers users_;
  AclUser* default_;  // one of users_, always the same object
  AclLog log_;
};

// "User alice has no permissions to run the 'get' command". With `is_verbose` the key or channel is
// told.
std::string DenialText(const AclUser& user, const Command& command, Arguments arguments,
                       Denial denial, bool is_verbose);

}  // namespace kiln

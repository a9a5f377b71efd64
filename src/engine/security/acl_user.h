// AclUser: somebody who may connect: passwords, and what they may do.
//
// A value: a change is tried on a copy, so that a list of rules holds as a whole or not at all.
// Rules beyond those of a selector (acl_selector.h), as in Redis 7.2: on off nopass resetpass
// >password <password #hash !hash sanitize-payload skip-sanitize-payload reset clearselectors
// (rules of a further selector).
//
// Thread safety: as that of the registry that holds it (acl_registry.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/security/acl_selector.h"

namespace kiln {

class AclUser {
 public:
  // One that is off and may do nothing.
  AclUser(std::string_view name, const CommandTable& commands, ChannelDefault channels);

  const std::string& name() const { return name_; }
  bool is_on() const { return is_on_; }
  bool needs_no_password() const { return needs_no_password_; }
  // What a client needs a closer look for, before each command.
  bool is_limited() const;
  const std::vector<std::string>& passwords() const { return passwords_; }
  const std::vector<AclSelector>& selectors() const { return selectors_; }  // the first is its own

  // Adds one rule; after an error nothing has changed. `channels`: those of a new user, for
  // "reset".
  AclError Add(std::string_view rule, ChannelDefault channels);
  // Whether it may log in with this.
  bool IsPassword(std::string_view hash) const;

  // The denial that tells most: of the last argument that no selector allows.
  Denial Check(const Command& command, Arguments arguments) const;
  bool MayReadAllKeys(const Command& command, Arguments arguments) const;
  // Whether it may listen to whatever `before` allowed.
  bool KeepsChannelsOf(const AclUser& before) const;
  bool MayUseChannel(std::string_view name, bool is_pattern) const;
  bool MayHaveKey(std::string_view key) const;

  std::vector<std::string_view> Flags() const;
  // "on nopass sanitize-payload ~* &* +@all", as ACL LIST, files and CONFIG REWRITE have it.
  std::string Describe() const;

 private:
  bool AddFlag(std::string_view rule);
  AclError AddPassword(std::string_view rule);
  AclError RemovePassword(std::string_view rule);
  AclError AddSelector(std::string_view rules, ChannelDefault channels);
  void Reset(ChannelDefault channels);

  std::string name_;
  const CommandTable* commands_;
  bool is_on_ = false;
  bool needs_no_password_ = false;
  bool skips_sanitizing_ = false;
  std::vector<std::string> passwords_;  // hashes
  std::vector<AclSelector> selectors_;
};

// Joins the words of selectors that were given as several: "(+get", "~a)". False with the first
// word of one that does not end in `*unmatched`.
bool MergeSelectors(std::span<const std::string_view> words, std::vector<std::string>* rules,
                    std::string_view* unmatched);

}  // namespace kiln

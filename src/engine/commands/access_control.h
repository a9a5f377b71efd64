// AccessControl: who a client is, and what it may do. Implemented in engine/security.
//
// A client whose user may do everything is not asked about (Client::is_limited is false); nor is
// one that came through the admin socket. Users change only under the Gate alone, so all functions
// may be called by any worker that is inside; those marked "alone" need the Gate alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/commands/client.h"
#include "engine/commands/command.h"

namespace kiln {

struct Call;

enum class DenialReason : uint8_t { kNone, kCommand, kKey, kChannel, kPassword };
enum class DenialContext : uint8_t { kTopLevel, kMulti, kScript };

// Why a client may not run a command; kNone: it may.
struct Denial {
  DenialReason reason = DenialReason::kNone;
  uint32_t position = 0;  // of the argument that is the key or channel

  explicit operator bool() const { return reason != DenialReason::kNone; }
};

class AccessControl {
 public:
  virtual ~AccessControl() = default;

  // The client has just come, or starts anew: it is the default user, authenticated if that needs
  // no password.
  virtual void Welcome(Client& client) = 0;
  // AUTH and HELLO. False when the user or the password is wrong, which is logged.
  virtual bool Authenticate(Call& call, std::string_view user, std::string_view password) = 0;
  // Whether the default user may be taken on without a password: it is on and has "nopass".
  virtual bool IsOpen() const = 0;
  // Whether any password is right for the default user.
  virtual bool DefaultHasNoPassword() const = 0;
  virtual bool HasUser(std::string_view name) const = 0;

  virtual Denial Check(const Client& client, const Command& command, Arguments arguments) = 0;
  // Whether the client may run the command, and read any key besides.
  virtual bool MayReadAllKeys(const Client& client, const Command& command,
                              Arguments arguments) = 0;
  // Whether the client may do anything at all with the key: who may not is not told of it.
  virtual bool MayHaveKey(const Client& client, std::string_view key) = 0;
  // Counts and logs the denial; the text that tells the client of it, without a code word.
  virtual std::string Refuse(const Client& client, const Command& command, Arguments arguments,
                             Denial denial, DenialContext context) = 0;
};

}  // namespace kiln

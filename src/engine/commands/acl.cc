// ACL: there is one user, "default", who may do everything. What can be read of that can be read.

#include <sys/random.h>

#include "engine/commands/acl_category.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/command_table.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// ACL CAT [category]
void AclCat(Call& call) {
  if (!call.args.More()) {
    call.reply.Array(AclCategories().size());
    for (const AclCategory& category : AclCategories()) call.reply.Bulk(category.name);
    return;
  }
  std::string_view name = call.args.Text();
  const AclCategory* category = FindAclCategory(name);
  if (category == nullptr || !call.args.Done()) {
    return call.FailText("ERR Unknown category '" + EchoOf(name) + "'");
  }
  size_t at = call.reply.Later();
  size_t count = 0;
  for (const Command* command : call.services.commands->all()) {
    if (command->handler == nullptr || !IsInCategory(*command, *category)) continue;
    std::string lower(command->name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    call.reply.Bulk(lower);
    ++count;
  }
  call.reply.EndArray(at, count);
}

// ACL GENPASS [bits]
void AclGenPass(Call& call) {
  int64_t bits = call.args.More() ? call.args.Integer() : 256;
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (bits <= 0 || bits > 4096) {
    return call.FailText(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
        "number up to 4096");
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  uint8_t bytes[512];
  size_t digits = (static_cast<size_t>(bits) + 3) / 4;
  while (getrandom(bytes, sizeof(bytes), 0) != static_cast<ssize_t>(sizeof(bytes))) {
  }
  std::string password;
  for (size_t i = 0; i < digits; ++i)
    password += kDigits[i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15];
  call.reply.Bulk(password);
}

// ACL GETUSER username
void AclGetUser(Call& call) {
  if (call.args.Text() != "default") return call.reply.Null();
  bool has_password = !call.settings().requirepass.empty();
  Reply& reply = call.reply;
  reply.Map(6);
  reply.Bulk("flags");
  reply.Set(has_password ? 2 : 3);
  reply.Simple("on");
  if (!has_password) reply.Simple("nopass");
  reply.Simple("sanitize-payload");
  reply.Bulk("passwords");
  reply.Array(0);
  reply.Bulk("commands");
  reply.Bulk("+@all");
  reply.Bulk("keys");
  reply.Bulk("~*");
  reply.Bulk("channels");
  reply.Bulk("&*");
  reply.Bulk("selectors");
  reply.Array(0);
}

// ACL HELP
void AclHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CAT [<category>]",
      "    The categories, or the commands of one.",
      "GETUSER <username>",
      "    What a user may do.",
      "GENPASS [<bits>]",
      "    A random password.",
      "LIST",
      "    What all users may do, as in an ACL file.",
      "USERS",
      "    The names of all users.",
      "WHOAMI",
      "    The name of this connection's user.",
  };
  ReplyHelp(call, kLines);
}

// ACL LIST
void AclList(Call& call) {
  bool has_password = !call.settings().requirepass.empty();
  call.reply.Array(1);
  call.reply.Bulk(has_password ? "user default on sanitize-payload ~* &* +@all"
                               : "user default on nopass sanitize-payload ~* &* +@all");
}

// ACL USERS
void AclUsers(Call& call) {
  call.reply.Array(1);
  call.reply.Bulk("default");
}

// ACL WHOAMI
void AclWhoAmI(Call& call) {
  call.reply.Bulk(call.client.user);
}

constexpr uint32_t kAsk = kNoScript | kLoading | kStale;

// clang-format off
constexpr Command kAclCommands[] = {
  // name          arity  keys          flags             acl         handler     since    usage         summary
  {"ACL",          -2,    Keys::None(), kContainer,       Acl::kNone, nullptr,    "6.0.0", "",           "A container for commands about users and what they may do."},
  {"ACL|CAT",      -2,    Keys::None(), kAsk,             Acl::kNone, AclCat,     "6.0.0", "[category]", "Returns the categories, or the commands of one."},
  {"ACL|GENPASS",  -2,    Keys::None(), kAsk,             Acl::kNone, AclGenPass, "6.0.0", "[bits]",     "Returns a random password."},
  {"ACL|GETUSER",  3,     Keys::None(), kAsk | kAdmin,    Acl::kNone, AclGetUser, "6.0.0", "username",   "Returns what a user may do."},
  {"ACL|HELP",     2,     Keys::None(), kLoading | kStale, Acl::kNone, AclHelp,   "6.0.0", "",           "Describes the subcommands."},
  {"ACL|LIST",     2,     Keys::None(), kAsk | kAdmin,    Acl::kNone, AclList,    "6.0.0", "",           "Returns what all users may do."},
  {"ACL|USERS",    2,     Keys::None(), kAsk | kAdmin,    Acl::kNone, AclUsers,   "6.0.0", "",           "Returns the names of all users."},
  {"ACL|WHOAMI",   2,     Keys::None(), kAsk,             Acl::kNone, AclWhoAmI,  "6.0.0", "",           "Returns the name of the connection's user."},
};
// clang-format on
static_assert(WellFormed(kAclCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> AclCommands() {
  return kAclCommands;
}

}  // namespace kiln

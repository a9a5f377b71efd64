// ACL: users, what they may do, and what was refused to them.

#include <sys/random.h>

#include "base/time.h"
#include "engine/commands/acl_category.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/services.h"
#include "engine/security/acl_registry.h"

namespace kiln {
namespace {

// This layer's registry is the only implementation there is.
AclRegistry& RegistryOf(Call& call) {
  return static_cast<AclRegistry&>(*call.services.access);
}

void FailArguments(Call& call) {
  call.FailText(SubcommandErrorText(call.args.all()[1], "ACL"));
}

// ACL CAT [category]
void AclCat(Call& call) {
  if (!call.args.More()) {
    call.reply.Array(AclCategories().size());
    for (const AclCategory& category : AclCategories()) call.reply.Bulk(category.name);
    return;
  }
  std::string_view name = call.args.Text();
  if (!call.args.Done()) return FailArguments(call);
  const AclCategory* category = FindAclCategory(name);
  if (category == nullptr) return call.FailText("ERR Unknown category '" + EchoOf(name) + "'");
  size_t at = call.reply.Later();
  size_t count = 0;
  for (const Command* command : call.services.commands->all()) {
    if (!IsInCategory(*command, *category)) continue;
    call.reply.Bulk(LowerText(command->name));
    ++count;
  }
  call.reply.EndArray(at, count);
}

// ACL DELUSER username [username ...]
void AclDelUser(Call& call) {
  Arguments names = call.args.Rest();
  for (std::string_view name : names) {
    if (name == "default") return call.FailText("ERR The 'default' user cannot be removed");
  }
  int64_t deleted = 0;
  for (std::string_view name : names) {
    if (RegistryOf(call).DeleteUser(name, &call.client)) ++deleted;
  }
  call.reply.Integer(deleted);
}

// ACL DRYRUN username command [arg [arg ...]]
void AclDryRun(Call& call) {
  std::string_view name = call.args.Text();
  Arguments request = call.args.Rest();
  const AclUser* user = RegistryOf(call).Find(name);
  if (user == nullptr) return call.FailText("ERR User '" + UntilZero(name) + "' not found");
  const Command* command = call.services.commands->FindFor(call.client.is_admin, request);
  if (command == nullptr || (command->Is(kContainer) && request.size() > 1))
    return call.FailText("ERR Command '" + UntilZero(request[0]) + "' not found");
  if (!command->HasArity(request.size())) return call.FailText(ArityErrorText(*command));
  Denial denial = user->Check(*command, request);
  if (!denial) return call.reply.Ok();
  call.reply.Bulk(DenialText(*user, *command, request, denial, true));
}

// ACL GENPASS [bits]
void AclGenPass(Call& call) {
  if (call.args.Left() > 1) return FailArguments(call);
  int64_t bits = call.args.More() ? call.args.Integer() : 256;
  if (!call.args.ok()) return call.Fail(call.args.error());
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

void ReplySelector(Reply& reply, const AclSelector& selector) {
  reply.Bulk("commands");
  reply.Bulk(selector.DescribeCommands());
  reply.Bulk("keys");
  reply.Bulk(selector.DescribeKeys());
  reply.Bulk("channels");
  reply.Bulk(selector.DescribeChannels());
}

// ACL GETUSER username
void AclGetUser(Call& call) {
  const AclUser* user = RegistryOf(call).Find(call.args.Text());
  if (user == nullptr) return call.reply.Null();
  Reply& reply = call.reply;
  std::span<const AclSelector> selectors = user->selectors();
  reply.Map(6);
  reply.Bulk("flags");
  std::vector<std::string_view> flags = user->Flags();
  reply.Set(flags.size());
  for (std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("passwords");
  reply.Array(user->passwords().size());
  for (const std::string& hash : user->passwords()) reply.Bulk(hash);
  ReplySelector(reply, selectors.front());
  reply.Bulk("selectors");
  reply.Array(selectors.size() - 1);
  for (const AclSelector& selector : selectors.subspan(1)) {
    reply.Map(3);
    ReplySelector(reply, selector);
  }
}

// ACL HELP
void AclHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CAT [<category>]",
      "    The categories, or the commands of one.",
      "DELUSER <username> [<username> ...]",
      "    Remove users, and close their connections.",
      "DRYRUN <username> <command> [<arg> ...]",
      "    Whether a user may run a command; it is not run.",
      "GETUSER <username>",
      "    What a user may do.",
      "GENPASS [<bits>]",
      "    A random password.",
      "LIST",
      "    What all users may do, as in an ACL file.",
      "LOAD",
      "    Replace the users by those of the ACL file.",
      "LOG [<count> | RESET]",
      "    What was refused lately, or forget it.",
      "SAVE",
      "    Write the users to the ACL file.",
      "SETUSER <username> <attribute> [<attribute> ...]",
      "    Make a user, or change one.",
      "USERS",
      "    The names of all users.",
      "WHOAMI",
      "    The name of this connection's user.",
  };
  ReplyHelp(call, kLines);
}

// ACL LIST
void AclList(Call& call) {
  const AclUsers& users = RegistryOf(call).users();
  call.reply.Array(users.size());
  for (const auto& [name, user] : users) call.reply.Bulk("user " + AclLine(*user));
}

// False when it has replied with an error.
bool HasFile(Call& call) {
  if (!call.settings().aclfile.empty()) return true;
  call.FailText(
      "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
      "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
      "configuration file set) in order to store users in the Redis configuration.");
  return false;
}

// ACL LOAD
void AclLoad(Call& call) {
  if (!HasFile(call)) return;
  std::string error = RegistryOf(call).LoadFile(&call.client);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

void ReplyLogEntry(Call& call, const AclLogEntry& entry) {
  constexpr std::string_view kReasons[] = {"unknown", "command", "key", "channel", "auth"};
  constexpr std::string_view kContexts[] = {"toplevel", "multi", "lua"};
  Reply& reply = call.reply;
  reply.Map(10);
  reply.Bulk("count");
  reply.Integer(static_cast<int64_t>(entry.count));
  reply.Bulk("reason");
  reply.Bulk(kReasons[static_cast<size_t>(entry.reason)]);
  reply.Bulk("context");
  reply.Bulk(kContexts[static_cast<size_t>(entry.context)]);
  reply.Bulk("object");
  reply.Bulk(entry.object);
  reply.Bulk("username");
  reply.Bulk(entry.user);
  reply.Bulk("age-seconds");
  reply.Double(static_cast<double>(NowMs() - entry.updated_ms) / 1000);
  reply.Bulk("client-info");
  reply.Bulk(entry.client);
  reply.Bulk("entry-id");
  reply.Integer(entry.id);
  reply.Bulk("timestamp-created");
  reply.Integer(entry.created_ms);
  reply.Bulk("timestamp-last-updated");
  reply.Integer(entry.updated_ms);
}

// ACL LOG [count | RESET]
void AclLogShow(Call& call) {
  if (call.args.Left() > 1) return FailArguments(call);
  AclLog& log = RegistryOf(call).log();
  if (call.args.Take("RESET")) {
    log.Clear();
    return call.reply.Ok();
  }
  int64_t count = call.args.More() ? call.args.Integer() : 10;
  if (!call.args.ok()) return call.Fail(call.args.error());
  auto entries = log.Newest(static_cast<size_t>(std::max<int64_t>(count, 0)));
  call.reply.Array(entries.size());
  for (const AclLogEntry& entry : entries) ReplyLogEntry(call, entry);
}

// ACL SAVE
void AclSave(Call& call) {
  if (!HasFile(call)) return;
  if (RegistryOf(call).SaveFile()) return call.reply.Ok();
  call.FailText(
      "ERR There was an error trying to save the ACLs. Please check the server logs for more "
      "information");
}

// ACL SETUSER username [rule [rule ...]]
void AclSetUser(Call& call) {
  for (size_t i = 2; i < call.args.all().size(); ++i) call.HideArgument(i);
  std::string_view name = call.args.Text();
  if (HasSpaces(name))
    return call.FailText("ERR Usernames can't contain spaces or null characters");
  std::string error = RegistryOf(call).SetUser(name, call.args.Rest());
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

// ACL USERS
void AclUserNames(Call& call) {
  const AclUsers& users = RegistryOf(call).users();
  call.reply.Array(users.size());
  for (const auto& [name, user] : users) call.reply.Bulk(name);
}

// ACL WHOAMI
void AclWhoAmI(Call& call) {
  call.reply.Bulk(call.client.user);
}

constexpr uint32_t kAsk = kNoScript | kLoading | kStale;
constexpr uint32_t kRule = kAsk | kAdmin;
constexpr uint32_t kChange = kRule | kGate | kEndsBatch;

// clang-format off
constexpr Command kAclCommands[] = {
  // name          arity  keys          flags               acl         handler       since    usage                        summary
  {"ACL",          -2,    Keys::None(), kContainer,         Acl::kNone, nullptr,      "6.0.0", "",                          "A container for commands about users and what they may do."},
  {"ACL|CAT",      -2,    Keys::None(), kAsk,               Acl::kNone, AclCat,       "6.0.0", "[category]",                "Returns the categories, or the commands of one."},
  {"ACL|DELUSER",  -3,    Keys::None(), kChange,            Acl::kNone, AclDelUser,   "6.0.0", "username...",               "Removes users and closes their connections."},
  {"ACL|DRYRUN",   -4,    Keys::None(), kRule,              Acl::kNone, AclDryRun,    "7.0.0", "username command [arg...]", "Says whether a user may run a command, without running it."},
  {"ACL|GENPASS",  -2,    Keys::None(), kAsk,               Acl::kNone, AclGenPass,   "6.0.0", "[bits]",                    "Returns a random password."},
  {"ACL|GETUSER",  3,     Keys::None(), kRule,              Acl::kNone, AclGetUser,   "6.0.0", "username",                  "Returns what a user may do."},
  {"ACL|HELP",     2,     Keys::None(), kLoading | kStale,  Acl::kNone, AclHelp,      "6.0.0", "",                          "Describes the subcommands."},
  {"ACL|LIST",     2,     Keys::None(), kRule,              Acl::kNone, AclList,      "6.0.0", "",                          "Returns what all users may do."},
  {"ACL|LOAD",     2,     Keys::None(), kChange,            Acl::kNone, AclLoad,      "6.0.0", "",                          "Replaces the users by those of the ACL file."},
  {"ACL|LOG",      -2,    Keys::None(), kRule,              Acl::kNone, AclLogShow,   "6.0.0", "[operation=<count|RESET>]", "Returns what was refused to clients, or forgets it."},
  {"ACL|SAVE",     2,     Keys::None(), kChange,            Acl::kNone, AclSave,      "6.0.0", "",                          "Writes the users to the ACL file."},
  {"ACL|SETUSER",  -3,    Keys::None(), kChange,            Acl::kNone, AclSetUser,   "6.0.0", "username [rule...]",        "Makes a user, or changes what it may do."},
  {"ACL|USERS",    2,     Keys::None(), kRule,              Acl::kNone, AclUserNames, "6.0.0", "",                          "Returns the names of all users."},
  {"ACL|WHOAMI",   2,     Keys::None(), kAsk,               Acl::kNone, AclWhoAmI,    "6.0.0", "",                          "Returns the name of the connection's user."},
};
// clang-format on
static_assert(WellFormed(kAclCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> AclCommands() {
  return kAclCommands;
}

}  // namespace kiln

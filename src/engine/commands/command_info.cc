// COMMAND: what the server says of its own commands.

#include <string>

#include "base/glob.h"
#include "engine/commands/acl_category.h"
#include "engine/commands/call.h"
#include "engine/commands/command_reply.h"
#include "engine/commands/command_table.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/key_access.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

bool IsSubcommand(const Command& command) {
  return command.name.find('|') != std::string_view::npos;
}

// A command by the name "get" or "config|get".
const Command* FindFullName(Call& call, std::string_view name) {
  size_t bar = name.find('|');
  const Command* command = call.services.commands->FindName(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return call.services.commands->FindChild(*command, name.substr(bar + 1));
}

void ReplyInfo(Call& call, const Command* command) {
  if (command == nullptr) return call.reply.Null();
  ReplyCommandInfo(call.reply, *call.services.commands, *command);
}

void ReplyDocs(Call& call, const Command& command) {
  ReplyCommandDocs(call.reply, *call.services.commands, command);
}

template <class F>
size_t ForEachTopCommand(Call& call, F&& f) {
  size_t count = 0;
  for (const Command* command : call.services.commands->all()) {
    if (IsSubcommand(*command)) continue;
    f(*command);
    ++count;
  }
  return count;
}

void ReplyInfoOfAll(Call& call) {
  size_t at = call.reply.Later();
  size_t count =
      ForEachTopCommand(call, [&](const Command& command) { ReplyInfo(call, &command); });
  call.reply.EndArray(at, count);
}

// COMMAND
void CommandAll(Call& call) {
  ReplyInfoOfAll(call);
}

// COMMAND COUNT
void CommandCount(Call& call) {
  call.reply.Integer(static_cast<int64_t>(ForEachTopCommand(call, [](const Command&) {})));
}

// COMMAND DOCS [command-name [command-name ...]]
void CommandDocs(Call& call) {
  Arguments names = call.args.Rest();
  size_t at = call.reply.Later();
  size_t count = 0;
  if (names.empty()) {
    count = ForEachTopCommand(call, [&](const Command& command) { ReplyDocs(call, command); });
  }
  for (std::string_view name : names) {
    const Command* command = FindFullName(call, name);
    if (command == nullptr) continue;
    ReplyDocs(call, *command);
    ++count;
  }
  call.reply.EndMap(at, count);
}

void GetKeys(Call& call, bool with_flags) {
  Arguments request = call.args.Rest();
  const Command* command = call.services.commands->Find(request);
  if (command == nullptr || (command->Is(kContainer) && command->handler == nullptr)) {
    return call.FailText("ERR Invalid command specified");
  }
  if (!command->keys.any()) return call.FailText("ERR The command has no key arguments");
  if (!command->HasArity(request.size())) {
    return call.FailText("ERR Invalid number of arguments specified for command");
  }
  std::vector<uint32_t> positions;
  bool found = KeyPositions(*command, request, &positions) && !positions.empty();
  if (!found && !command->Is(kNoMandatoryKeys))
    return call.FailText("ERR Invalid arguments specified for command");
  call.reply.Array(positions.size());
  for (size_t i = 0; i < positions.size(); ++i) {
    if (with_flags) call.reply.Array(2);
    call.reply.Bulk(request[positions[i]]);
    if (with_flags) ReplyKeyAccess(call.reply, KeyAccessOf(*command, i, request));
  }
}

// COMMAND GETKEYS command [arg [arg ...]]
void CommandGetKeys(Call& call) {
  GetKeys(call, false);
}

// COMMAND GETKEYSANDFLAGS command [arg [arg ...]]
void CommandGetKeysAndFlags(Call& call) {
  GetKeys(call, true);
}

// COMMAND HELP
void CommandHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "(no subcommand)",
      "    Details about all commands.",
      "COUNT",
      "    The number of commands.",
      "LIST",
      "    The names of all commands.",
      "INFO [<command-name> ...]",
      "    Details about the named commands, or about all.",
      "DOCS [<command-name> ...]",
      "    Documentation of the named commands, or of all.",
      "GETKEYS <full-command>",
      "    The keys of a full command.",
      "GETKEYSANDFLAGS <full-command>",
      "    The keys of a full command, and how it uses each.",
  };
  ReplyHelp(call, kLines);
}

// COMMAND INFO [command-name [command-name ...]]
void CommandInfo(Call& call) {
  Arguments names = call.args.Rest();
  if (names.empty()) return ReplyInfoOfAll(call);
  call.reply.Array(names.size());
  for (std::string_view name : names) ReplyInfo(call, FindFullName(call, name));
}

// COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]
void CommandList(Call& call) {
  enum class Filter { kNone, kModule, kCategory, kPattern } filter = Filter::kNone;
  std::string_view word;
  while (call.args.More()) {
    if (!call.args.Take("FILTERBY") || call.args.Left() < 2) return call.Fail(Error::kSyntax);
    if (call.args.Take("MODULE"))
      filter = Filter::kModule;
    else if (call.args.Take("ACLCAT"))
      filter = Filter::kCategory;
    else if (call.args.Take("PATTERN"))
      filter = Filter::kPattern;
    else
      return call.Fail(Error::kSyntax);
    word = call.args.Text();
  }
  const AclCategory* category = filter == Filter::kCategory ? FindAclCategory(word) : nullptr;
  size_t at = call.reply.Later();
  size_t count = 0;
  for (const Command* command : call.services.commands->all()) {
    std::string name = LowerName(*command);
    if (filter == Filter::kModule) break;  // there are no modules
    if (filter == Filter::kCategory && (category == nullptr || !IsInCategory(*command, *category)))
      continue;
    if (filter == Filter::kPattern && !GlobMatches(word, name, true)) continue;
    call.reply.Bulk(name);
    ++count;
  }
  call.reply.EndArray(at, count);
}

constexpr uint32_t kInfo = kLoading | kStale;

// clang-format off
constexpr Command kCommandInfoCommands[] = {
  // name                      arity  keys          flags               acl               handler                 since     usage                summary
  {"COMMAND",                  -1,    Keys::None(), kInfo | kContainer, Acl::kConnection, CommandAll,             "2.8.13", "",                  "Returns detailed information about all commands."},
  {"COMMAND|COUNT",            2,     Keys::None(), kInfo,              Acl::kConnection, CommandCount,           "2.8.13", "",                  "Returns the number of commands."},
  {"COMMAND|DOCS",             -2,    Keys::None(), kInfo,              Acl::kConnection, CommandDocs,            "7.0.0",  "[command-name...]", "Returns documentation of commands."},
  {"COMMAND|GETKEYS",          -3,    Keys::None(), kInfo,              Acl::kConnection, CommandGetKeys,         "2.8.13", "command [arg...]",  "Returns the keys of a command."},
  {"COMMAND|GETKEYSANDFLAGS",  -3,    Keys::None(), kInfo,              Acl::kConnection, CommandGetKeysAndFlags, "7.0.0",  "command [arg...]",  "Returns the keys of a command and how it uses them."},
  {"COMMAND|HELP",             2,     Keys::None(), kInfo,              Acl::kConnection, CommandHelp,            "5.0.0",  "",                  "Describes the subcommands."},
  {"COMMAND|INFO",             -2,    Keys::None(), kInfo,              Acl::kConnection, CommandInfo,            "2.8.13", "[command-name...]", "Returns information about one, several or all commands."},
  {"COMMAND|LIST",             -2,    Keys::None(), kInfo,              Acl::kConnection, CommandList,            "7.0.0",  "[FILTERBY filterby=<MODULE module-name|ACLCAT category|PATTERN pattern>]", "Returns the names of commands."},
};
// clang-format on
static_assert(WellFormed(kCommandInfoCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> CommandInfoCommands() {
  return kCommandInfoCommands;
}

}  // namespace kiln

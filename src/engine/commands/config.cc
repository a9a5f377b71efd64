// CONFIG: the parameters at run time, and INFO.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/persistence.h"
#include "engine/commands/services.h"
#include "params/parameter_set.h"

namespace kiln {
namespace {

bool IsAllowed(Permission permission, const Client& client) {
  return client.is_admin || permission == Permission::kEveryone ||
         (permission == Permission::kLocalClients && client.is_local);
}

bool IsSecret(std::string_view name) {
  const Parameter* row = FindParameter(name);
  return row != nullptr && row->Has(kSensitive);
}

// CONFIG GET parameter [parameter ...]
// The clients of a managed node need not know what its owner has set: they see that it is set.
void ConfigGet(Call& call) {
  auto found = call.services.parameters->Get(call.args.Rest());
  bool hides_secrets = call.settings().managed_node && !call.client.is_admin;
  call.reply.Map(found.size());
  for (const auto& [name, value] : found) {
    call.reply.Bulk(name);
    bool is_hidden = hides_secrets && !value.empty() && IsSecret(name);
    call.reply.Bulk(is_hidden ? "********" : std::string_view(value));
  }
}

// CONFIG HELP
void ConfigHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "GET <pattern>",
      "    The parameters whose names match the glob-like <pattern>, with their values.",
      "SET <directive> <value>",
      "    Give the parameter <directive> another value.",
      "RESETSTAT",
      "    Start the counters that INFO reports at zero again.",
      "REWRITE",
      "    Write the parameters to the configuration file.",
  };
  ReplyHelp(call, kLines);
}

// CONFIG RESETSTAT
void ConfigResetStat(Call& call) {
  call.services.server->ResetStatistics();
  call.reply.Ok();
}

// CONFIG REWRITE
void ConfigRewrite(Call& call) {
  std::string error = call.services.server->RewriteConfig(false);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

// Where files are is not to change while they are read.
bool IsFixedWhileLoading(std::string_view name) {
  return EqualsWord(name, "DIR") || EqualsWord(name, "APPENDONLY");
}

// CONFIG SET parameter value [parameter value ...]
void ConfigSet(Call& call) {
  Arguments words = call.args.Rest();
  if (words.size() % 2 != 0) return call.Fail(Error::kSyntax);
  std::vector<ParameterSet::NameValue> changes;
  for (size_t i = 0; i < words.size(); i += 2) {
    changes.emplace_back(words[i], words[i + 1]);
    if (IsSecret(words[i])) call.HideArgument(i + 3);  // behind CONFIG SET name
    if (call.services.persistence->IsLoading() && IsFixedWhileLoading(words[i]))
      return call.FailText("LOADING Redis is loading the dataset in memory");
  }
  bool may_set_protected = IsAllowed(call.settings().enable_protected_configs, call.client);
  std::string error = call.services.parameters->SetMany(changes, may_set_protected);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

// INFO [section [section ...]]
void Info(Call& call) {
  call.reply.Verbatim("txt", call.services.server->Info(call.args.Rest()));
}

constexpr uint32_t kConfig = kAdmin | kNoScript | kLoading | kStale;

// clang-format off
constexpr Command kConfigCommands[] = {
  // name               arity  keys          flags                                     acl              handler          since    usage                        summary
  {"CONFIG",            -2,    Keys::None(), kContainer,                               Acl::kNone,      nullptr,         "2.0.0", "",                          "A container for server configuration commands."},
  {"CONFIG|GET",        -3,    Keys::None(), kConfig,                                  Acl::kNone,      ConfigGet,       "2.0.0", "parameter...",              "Returns the values of parameters."},
  {"CONFIG|HELP",       2,     Keys::None(), kLoading | kStale,                        Acl::kNone,      ConfigHelp,      "5.0.0", "",                          "Describes the subcommands."},
  {"CONFIG|RESETSTAT",  2,     Keys::None(), kConfig | kGate,                          Acl::kNone,      ConfigResetStat, "2.0.0", "",                          "Sets the statistics to zero."},
  {"CONFIG|REWRITE",    2,     Keys::None(), kConfig | kGate,                          Acl::kNone,      ConfigRewrite,   "2.8.0", "",                          "Writes the parameters to the configuration file."},
  {"CONFIG|SET",        -4,    Keys::None(), kConfig | kGate | kEndsBatch,             Acl::kNone,      ConfigSet,       "2.0.0", "data=(parameter value)...", "Changes parameters of the running server."},
  {"INFO",              -1,    Keys::None(), kLoading | kStale | kGate,                Acl::kDangerous, Info,            "1.0.0", "[section...]",              "Returns information and statistics about the server."},
};
// clang-format on
static_assert(WellFormed(kConfigCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ConfigCommands() {
  return kConfigCommands;
}

}  // namespace kiln

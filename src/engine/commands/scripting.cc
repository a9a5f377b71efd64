// Commands for scripts. Scripts themselves run in engine/script.
//
// A script runs alone in the process (kGate), unless it is proven to touch no keys but those it
// names; see script/declared_keys.h.

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/kill_script.h"
#include "engine/commands/services.h"

namespace kiln {

void KillScript(Call& call) {
  switch (call.services.scripts->Kill()) {
    case KillOutcome::kNotBusy:
      return call.FailText("NOTBUSY No scripts in execution right now.");
    case KillOutcome::kUnkillable:
      return call.FailText(
          "UNKILLABLE Sorry the script already executed write commands against the dataset. You "
          "can either wait the "
          "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.");
    case KillOutcome::kKilled:
      return call.reply.Ok();
  }
}

namespace {

// EVAL script numkeys [key ...] [arg ...], and its relatives
void Eval(Call& call) {
  call.services.scripts->Eval(call, false, false);
}
void EvalRo(Call& call) {
  call.services.scripts->Eval(call, false, true);
}
void EvalSha(Call& call) {
  call.services.scripts->Eval(call, true, false);
}
void EvalShaRo(Call& call) {
  call.services.scripts->Eval(call, true, true);
}

// SCRIPT LOAD script
void ScriptLoad(Call& call) {
  call.services.scripts->Load(call, call.args.Text());
}

// SCRIPT EXISTS sha1 [sha1 ...]
void ScriptExists(Call& call) {
  Arguments shas = call.args.Rest();
  call.reply.Array(shas.size());
  for (std::string_view sha : shas) call.reply.Integer(call.services.scripts->Exists(sha));
}

// SCRIPT SHOW sha1
void ScriptShow(Call& call) {
  call.services.scripts->Show(call, call.args.Text());
}

// SCRIPT FLUSH [ASYNC | SYNC]
void ScriptFlush(Call& call) {
  bool has_mode = call.args.Take("SYNC") || call.args.Take("ASYNC");
  if (call.args.More() || (!has_mode && call.args.Left() > 0)) {
    return call.FailText("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  call.services.scripts->Flush();
  call.reply.Ok();
}

// SCRIPT DEBUG YES | SYNC | NO: there is no debugger, so only NO is accepted.
void ScriptDebug(Call& call) {
  if (call.args.Take("NO")) return call.reply.Ok();
  if (call.args.Take("YES") || call.args.Take("SYNC")) {
    return call.FailText("ERR The Lua debugger is not supported");
  }
  call.FailText("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

void ScriptHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "DEBUG (YES|SYNC|NO)",
      "    Accepted for NO only: there is no debugger.",
      "EXISTS <sha1> [<sha1> ...]",
      "    Tell for each SHA1 whether its script is cached.",
      "FLUSH [ASYNC|SYNC]",
      "    Forget all cached scripts.",
      "KILL",
      "    End the script that is running, if it has not written yet.",
      "LOAD <script>",
      "    Cache a script without running it, and return its SHA1.",
      "SHOW <sha1>",
      "    Return the text of a cached script.",
      "HELP",
      "    Print this help.",
  };
  call.reply.Array(std::size(kLines));
  for (std::string_view line : kLines) call.reply.Simple(line);
}

constexpr uint32_t kEvalFlags =
    kNoScript | kSkipMonitor | kMayReplicate | kNoMandatoryKeys | kStale | kMovableKeys | kGate;
constexpr uint32_t kEvalRoFlags =
    kNoScript | kSkipMonitor | kReadOnly | kNoMandatoryKeys | kStale | kMovableKeys | kGate;

// clang-format off
constexpr Command kScriptingCommands[] = {
  // name           arity  keys                          flags                   acl              handler       since    usage                               summary
  {"EVAL",          -3,    Keys::By(FindCountedKeys<2>), kEvalFlags,             Acl::kScripting, Eval,         "2.6.0", "script numkeys [key...] [arg...]", "Runs a Lua script on the server."},
  {"EVALSHA",       -3,    Keys::By(FindCountedKeys<2>), kEvalFlags,             Acl::kScripting, EvalSha,      "2.6.0", "sha1 numkeys [key...] [arg...]",   "Runs a cached Lua script, named by its SHA1."},
  {"EVALSHA_RO",    -3,    Keys::By(FindCountedKeys<2>), kEvalRoFlags,           Acl::kScripting, EvalShaRo,    "7.0.0", "sha1 numkeys [key...] [arg...]",   "Runs a cached Lua script that may only read."},
  {"EVAL_RO",       -3,    Keys::By(FindCountedKeys<2>), kEvalRoFlags,           Acl::kScripting, EvalRo,       "7.0.0", "script numkeys [key...] [arg...]", "Runs a Lua script that may only read."},
  {"SCRIPT",        -2,    Keys::None(),                 kContainer,             Acl::kNone,      nullptr,      "2.6.0", "",                                 "Commands for cached scripts."},
  {"SCRIPT|DEBUG",  3,     Keys::None(),                 kNoScript,              Acl::kScripting, ScriptDebug,  "3.2.0", "mode=<YES|SYNC|NO>",               "Sets how scripts of this connection are debugged."},
  {"SCRIPT|EXISTS", -3,    Keys::None(),                 kNoScript,              Acl::kScripting, ScriptExists, "2.6.0", "sha1...",                          "Tells which scripts are cached."},
  {"SCRIPT|FLUSH",  -2,    Keys::None(),                 kNoScript | kGate,      Acl::kScripting, ScriptFlush,  "2.6.0", "[flush-type=<ASYNC|SYNC>@6.2.0]",  "Forgets all cached scripts."},
  {"SCRIPT|HELP",   2,     Keys::None(),                 kLoading | kStale,      Acl::kScripting, ScriptHelp,   "5.0.0", "",                                 "Explains the subcommands."},
  {"SCRIPT|KILL",   2,     Keys::None(),                 kNoScript | kAllowBusy, Acl::kScripting, KillScript,   "2.6.0", "",                                 "Ends the running script."},
  {"SCRIPT|LOAD",   3,     Keys::None(),                 kNoScript | kStale,     Acl::kScripting, ScriptLoad,   "2.6.0", "script",                           "Caches a script and returns its SHA1."},
  {"SCRIPT|SHOW",   3,     Keys::None(),                 kNoScript,              Acl::kScripting, ScriptShow,   "8.0.0", "sha1",                             "Returns the text of a cached script."},
};
// clang-format on
static_assert(WellFormed(kScriptingCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ScriptingCommands() {
  return kScriptingCommands;
}

}  // namespace kiln

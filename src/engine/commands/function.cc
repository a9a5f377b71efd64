// Commands for function libraries. Functions themselves run in engine/script.
//
// A function runs alone in the process (kGate), whatever keys it names.

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/kill_script.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// FCALL function numkeys [key ...] [arg ...]
void FCall(Call& call) {
  call.services.scripts->CallFunction(call, false);
}
void FCallRo(Call& call) {
  call.services.scripts->CallFunction(call, true);
}

void CountChange(Call& call) {
  ++call.db.context().stats.changes;
}

// FUNCTION LOAD [REPLACE] code
void FunctionLoad(Call& call) {
  bool replaces = false;
  while (call.args.Left() > 1) {
    if (!call.args.Take("REPLACE"))
      return call.FailText("ERR Unknown option given: " + std::string(call.args.Text()));
    replaces = true;
  }
  call.services.scripts->LoadLibrary(call, call.args.Text(), replaces);
  if (!call.reply.HasError()) CountChange(call);
}

// FUNCTION DELETE library
void FunctionDelete(Call& call) {
  if (!call.services.scripts->DeleteLibrary(call.args.Text()))
    return call.FailText("ERR Library not found");
  CountChange(call);
  call.reply.Ok();
}

// FUNCTION FLUSH [ASYNC | SYNC]
void FunctionFlush(Call& call) {
  if (call.args.Left() > 1)
    return call.FailText(SubcommandErrorText(call.args.all()[1], "FUNCTION"));
  bool has_mode = call.args.Take("SYNC") || call.args.Take("ASYNC");
  if (!has_mode && call.args.Left() > 0)
    return call.FailText("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  call.services.scripts->FlushLibraries();
  CountChange(call);
  call.reply.Ok();
}

// FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]
void FunctionList(Call& call) {
  std::string_view pattern;
  bool has_pattern = false, with_code = false;
  while (call.args.More()) {
    if (!with_code && call.args.Take("WITHCODE")) {
      with_code = true;
    } else if (!has_pattern && call.args.Take("LIBRARYNAME")) {
      if (!call.args.More()) return call.FailText("ERR library name argument was not given");
      pattern = call.args.Text();
      has_pattern = true;
    } else {
      return call.FailText("ERR Unknown argument " + std::string(call.args.Text()));
    }
  }
  call.services.scripts->ListLibraries(call, has_pattern ? &pattern : nullptr, with_code);
}

// FUNCTION STATS
void FunctionStats(Call& call) {
  call.services.scripts->FunctionStats(call);
}

// FUNCTION HELP
void FunctionHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "DELETE <library>",
      "    Forget a library.",
      "DUMP",
      "    All libraries, as FUNCTION RESTORE takes them.",
      "FLUSH [ASYNC|SYNC]",
      "    Forget all libraries.",
      "KILL",
      "    End the function that is running, if it has not written yet.",
      "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
      "    The libraries and their functions.",
      "LOAD [REPLACE] <code>",
      "    Add a library.",
      "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
      "    Add the libraries that FUNCTION DUMP gave.",
      "STATS",
      "    The function that is running, and how many there are.",
  };
  ReplyHelp(call, kLines);
}

constexpr uint32_t kCall =
    kNoScript | kSkipMonitor | kMayReplicate | kNoMandatoryKeys | kStale | kMovableKeys | kGate;
constexpr uint32_t kCallRo =
    kNoScript | kSkipMonitor | kReadOnly | kNoMandatoryKeys | kStale | kMovableKeys | kGate;

// clang-format off
constexpr Command kFunctionCommands[] = {
  // name              arity  keys                          flags                            acl              handler         since    usage                                            summary
  {"FCALL",            -3,    Keys::By(FindCountedKeys<2>), kCall,                           Acl::kScripting, FCall,          "7.0.0", "function numkeys [key...] [arg...]",            "Calls a library's function."},
  {"FCALL_RO",         -3,    Keys::By(FindCountedKeys<2>), kCallRo,                         Acl::kScripting, FCallRo,        "7.0.0", "function numkeys [key...] [arg...]",            "Calls a library's function that may only read."},
  {"FUNCTION",         -2,    Keys::None(),                 kContainer,                      Acl::kNone,      nullptr,        "7.0.0", "",                                              "Commands for function libraries."},
  {"FUNCTION|DELETE",  3,     Keys::None(),                 kNoScript | kWrite | kGate,      Acl::kScripting, FunctionDelete, "7.0.0", "library-name",                                  "Forgets a library."},
  {"FUNCTION|FLUSH",   -2,    Keys::None(),                 kNoScript | kWrite | kGate,      Acl::kScripting, FunctionFlush,  "7.0.0", "[flush-type=<ASYNC|SYNC>]",                     "Forgets all libraries."},
  {"FUNCTION|HELP",    2,     Keys::None(),                 kLoading | kStale,               Acl::kScripting, FunctionHelp,   "7.0.0", "",                                              "Explains the subcommands."},
  {"FUNCTION|KILL",    2,     Keys::None(),                 kNoScript | kAllowBusy,          Acl::kScripting, KillScript,     "7.0.0", "",                                              "Ends the running function."},
  {"FUNCTION|LIST",    -2,    Keys::None(),                 kNoScript,                       Acl::kScripting, FunctionList,   "7.0.0", "[LIBRARYNAME library-name-pattern] [WITHCODE]", "Returns the libraries and their functions."},
  {"FUNCTION|LOAD",    -3,    Keys::None(),                 kNoScript | kWrite | kGrows | kGate, Acl::kScripting, FunctionLoad, "7.0.0", "[REPLACE] function-code",                       "Adds a library."},
  {"FUNCTION|STATS",   2,     Keys::None(),                 kNoScript | kAllowBusy,          Acl::kScripting, FunctionStats,  "7.0.0", "",                                              "Tells of the running function, and how many there are."},
};
// clang-format on
static_assert(WellFormed(kFunctionCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> FunctionCommands() {
  return kFunctionCommands;
}

}  // namespace kiln

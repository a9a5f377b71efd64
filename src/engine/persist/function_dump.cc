// FUNCTION DUMP and FUNCTION RESTORE: all libraries as bytes that any Redis understands, and back.
//
// Of each library its code, behind the byte that announces one in an RDB file.

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/debug_switches.h"
#include "engine/commands/services.h"
#include "engine/persist/groups.h"
#include "engine/persist/payload.h"
#include "engine/persist/rdb_input.h"
#include "engine/persist/rdb_output.h"

namespace kiln {
namespace {

constexpr uint8_t kFunctionOpcode = 245;
constexpr uint8_t kOldFunctionOpcode = 246;  // Of release candidates.

// FUNCTION DUMP
void FunctionDump(Call& call) {
  std::string payload;
  RdbOutput out(&payload, true);
  for (const std::string& code : call.services.scripts->LibraryCodes()) {
    out.Byte(kFunctionOpcode);
    out.Text(code);
  }
  SealPayload(&payload);
  call.reply.Bulk(payload);
}

std::string_view ReadCodes(std::string_view bytes, std::vector<std::string>* codes) {
  RdbInput in(bytes);
  while (!in.AtEnd()) {
    uint8_t opcode = in.Byte();
    if (opcode == kOldFunctionOpcode) return "ERR Pre-GA function format not supported";
    if (opcode != kFunctionOpcode) return "ERR given type is not a function";
    codes->emplace_back(in.Text());
  }
  return in.is_broken() ? "ERR failed loading the given functions payload" : "";
}

// FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]
void FunctionRestore(Call& call) {
  std::string_view payload = call.args.Text();
  if (call.args.Left() > 1)
    return call.FailText(SubcommandErrorText(call.args.all()[1], "FUNCTION"));
  bool flushes = call.args.Take("FLUSH");
  bool replaces = !flushes && call.args.Take("REPLACE");
  if (!flushes && !replaces) call.args.Take("APPEND");
  if (call.args.Left() > 0) {
    return call.FailText(
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  }
  std::optional<OpenedPayload> opened = OpenPayload(payload, call.services.debug->skips_checksums);
  if (!opened) return call.FailText("ERR DUMP payload version or checksum are wrong");
  std::vector<std::string> codes;
  if (std::string_view error = ReadCodes(opened->bytes, &codes); !error.empty())
    return call.FailText(error);
  ScriptRunner& scripts = *call.services.scripts;
  std::vector<std::string> before;
  if (flushes) {
    before = scripts.LibraryCodes();
    scripts.FlushLibraries();
  }
  std::string error = scripts.AddLibraries(codes, replaces);
  if (error.empty()) {
    ++call.db.context().stats.changes;
    return call.reply.Ok();
  }
  if (flushes) scripts.AddLibraries(before, false);
  call.FailText("ERR " + error);
}

// clang-format off
constexpr Command kFunctionDumpCommands[] = {
  // name               arity  keys          flags                                acl              handler          since    usage                                               summary
  {"FUNCTION|DUMP",     2,     Keys::None(), kNoScript | kGate,                   Acl::kScripting, FunctionDump,    "7.0.0", "",                                                 "Returns all libraries in a form that FUNCTION RESTORE takes."},
  {"FUNCTION|RESTORE",  -3,    Keys::None(), kNoScript | kWrite | kGrows | kGate, Acl::kScripting, FunctionRestore, "7.0.0", "serialized-value [policy=<FLUSH|APPEND|REPLACE>]", "Adds the libraries that FUNCTION DUMP returned."},
};
// clang-format on
static_assert(WellFormed(kFunctionDumpCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> FunctionDumpCommands() {
  return kFunctionDumpCommands;
}

}  // namespace kiln

// Commands about the server itself: time, shutdown, monitoring, saving and modules.

#include "base/log.h"
#include "base/time.h"
#include "base/version.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/persistence.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

// BGREWRITEAOF
void BgRewriteAof(Call& call) {
  bool scheduled = !call.may_block;  // within EXEC
  std::string error = call.services.persistence->StartRewrite(&scheduled);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Simple(scheduled ? "Background append only file rewriting scheduled"
                              : "Background append only file rewriting started");
}

// BGSAVE [SCHEDULE]
void BgSave(Call& call) {
  call.args.Take("SCHEDULE");
  if (!call.args.Done()) return call.Fail(Error::kSyntax);
  PersistenceControl& persistence = *call.services.persistence;
  if (persistence.IsSavingInBackground())
    return call.FailText("ERR Background save already in progress");
  // Within EXEC it waits for the end of the transaction.
  if (!call.may_block) {
    persistence.ScheduleBackgroundSave();
    return call.reply.Simple("Background saving scheduled");
  }
  if (!persistence.StartBackgroundSave().empty()) return call.FailText("ERR");
  call.reply.Simple("Background saving started");
}

// LASTSAVE
void LastSave(Call& call) {
  call.reply.Integer(call.services.persistence->LastSaveSeconds());
}

// LOLWUT [VERSION version]
void Lolwut(Call& call) {
  if (call.args.Take("VERSION")) call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  constexpr std::string_view kPicture =
      "    )  (   \n"
      "   (    )  \n"
      "  .-\"\"\"\"-. \n"
      " /  .--.  \\\n"
      " |  |##|  |\n"
      " |__|##|__|\n";
  call.reply.Verbatim("txt", std::string(kPicture) + "Redis ver. " + std::string(kRedisVersion) +
                                 ", Kiln ver. " + std::string(kKilnVersion) + "\n");
}

// MODULE HELP
void ModuleHelp(Call& call) {
  constexpr std::string_view kLines[] = {"LIST", "    The loaded modules: Kiln loads none."};
  ReplyHelp(call, kLines);
}

// MODULE LIST
void ModuleList(Call& call) {
  call.reply.Array(0);
}

// MODULE LOAD path [arg [arg ...]], MODULE LOADEX, MODULE UNLOAD name
void ModuleRefuse(Call& call) {
  call.FailText("ERR Kiln loads no modules");
}

// MONITOR
void Monitor(Call& call) {
  call.services.server->SetMonitor(call.client, true);
  call.reply.Ok();
}

// SAVE
void Save(Call& call) {
  PersistenceControl& persistence = *call.services.persistence;
  if (persistence.IsSavingInBackground())
    return call.FailText("ERR Background save already in progress");
  if (!persistence.Save().empty()) return call.FailText("ERR");
  call.reply.Ok();
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
void Shutdown(Call& call) {
  bool save = false;
  bool nosave = false;
  bool abort = false;
  bool now = false;
  bool force = false;
  while (call.args.More()) {
    if (call.args.Take("NOSAVE"))
      nosave = true;
    else if (call.args.Take("SAVE"))
      save = true;
    else if (call.args.Take("NOW"))
      now = true;
    else if (call.args.Take("FORCE"))
      force = true;
    else if (call.args.Take("ABORT"))
      abort = true;
    else
      return call.Fail(Error::kSyntax);
  }
  if ((save && nosave) || (abort && (save || nosave || now || force)))
    return call.Fail(Error::kSyntax);
  if (abort) {
    if (call.services.persistence->AbortShutdown()) return call.reply.Ok();
    return call.FailText("ERR No shutdown in progress.");
  }
  uint32_t flags = 0;
  if (save) flags |= kShutdownSave;
  if (nosave) flags |= kShutdownNoSave;
  if (now) flags |= kShutdownNow;
  if (force) flags |= kShutdownForce;
  if (!call.may_block) flags |= kShutdownNow;
  constexpr std::string_view kFailed = "ERR Errors trying to SHUTDOWN. Check logs.";
  switch (call.services.persistence->Shutdown(flags, call.client.handle)) {
    case ShutdownStart::kEnds:
      return call.client.CloseAfterReply();
    case ShutdownStart::kFailed:
      return call.FailText(kFailed);
    case ShutdownStart::kWaits:
      call.Block({}, 0, {});
      call.effects.block.answer = [kFailed] { return "-" + std::string(kFailed) + "\r\n"; };
  }
}

// TIME
void Time(Call& call) {
  int64_t now_us = call.client.in_script ? call.services.scripts->TimeUs(call.client) : NowUs();
  call.reply.Array(2);
  call.reply.BulkInteger(now_us / 1000000);
  call.reply.BulkInteger(now_us % 1000000);
}

constexpr uint32_t kPersist = kAdmin | kNoScript | kNoAsyncLoading;
constexpr uint32_t kModule = kAdmin | kNoScript;
constexpr uint32_t kInfoFlags = kLoading | kStale | kFast;
constexpr Acl kAcl = Acl::kDangerous;

// clang-format off
constexpr Command kServerCommands[] = {
  // name            arity  keys          flags                                                 acl         handler       since     usage                                                 summary
  {"BGREWRITEAOF",   1,     Keys::None(), kPersist | kGate,                                      Acl::kNone, BgRewriteAof, "1.0.0",  "",                                                   "Writes the append-only file anew in the background."},
  {"BGSAVE",         -1,    Keys::None(), kPersist | kGate,                                     Acl::kNone, BgSave,       "1.0.0",  "[SCHEDULE@3.2.2]",                                   "Saves the databases to disk in the background."},
  {"LASTSAVE",       1,     Keys::None(), kInfoFlags,                                           kAcl | Acl::kAdministration,       LastSave,     "1.0.0",  "",                                                   "Returns the Unix time of the last save."},
  {"LOLWUT",         -1,    Keys::None(), kReadOnly | kFast,                                    Acl::kNone, Lolwut,       "5.0.0",  "[VERSION version]",                                  "Shows the version and some art."},
  {"MODULE",         -2,    Keys::None(), kContainer,                                           Acl::kNone, nullptr,      "4.0.0",  "",                                                   "A container for commands about modules."},
  {"MODULE|HELP",    2,     Keys::None(), kLoading | kStale,                                    Acl::kNone, ModuleHelp,   "5.0.0",  "",                                                   "Describes the subcommands."},
  {"MODULE|LIST",    2,     Keys::None(), kModule,                                              Acl::kNone, ModuleList,   "4.0.0",  "",                                                   "Returns the loaded modules."},
  {"MODULE|LOAD",    -3,    Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "4.0.0",  "path [arg...]",                                      "Always refused: Kiln loads no modules."},
  {"MODULE|LOADEX",  -3,    Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "7.0.0",  "path [CONFIG configs=(name value)*] [ARGS args...]", "Always refused: Kiln loads no modules."},
  {"MODULE|UNLOAD",  3,     Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "4.0.0",  "name",                                               "Always refused: Kiln loads no modules."},
  {"MONITOR",        1,     Keys::None(), kAdmin | kNoScript | kLoading | kStale,               Acl::kNone, Monitor,      "1.0.0",  "",                                                   "Shows every command as it runs."},
  {"SAVE",           1,     Keys::None(), kPersist | kNoMulti | kGate,                          Acl::kNone, Save,         "1.0.0",  "",                                                   "Saves the databases to disk."},
  {"SHUTDOWN",       -1,    Keys::None(), kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy | kEndsBatch | kGate, Acl::kNone, Shutdown, "1.0.0", "[save-selector=<NOSAVE|SAVE>] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]", "Ends the server."},
  {"TIME",           1,     Keys::None(), kInfoFlags,                                           Acl::kNone, Time,         "2.6.0",  "",                                                   "Returns the server's time."},
};
// clang-format on
static_assert(WellFormed(kServerCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ServerCommands() {
  return kServerCommands;
}

}  // namespace kiln

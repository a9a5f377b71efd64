// Commands about the server itself: time, shutdown, monitoring, saving and its place in replication
// and modules.

#include "base/log.h"
#include "base/time.h"
#include "base/version.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

constexpr std::string_view kNoPersistence = "ERR persistence is not built yet";
constexpr std::string_view kNoReplication = "ERR replication is not built yet";

// BGREWRITEAOF
void BgRewriteAof(Call& call) {
  call.FailText(kNoPersistence);
}

// BGSAVE [SCHEDULE]
void BgSave(Call& call) {
  call.args.Take("SCHEDULE");
  if (!call.args.Done()) return call.Fail(call.args.error());
  call.FailText(kNoPersistence);
}

// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]
void Failover(Call& call) {
  if (call.args.Left() == 1 && call.args.Take("ABORT"))
    return call.FailText("ERR No failover in progress.");
  call.FailText("ERR FAILOVER requires connected replicas.");
}

// LASTSAVE
void LastSave(Call& call) {
  call.reply.Integer(call.services.server->LastSaveSeconds());
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

// REPLICAOF <host port | NO ONE>
void ReplicaOf(Call& call) {
  std::string_view host = call.args.Text();
  std::string_view port = call.args.Text();
  if (EqualsWord(host, "NO") && EqualsWord(port, "ONE")) return call.reply.Ok();  // it is none
  auto number = ParseInt64(port);
  if (!number || *number < 0 || *number > 65535) return call.FailText("ERR Invalid master port");
  call.FailText(kNoReplication);
}

// PSYNC replicationid offset, SYNC
void PSync(Call& call) {
  call.FailText(kNoReplication);
}

// REPLCONF option value [option value ...]
void ReplConf(Call& call) {
  if (call.args.Left() % 2 != 0) return call.Fail(Error::kSyntax);
  while (call.args.More()) {
    if (call.args.Take("LISTENING-PORT"))
      call.args.Integer();
    else
      return call.FailText("ERR Unrecognized REPLCONF option: " + std::string(call.args.Peek()));
  }
  if (!call.args.Done()) return call.Fail(call.args.error());
  call.reply.Ok();
}

// ROLE
void Role(Call& call) {
  call.reply.Array(3);
  call.reply.Bulk("master");
  call.reply.Integer(0);
  call.reply.Array(0);
}

// SAVE
void Save(Call& call) {
  call.FailText(kNoPersistence);
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
void Shutdown(Call& call) {
  bool save = false;
  bool nosave = false;
  bool abort = false;
  bool other = false;
  while (call.args.More()) {
    if (call.args.Take("NOSAVE"))
      nosave = true;
    else if (call.args.Take("SAVE"))
      save = true;
    else if (call.args.Take("NOW") || call.args.Take("FORCE"))
      other = true;
    else if (call.args.Take("ABORT"))
      abort = true;
    else
      return call.Fail(Error::kSyntax);
  }
  if ((save && nosave) || (abort && (save || nosave || other))) return call.Fail(Error::kSyntax);
  if (abort) return call.FailText("ERR No shutdown in progress.");
  if (save) return call.FailText(kNoPersistence);
  Log(LogLevel::kNotice, "User requested shutdown...");
  call.services.server->Shutdown();
  call.client.CloseAfterReply();
}

// TIME
void Time(Call& call) {
  int64_t now_us = NowUs();
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
  // name            arity  keys          flags                                                 acl         handler       since     usage                                       summary
  {"BGREWRITEAOF",   1,     Keys::None(), kPersist,                                             Acl::kNone, BgRewriteAof, "1.0.0",  "",                                         "Writes the append-only file anew in the background."},
  {"BGSAVE",         -1,    Keys::None(), kPersist,                                             Acl::kNone, BgSave,       "1.0.0",  "[SCHEDULE]",                               "Saves the databases to disk in the background."},
  {"FAILOVER",       -1,    Keys::None(), kAdmin | kNoScript | kStale,                          Acl::kNone, Failover,     "6.2.0",  "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]", "Makes a replica the primary, without loss."},
  {"LASTSAVE",       1,     Keys::None(), kInfoFlags,                                           kAcl | Acl::kAdministration,       LastSave,     "1.0.0",  "",                                         "Returns the Unix time of the last save."},
  {"LOLWUT",         -1,    Keys::None(), kReadOnly | kFast,                                    Acl::kNone, Lolwut,       "5.0.0",  "[VERSION version]",                        "Shows the version and some art."},
  {"MODULE",         -2,    Keys::None(), kContainer,                                           Acl::kNone, nullptr,      "4.0.0",  "",                                         "A container for commands about modules."},
  {"MODULE|HELP",    2,     Keys::None(), kLoading | kStale,                                    Acl::kNone, ModuleHelp,   "5.0.0",  "",                                         "Describes the subcommands."},
  {"MODULE|LIST",    2,     Keys::None(), kModule,                                              Acl::kNone, ModuleList,   "4.0.0",  "",                                         "Returns the loaded modules."},
  {"MODULE|LOAD",    -3,    Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "4.0.0",  "path [arg [arg ...]]",                     "Always refused: Kiln loads no modules."},
  {"MODULE|LOADEX",  -3,    Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "7.0.0",  "path [CONFIG name value ...] [ARGS ...]",  "Always refused: Kiln loads no modules."},
  {"MODULE|UNLOAD",  3,     Keys::None(), kModule | kNoAsyncLoading,                            Acl::kNone, ModuleRefuse, "4.0.0",  "name",                                     "Always refused: Kiln loads no modules."},
  {"MONITOR",        1,     Keys::None(), kAdmin | kNoScript | kLoading | kStale,               Acl::kNone, Monitor,      "1.0.0",  "",                                         "Shows every command as it runs."},
  {"PSYNC",          -3,    Keys::None(), kPersist | kNoMulti,                                  Acl::kNone, PSync,        "2.8.0",  "replicationid offset",                     "What replicas say: asks for the changes since an offset."},
  {"REPLCONF",       -1,    Keys::None(), kAdmin | kNoScript | kLoading | kStale | kAllowBusy,  Acl::kNone, ReplConf,     "3.0.0",  "",                                         "What replicas say: tells the primary about one."},
  {"REPLICAOF",      3,     Keys::None(), kPersist | kStale,                                    Acl::kNone, ReplicaOf,    "5.0.0",  "<host port | NO ONE>",                     "Makes the server a replica, or a primary."},
  {"ROLE",           1,     Keys::None(), kInfoFlags | kNoScript,                               kAcl | Acl::kAdministration,       Role,         "2.8.12", "",                                         "Returns the server's place in replication."},
  {"SAVE",           1,     Keys::None(), kPersist | kNoMulti,                                  Acl::kNone, Save,         "1.0.0",  "",                                         "Saves the databases to disk."},
  {"SHUTDOWN",       -1,    Keys::None(), kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy | kEndsBatch, Acl::kNone, Shutdown, "1.0.0", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", "Ends the server."},
  {"SLAVEOF",        3,     Keys::None(), kPersist | kStale,                                    Acl::kNone, ReplicaOf,    "1.0.0",  "<host port | NO ONE>",                     "Makes the server a replica, or a primary; REPLICAOF's older name."},
  {"SYNC",           1,     Keys::None(), kPersist | kNoMulti,                                  Acl::kNone, PSync,        "1.0.0",  "",                                         "What replicas say: asks for everything."},
  {"TIME",           1,     Keys::None(), kInfoFlags,                                           Acl::kNone, Time,         "2.6.0",  "",                                         "Returns the server's time."},
};
// clang-format on
static_assert(WellFormed(kServerCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ServerCommands() {
  return kServerCommands;
}

}  // namespace kiln

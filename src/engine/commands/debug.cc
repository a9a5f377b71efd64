// DEBUG: a look inside and a hand on the brakes, for tests. One row, as in Redis; its subcommands
// stand in a table of their own. It runs alone in the process, so any key may be touched and DEBUG
// SLEEP holds everybody up.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/glob.h"
#include "base/log.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/dataset_digest.h"
#include "engine/commands/debug_protocol.h"
#include "engine/commands/debug_switches.h"
#include "engine/commands/groups.h"
#include "engine/commands/journal_probe.h"
#include "engine/commands/persistence.h"
#include "engine/commands/replication.h"
#include "engine/commands/services.h"
#include "engine/store/value.h"

namespace kiln {
namespace {

// The record of a key, which may be due already; null, and an error is replied, when there is none.
const Record* FindRecord(Call& call, const Key& key) {
  const DbShard& table = call.db.keyspace().table(call.db.index(), key.shard());
  const Record* record = table.records.Find(key.table_hash(), key.text);
  if (record == nullptr) call.Fail(Error::kNoSuchKey);
  return record;
}

// ---- Looking at values ----

// DEBUG OBJECT key
void Object(Call& call) {
  Key key = call.args.NextKey();
  // Also one that is due: looking must not delete it.
  const Record* record = call.db.keyspace()
                             .table(call.db.index(), key.shard())
                             .records.Find(key.table_hash(), key.text);
  if (record == nullptr) return call.Fail(Error::kNoSuchKey);
  call.reply.Simple(fmt::format(
      "Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      fmt::ptr(record), EncodingOf(record), SerializedBytesEstimate(record), record->clock(),
      call.db.IdleSeconds(record)));
}

void DescribeNodes(Call& call, std::string_view encoding, std::string_view refusal) {
  Key key = call.args.NextKey();
  const Record* record = FindRecord(call, key);
  if (record == nullptr) return;
  if (EncodingOf(record) != encoding) return call.FailText(refusal);
  const void* value = record->collection<void>();
  call.reply.Simple(fmt::format("A {} of {} elements in {} bytes", encoding,
                                CollectionSize(record->type(), value),
                                CollectionMemoryBytes(record->type(), value)));
}

// DEBUG LISTPACK key
void ShowListpack(Call& call) {
  DescribeNodes(call, "listpack", "ERR Not a listpack encoded object.");
}

// DEBUG QUICKLIST key [0|1]
void ShowQuicklist(Call& call) {
  DescribeNodes(call, "quicklist", "ERR Not a quicklist encoded object.");
}

// DEBUG HTSTATS db [FULL]
void HashTableStats(Call& call) {
  int64_t db = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  Keyspace& keyspace = call.db.keyspace();
  if (db < 0 || db >= keyspace.databases()) return call.FailText("ERR Out of range database");
  auto index = static_cast<int>(db);
  size_t table_bytes = 0;
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    table_bytes += keyspace.table(index, shard).records.memory_bytes();
  }
  call.reply.Verbatim(
      "txt", fmt::format("[Dictionary HT]\n number of elements: {}\n table bytes: {}\n"
                         "[Expires HT]\n number of elements: {}\n",
                         keyspace.KeyCount(index), table_bytes, keyspace.VolatileCount(index)));
}

// DEBUG HTSTATS-KEY key [FULL]
void HashTableStatsOfKey(Call& call) {
  Key key = call.args.NextKey();
  const Record* record = FindRecord(call, key);
  if (record == nullptr) return;
  std::string_view encoding = EncodingOf(record);
  if (encoding != "hashtable" && encoding != "skiplist") {
    return call.FailText(
        "ERR The value stored at the specified key is not represented using an hash table");
  }
  call.reply.Verbatim("txt",
                      fmt::format(" number of elements: {}\n",
                                  CollectionSize(record->type(), record->collection<void>())));
}

void ReplyDigest(Call& call, const Sha1Digest& digest) {
  Sha1Text text = HexOf(digest);
  call.reply.Simple({text.data(), text.size()});
}

// DEBUG DIGEST
void Digest(Call& call) {
  ReplyDigest(call, DigestOfDataset(call.db.keyspace()));
}

// DEBUG DIGEST-VALUE [key ...]
void DigestValue(Call& call) {
  call.reply.Array(call.args.Left());
  while (call.args.More()) {
    const Record* record = call.db.Peek(call.args.NextKey());
    ReplyDigest(call, record == nullptr ? Sha1Digest{} : DigestOfValue(record));
  }
}

// ---- Doing things ----

// DEBUG SLEEP seconds
void Sleep(Call& call) {
  double seconds = call.args.Double();
  if (!call.args.ok()) return call.Fail(call.args.error());
  constexpr double kMaxSeconds = 3600;
  std::this_thread::sleep_for(std::chrono::duration<double>(std::clamp(seconds, 0.0, kMaxSeconds)));
  call.reply.Ok();
}

// DEBUG POPULATE count [prefix] [size]
void Populate(Call& call) {
  int64_t count = call.args.Integer();
  std::string_view prefix = call.args.More() ? call.args.Text() : "key";
  int64_t bytes = call.args.More() ? call.args.Integer() : 0;
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (count < 0 || bytes < 0) return call.Fail(Error::kNotPositive);
  if (static_cast<size_t>(bytes) > kMaxStringBytes) return call.Fail(Error::kStringTooLong);
  for (int64_t i = 0; i < count; ++i) {
    std::string name = fmt::format("{}:{}", prefix, i);
    Key key = HashKey(name);
    if (call.db.Peek(key) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (bytes > 0) value.resize(static_cast<size_t>(bytes));
    call.db.SetString(key, value, {});
    call.Touched(key);
  }
  call.reply.Ok();
}

// DEBUG SET-ACTIVE-EXPIRE 0|1
void SetActiveExpire(Call& call) {
  call.db.keyspace().set_expires_actively(call.args.Text() != "0");
  call.reply.Ok();
}

// DEBUG SET-DISABLE-DENY-SCRIPTS 0|1
void AllowForbiddenInScripts(Call& call) {
  int64_t allow = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  call.services.scripts->AllowForbidden(allow != 0);
  call.reply.Ok();
}

// DEBUG CONFIG-REWRITE-FORCE-ALL
void RewriteWholeConfig(Call& call) {
  std::string error = call.services.server->RewriteConfig(true);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

// DEBUG PAUSE-CRON <0 | 1>
void PauseCron(Call& call) {
  call.services.server->PauseCron(call.args.Text() != "0");
  call.reply.Ok();
}

// DEBUG STRINGMATCH-LEN length pattern
void StringMatchLength(Call& call) {
  constexpr int64_t kMaxLength = 1 << 20;
  int64_t length = call.args.IntegerWithin(0, kMaxLength);
  std::string_view pattern = call.args.Text();
  if (!call.args.ok()) return call.Fail(call.args.error());
  call.reply.Integer(GlobMatches(pattern, std::string(static_cast<size_t>(length), 'a')) ? 1 : 0);
}

// DEBUG LOG message
void LogMessage(Call& call) {
  Log(LogLevel::kWarning, fmt::format("DEBUG LOG: {}", call.args.Text()));
  call.reply.Ok();
}

// DEBUG ERROR text
void ReplyError(Call& call) {
  call.FailText(call.args.Text());
}

// DEBUG PROTOCOL type
void Protocol(Call& call) {
  if (!ReplySampleOf(call.args.Text(), call.reply)) {
    call.FailText(
        "ERR Wrong protocol type name. Please use one of the following: "
        "string|integer|double|bignum|null|array|set|map|"
        "attrib|push|verbatim|true|false");
  }
}

// DEBUG SDSLEN key
void StringLengths(Call& call) {
  Key key = call.args.NextKey();
  const Record* record = FindRecord(call, key);
  if (record == nullptr) return;
  if (record->type() != Type::kString || record->is_integer())
    return call.FailText("ERR Not an sds encoded string.");
  char scratch[kMaxInt64Chars];
  size_t bytes = Db::StringOf(record, scratch).size();
  call.reply.Simple(fmt::format(
      "key_sds_len:{}, key_sds_avail:0, key_zmalloc: {}, val_sds_len:{}, val_sds_avail:0, "
      "val_zmalloc: {}",
      key.text.size(), key.text.size(), bytes, call.db.MemoryBytes(key, record)));
}

// DEBUG STRUCTSIZE
void StructSizes(Call& call) {
  call.reply.Simple(fmt::format("bits:{} record:{} client:{} key:{}", sizeof(void*) * 8,
                                sizeof(Record), sizeof(Client), sizeof(Key)));
}

// DEBUG CHANGE-REPL-ID
void ChangeReplicationId(Call& call) {
  call.services.server->ChangeReplicationId();
  call.reply.Ok();
}

// DEBUG REPLICATE word [word ...]
void ReplicateOnly(Call& call) {
  call.services.replication->Replicate(call.args.Rest());
  call.reply.Ok();
}

// DEBUG SET-SKIP-CHECKSUM-VALIDATION 0|1
void SkipChecksums(Call& call) {
  call.services.debug->skips_checksums = call.args.Text() != "0";
  call.reply.Ok();
}

// DEBUG JOURNAL ON | OFF | TAKE | REPLAY bytes | REPLAYED
void LookAtJournal(Call& call) {
  JournalProbe& probe = *call.services.journal_probe;
  if (call.args.Left() == 2 && call.args.Take("REPLAY")) {
    probe.Replay(call.args.Text());
    return call.reply.Ok();
  }
  if (call.args.Left() != 1) return call.Fail(Error::kSyntax);
  if (call.args.Take("REPLAYED")) return call.reply.Bulk(probe.Replayed());
  if (call.args.Take("TAKE")) {
    if (!probe.is_on()) return call.FailText("ERR DEBUG JOURNAL ON comes first");
    return call.reply.Bulk(probe.Take());
  }
  bool on = call.args.Take("ON");
  if (!on && !call.args.Take("OFF")) return call.Fail(Error::kSyntax);
  probe.Switch(on);
  call.reply.Ok();
}

// For switches of Redis that have nothing to switch here.
void Accept(Call& call) {
  call.reply.Ok();
}

void RefuseToCrash(Call& call) {
  call.FailText("ERR a node does not crash on demand");
}

// DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
void Reload(Call& call) {
  ReloadOptions options;
  while (call.args.More()) {
    if (call.args.Take("MERGE")) {
      options.replaces = true;
    } else if (call.args.Take("NOFLUSH")) {
      options.flushes = false;
    } else if (call.args.Take("NOSAVE")) {
      options.saves = false;
    } else {
      return call.FailText("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  std::string error = call.services.persistence->Reload(options);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

// DEBUG LOADAOF
void LoadAppendOnly(Call& call) {
  std::string error = call.services.persistence->ReloadAppendOnly(call.client.handle.worker);
  if (!error.empty()) return call.FailText("ERR " + error);
  call.reply.Ok();
}

void Help(Call& call);

struct Subcommand {
  std::string_view name;
  size_t min_arguments;  // behind the name
  size_t max_arguments;
  CommandHandler handler;
  std::string_view usage;
  std::string_view help;
};

constexpr size_t kAnyNumber = SIZE_MAX;

// clang-format off
constexpr Subcommand kSubcommands[] = {
  // name                        arguments      handler              usage                         help
  {"AOF-FLUSH-SLEEP",            1, 1,          Accept,              "<microsec>",                 "Accepted; has no effect."},
  {"ASSERT",                     0, 0,          RefuseToCrash,       "",                           "Refused: nodes do not crash on demand."},
  {"CHANGE-REPL-ID",             0, 0,          ChangeReplicationId, "",                           "Give the data another replication id."},
  {"CONFIG-REWRITE-FORCE-ALL",   0, 0,          RewriteWholeConfig,  "",                           "CONFIG REWRITE, parameters that have their defaults included."},
  {"CRASH-AND-RECOVER",          0, 1,          RefuseToCrash,       "[<milliseconds>]",           "Refused: nodes do not crash on demand."},
  {"DICT-RESIZING",              1, 1,          Accept,              "<0|1>",                      "Accepted; tables grow and shrink in small steps anyway."},
  {"DIGEST",                     0, 0,          Digest,              "",                           "A signature of all databases."},
  {"DIGEST-VALUE",               0, kAnyNumber, DigestValue,         "<key> [<key> ...]",          "A signature of the value of each key."},
  {"ERROR",                      1, 1,          ReplyError,          "<string>",                   "Reply with this error."},
  {"HELP",                       0, 0,          Help,                "",                           "Print this help."},
  {"HTSTATS",                    1, 2,          HashTableStats,      "<dbid> [full]",              "Sizes of a database's tables."},
  {"HTSTATS-KEY",                1, 2,          HashTableStatsOfKey, "<key> [full]",               "Size of the table at a key."},
  {"JOURNAL",                    1, 2,          LookAtJournal,       "<ON|OFF|TAKE|REPLAY|REPLAYED> [<bytes>]", "Put changes into the journal and show them; apply a journal, and tell how far it went."},
  {"LISTPACK",                   1, 1,          ShowListpack,        "<key>",                      "Size of the listpack at a key."},
  {"LOADAOF",                    0, 0,          LoadAppendOnly,      "",                           "Empty the databases and load them from the append-only file."},
  {"LOG",                        1, 1,          LogMessage,          "<message>",                  "Write a message to the log."},
  {"OBJECT",                     1, 2,          Object,              "<key>",                      "Encoding and last use of the value at a key."},
  {"OOM",                        0, 0,          RefuseToCrash,       "",                           "Refused: nodes do not crash on demand."},
  {"PANIC",                      0, 0,          RefuseToCrash,       "",                           "Refused: nodes do not crash on demand."},
  {"PAUSE-CRON",                 1, 1,          PauseCron,           "<0|1>",                      "With 1, tracked keys are not limited at intervals."},
  {"POPULATE",                   1, 3,          Populate,            "<count> [<prefix>] [<size>]", "Create strings named prefix:0, prefix:1 and so on."},
  {"PROTOCOL",                   1, 1,          Protocol,            "<type>",                     "Reply with a sample of a type of the protocol."},
  {"QUICKLIST",                  1, 2,          ShowQuicklist,       "<key> [<0|1>]",              "Size of the quicklist at a key."},
  {"QUICKLIST-PACKED-THRESHOLD", 1, 1,          Accept,              "<size>",                     "Accepted; has no effect."},
  {"RELOAD",                     0, kAnyNumber, Reload,              "[<option> ...]",             "Save the databases and load them again. MERGE, NOFLUSH and NOSAVE change that."},
  {"REPLICATE",                  1, kAnyNumber, ReplicateOnly,       "<word> [<word> ...]",        "Send replicas a command that this server does not run."},
  {"REPLYBUFFER",                2, 2,          Accept,              "<subcommand> <value>",       "Accepted; has no effect."},
  {"RESTART",                    0, 1,          RefuseToCrash,       "[<milliseconds>]",           "Refused: nodes do not crash on demand."},
  {"SDSLEN",                     1, 1,          StringLengths,       "<key>",                      "Sizes of a key and the string there."},
  {"SEGFAULT",                   0, 0,          RefuseToCrash,       "",                           "Refused: nodes do not crash on demand."},
  {"SET-ACTIVE-EXPIRE",          1, 1,          SetActiveExpire,     "<0|1>",                      "With 0, due keys go only when they are looked at."},
  {"SET-DISABLE-DENY-SCRIPTS",   1, 1,          AllowForbiddenInScripts, "<0|1>",                  "With 1, scripts may call commands that are forbidden to them."},
  {"SET-SKIP-CHECKSUM-VALIDATION", 1, 1,        SkipChecksums,       "<0|1>",                      "With 1, RESTORE takes payloads with wrong checksums."},
  {"SLEEP",                      1, 1,          Sleep,               "<seconds>",                  "Hold the whole server up."},
  {"STRINGMATCH-LEN",            2, 2,          StringMatchLength,   "<length> <pattern>",         "Match a pattern against so many letters a."},
  {"STRUCTSIZE",                 0, 0,          StructSizes,         "",                           "Sizes of some of the server\'s structures."},
};
// clang-format on

void Help(Call& call) {
  call.reply.Array(1 + 2 * std::size(kSubcommands));
  call.reply.Simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Subcommand& row : kSubcommands) {
    call.reply.Simple(row.usage.empty() ? std::string(row.name)
                                        : fmt::format("{} {}", row.name, row.usage));
    call.reply.Simple(fmt::format("    {}", row.help));
  }
}

// DEBUG subcommand [argument ...]
void Debug(Call& call) {
  std::string_view name = call.args.Text();
  size_t arguments = call.args.Left();
  for (const Subcommand& row : kSubcommands) {
    if (!EqualsWord(name, row.name)) continue;
    if (arguments < row.min_arguments || arguments > row.max_arguments) break;
    return row.handler(call);
  }
  call.FailText(SubcommandErrorText(name, "DEBUG"));
}

// clang-format off
constexpr Command kDebugCommands[] = {
  // name   arity  keys          flags                                                         acl         handler  since    usage summary
  {"DEBUG", -2,    Keys::None(), kAdmin | kNoScript | kLoading | kStale | kDebugOnly | kGate,  Acl::kNone, Debug,   "1.0.0", "", "Tools for tests."},
};
// clang-format on
static_assert(WellFormed(kDebugCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> DebugCommands() {
  return kDebugCommands;
}

}  // namespace kiln

// DUMP and RESTORE: a key's value as bytes that any Redis understands, and back.

#include <optional>

#include "base/log.h"
#include "engine/commands/call.h"
#include "engine/commands/debug_switches.h"
#include "engine/commands/replay_words.h"
#include "engine/commands/services.h"
#include "engine/persist/groups.h"
#include "engine/persist/payload.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

// DUMP key
void Dump(Call& call) {
  Key key = call.args.NextKey();
  if (!call.args.Done()) return call.Fail(call.args.error());
  const Record* record = call.db.WithoutDueFields(key, call.db.Find(key));
  if (record == nullptr) return call.reply.Null();
  std::string payload;
  RdbOutput out(&payload, true);
  SealPayload(&payload, WriteRdbValue(out, record));
  call.reply.Bulk(payload);
}

struct RestoreOptions {
  int64_t ttl = 0;
  bool is_absolute = false;
  bool replaces = false;
  std::optional<int64_t> idle_seconds;
  std::optional<int64_t> frequency;
  std::string_view error;
};

RestoreOptions ReadOptions(ArgumentCursor& args) {
  RestoreOptions options;
  auto fail = [&](std::string_view text) {
    if (options.error.empty()) options.error = text;
  };
  while (args.More() && options.error.empty()) {
    if (args.Take("REPLACE")) {
      options.replaces = true;
    } else if (args.Take("ABSTTL")) {
      options.is_absolute = true;
    } else if (!options.frequency && args.Left() >= 2 && args.Take("IDLETIME")) {
      options.idle_seconds = args.Integer();
      if (*options.idle_seconds < 0) fail("ERR Invalid IDLETIME value, must be >= 0");
    } else if (!options.idle_seconds && args.Left() >= 2 && args.Take("FREQ")) {
      options.frequency = args.Integer();
      if (*options.frequency < 0 || *options.frequency > 255)
        fail("ERR Invalid FREQ value, must be >= 0 and <= 255");
    } else {
      fail(TextOf(Error::kSyntax));
    }
  }
  return options;
}

// How recently or how often it was used.
void ApplyUse(Call& call, Record* record, const RestoreOptions& options) {
  if (options.frequency) call.db.SetLfuCounter(record, static_cast<uint32_t>(*options.frequency));
  if (options.idle_seconds)
    call.db.SetIdleSeconds(record, static_cast<uint64_t>(*options.idle_seconds));
}

// The request with the moment at which the key goes.
void ReplayWithMoment(Call& call, uint64_t expiry_ms) {
  constexpr size_t kTtlAt = 2;
  ReplayWords words(call.args.all());
  words.PutText(kTtlAt, std::to_string(expiry_ms));
  words.Add("ABSTTL");
  call.ReplayAs(words.all());
}

// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
void Restore(Call& call) {
  Key key = call.args.NextKey();
  std::string_view ttl_text = call.args.Text();
  std::string_view payload = call.args.Text();
  RestoreOptions options = ReadOptions(call.args);
  if (!options.error.empty()) return call.FailText(options.error);
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (!options.replaces && call.db.Peek(key) != nullptr)
    return call.FailText("BUSYKEY Target key name already exists.");
  std::optional<int64_t> ttl = ParseInt64(ttl_text);
  if (!ttl) return call.Fail(Error::kNotInteger);
  auto now_ms = static_cast<int64_t>(call.now_ms());
  int64_t at_ms = *ttl;
  bool is_relative = *ttl != 0 && !options.is_absolute;
  if (*ttl < 0 || (is_relative && __builtin_add_overflow(*ttl, now_ms, &at_ms)))
    return call.FailText("ERR Invalid TTL value, must be >= 0");
  std::optional<OpenedPayload> opened = OpenPayload(payload, call.services.debug->skips_checksums);
  if (!opened) return call.FailText("ERR DUMP payload version or checksum are wrong");
  RdbInput in(opened->bytes, opened->version);
  RdbValue value = ReadRdbValue(in, call.settings());
  if (in.is_broken() || in.is_empty() || !in.AtEnd()) {
    Log(LogLevel::kWarning, "RESTORE refused a value: its integrity check failed");
    return call.FailText("ERR Bad data format");
  }

  bool has_replaced = options.replaces && call.db.Delete(key);
  uint64_t expiry_ms = *ttl == 0 ? kNoExpiry : static_cast<uint64_t>(at_ms);
  if (expiry_ms <= call.now_ms()) {  // It is over already.
    if (has_replaced) call.Changed(key, kEventGeneric, "del");
    if (has_replaced) call.ReplayAs({"DEL", key.text});
    return call.reply.Ok();
  }
  Record* record = StoreRdbValue(call.db, key, std::move(value));
  if (expiry_ms != kNoExpiry) record = call.db.SetExpiry(key, record, expiry_ms);
  ApplyUse(call, record, options);
  call.Changed(key, kEventGeneric, "restore");
  if (is_relative && call.is_journaled()) ReplayWithMoment(call, expiry_ms);
  call.reply.Ok();
}

// clang-format off
constexpr Command kDumpCommands[] = {
  // name     arity  keys         flags            acl                         handler  since    usage  summary
  {"DUMP",    2,     Keys::One(), kReadOnly,       Acl::kKeyspace,             Dump,    "2.6.0", "key", "Returns a key's value in a form that RESTORE takes."},
  {"RESTORE", -4,    Keys::One(), kWrite | kGrows, Acl::kKeyspace | Acl::kDangerous, Restore, "2.6.0", "key ttl serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds@5.0.0] [FREQ frequency@5.0.0]", "Creates a key from what DUMP returned."},
  {"RESTORE-ASKING", -4,    Keys::One(), kWrite | kGrows | kAsking, Acl::kKeyspace | Acl::kDangerous, Restore, "3.0.0", "key ttl serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds@5.0.0] [FREQ frequency@5.0.0]", "Does what RESTORE does, for servers that move keys."},
};
// clang-format on
static_assert(WellFormed(kDumpCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> DumpCommands() {
  return kDumpCommands;
}

}  // namespace kiln

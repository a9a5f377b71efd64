// DUMP and RESTORE: a key's value as bytes that any Redis understands, and back.

#include <optional>

#include "engine/commands/call.h"
#include "engine/persist/groups.h"
#include "engine/persist/payload.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

// DUMP key
void Dump(Call& call) {
  Key key = call.args.NextKey();
  if (!call.args.Done()) return call.Fail(call.args.error());
  const Record* record = call.db.Find(key);
  if (record == nullptr) return call.reply.Null();
  std::string payload;
  RdbOutput out(&payload, true);
  WriteRdbValue(out, record);
  SealPayload(&payload);
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
  if (*ttl < 0) return call.FailText("ERR Invalid TTL value, must be >= 0");
  std::optional<std::string_view> bytes = OpenPayload(payload);
  if (!bytes) return call.FailText("ERR DUMP payload version or checksum are wrong");
  RdbInput in(*bytes);
  RdbValue value = ReadRdbValue(in, call.settings());
  if (in.is_broken() || !in.AtEnd()) return call.FailText("ERR Bad data format");

  bool has_replaced = options.replaces && call.db.Delete(key);
  uint64_t expiry_ms = *ttl == 0 ? kNoExpiry : static_cast<uint64_t>(*ttl);
  if (*ttl != 0 && !options.is_absolute) expiry_ms += call.now_ms();
  if (expiry_ms <= call.now_ms()) {  // It is over already.
    if (has_replaced) call.Changed(key, kEventGeneric, "del");
    return call.reply.Ok();
  }
  Record* record = StoreRdbValue(call.db, key, std::move(value));
  if (expiry_ms != kNoExpiry) record = call.db.SetExpiry(key, record, expiry_ms);
  ApplyUse(call, record, options);
  call.Changed(key, kEventGeneric, "restore");
  call.reply.Ok();
}

// clang-format off
constexpr Command kDumpCommands[] = {
  // name     arity  keys         flags            acl                         handler  since    usage                                                                       summary
  {"DUMP",    2,     Keys::One(), kReadOnly,       Acl::kKeyspace,             Dump,    "2.6.0", "key",                                                                      "Returns a key's value in a form that RESTORE takes."},
  {"RESTORE", -4,    Keys::One(), kWrite | kGrows, Acl::kKeyspace | Acl::kDangerous, Restore, "2.6.0", "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", "Creates a key from what DUMP returned."},
};
// clang-format on
static_assert(WellFormed(kDumpCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> DumpCommands() {
  return kDumpCommands;
}

}  // namespace kiln

// DUMP and RESTORE: a key's value as bytes that any Redis understands, and back.
//
// A payload is the value in the RDB format, the format's version (2 bytes) and a CRC-64 of all
// before it (8 bytes), both little-endian.

#include <endian.h>

#include <cstring>

#include "engine/commands/call.h"
#include "engine/persist/crc64.h"
#include "engine/persist/groups.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

constexpr size_t kFooterBytes = 10;

// DUMP key
void Dump(Call& call) {
  Key key = call.args.NextKey();
  if (!call.args.Done()) return call.Fail(call.args.error());
  const Record* record = call.db.Find(key);
  if (record == nullptr) return call.reply.Null();
  if (!HasRdbForm(record)) return call.FailText("ERR DUMP of streams is not supported yet");
  std::string payload;
  RdbOutput out(&payload, true);
  WriteRdbValue(out, record);
  uint16_t version = htole16(kRdbVersion);
  payload.append(reinterpret_cast<const char*>(&version), sizeof(version));
  uint64_t crc = htole64(Crc64(0, payload));
  payload.append(reinterpret_cast<const char*>(&crc), sizeof(crc));
  call.reply.Bulk(payload);
}

bool IsIntact(std::string_view payload) {
  if (payload.size() < kFooterBytes) return false;
  const char* footer = payload.data() + payload.size() - kFooterBytes;
  uint16_t version;
  uint64_t crc;
  std::memcpy(&version, footer, sizeof(version));
  std::memcpy(&crc, footer + sizeof(version), sizeof(crc));
  if (le16toh(version) > kRdbVersion) return false;
  return le64toh(crc) == Crc64(0, payload.substr(0, payload.size() - sizeof(crc)));
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
  if (!IsIntact(payload)) return call.FailText("ERR DUMP payload version or checksum are wrong");
  RdbInput in(payload.substr(0, payload.size() - kFooterBytes));
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

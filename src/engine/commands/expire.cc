// Commands for times to live. Times are kept as Unix milliseconds, whatever unit a command speaks.

#include <optional>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"

namespace kiln {
namespace {

// ---- Setting ----

enum class Unit : uint8_t { kSeconds, kMilliseconds };
enum class From : uint8_t { kNow, kEpoch };

// Under which conditions an EXPIRE counts.
struct ExpireConditions {
  bool only_without = false;  // NX
  bool only_with = false;     // XX
  bool only_later = false;    // GT; no TTL counts as for ever
  bool only_sooner = false;   // LT

  bool Allow(uint64_t before, int64_t when) const {
    bool has_expiry = before != kNoExpiry;
    if (only_without && has_expiry) return false;
    if (only_with && !has_expiry) return false;
    if (only_later && (!has_expiry || when <= static_cast<int64_t>(before))) return false;
    return !(only_sooner && has_expiry && when >= static_cast<int64_t>(before));
  }
};

// Nothing when they contradict each other; then the client has been told.
std::optional<ExpireConditions> ReadConditions(Call& call) {
  ExpireConditions conditions;
  while (call.args.More()) {
    if (call.args.Take("NX")) {
      conditions.only_without = true;
    } else if (call.args.Take("XX")) {
      conditions.only_with = true;
    } else if (call.args.Take("GT")) {
      conditions.only_later = true;
    } else if (call.args.Take("LT")) {
      conditions.only_sooner = true;
    } else {
      call.FailText("ERR Unsupported option " + UntilZero(call.args.Peek()));
      return std::nullopt;
    }
  }
  if (conditions.only_without &&
      (conditions.only_with || conditions.only_later || conditions.only_sooner)) {
    call.FailText("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.only_later && conditions.only_sooner) {
    call.FailText("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

// In Unix ms, possibly in the past; nothing when it does not fit.
std::optional<int64_t> MomentMs(const Call& call, int64_t time, Unit unit, From from) {
  if (unit == Unit::kSeconds && __builtin_mul_overflow(time, int64_t{1000}, &time))
    return std::nullopt;
  auto base = from == From::kNow ? static_cast<int64_t>(call.now_ms()) : 0;
  if (__builtin_add_overflow(time, base, &time)) return std::nullopt;
  return time;
}

// The request as a PEXPIREAT; its conditions hold again.
void ReplayMoment(Call& call, int64_t when_ms) {
  ReplayWords words(call.args.all());
  words.Put(0, "PEXPIREAT");
  words.PutText(2, std::to_string(when_ms));
  call.ReplayAs(words.all());
}

void SetTimeToLive(Call& call, Unit unit, From from) {
  Key key = call.args.NextKey();
  std::string_view text = call.args.Text();
  auto conditions = ReadConditions(call);
  if (!conditions) return;
  auto time = ParseInt64(text);
  if (!time) return call.Fail(Error::kNotInteger);
  auto when = MomentMs(call, *time, unit, from);
  if (!when) return call.FailText(ExpireTimeErrorText(call.command));
  Record* record = call.db.Touch(key);
  if (record == nullptr || !conditions->Allow(record->expiry_ms(), *when))
    return call.reply.Integer(0);
  if (*when <= static_cast<int64_t>(call.now_ms())) {
    call.db.Delete(key);
    call.Changed(key, kEventGeneric, "del");
    call.ReplayAs({"DEL", key.text});
  } else {
    call.db.SetExpiry(key, record, static_cast<uint64_t>(*when));
    call.Changed(key, kEventGeneric, "expire");
    bool is_exact = unit == Unit::kMilliseconds && from == From::kEpoch;
    if (call.is_journaled() && !is_exact) ReplayMoment(call, *when);
  }
  call.reply.Integer(1);
}

// EXPIRE key seconds [NX | XX | GT | LT]
void Expire(Call& call) {
  SetTimeToLive(call, Unit::kSeconds, From::kNow);
}
// PEXPIRE key milliseconds [NX | XX | GT | LT]
void PExpire(Call& call) {
  SetTimeToLive(call, Unit::kMilliseconds, From::kNow);
}
// EXPIREAT key unix-time-seconds [NX | XX | GT | LT]
void ExpireAt(Call& call) {
  SetTimeToLive(call, Unit::kSeconds, From::kEpoch);
}
// PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]
void PExpireAt(Call& call) {
  SetTimeToLive(call, Unit::kMilliseconds, From::kEpoch);
}

// PERSIST key
void Persist(Call& call) {
  Key key = call.args.NextKey();
  Record* record = call.db.Touch(key);
  if (record == nullptr || record->expiry_ms() == kNoExpiry) return call.reply.Integer(0);
  call.db.SetExpiry(key, record, kNoExpiry);
  call.Changed(key, kEventGeneric, "persist");
  call.reply.Integer(1);
}

// ---- Reading ----

// Replies -2 for no such key, -1 for a key without a TTL. Seconds are rounded.
void ReplyTimeToLive(Call& call, Unit unit, From from) {
  const Record* record = call.db.Inspect(call.args.NextKey());
  if (record == nullptr) return call.reply.Integer(-2);
  uint64_t expiry = record->expiry_ms();
  if (expiry == kNoExpiry) return call.reply.Integer(-1);
  if (from == From::kNow) expiry -= call.now_ms();
  call.reply.Integer(static_cast<int64_t>(unit == Unit::kSeconds ? (expiry + 500) / 1000 : expiry));
}

// TTL key
void Ttl(Call& call) {
  ReplyTimeToLive(call, Unit::kSeconds, From::kNow);
}
// PTTL key
void PTtl(Call& call) {
  ReplyTimeToLive(call, Unit::kMilliseconds, From::kNow);
}
// EXPIRETIME key
void ExpireTime(Call& call) {
  ReplyTimeToLive(call, Unit::kSeconds, From::kEpoch);
}
// PEXPIRETIME key
void PExpireTime(Call& call) {
  ReplyTimeToLive(call, Unit::kMilliseconds, From::kEpoch);
}

// clang-format off
constexpr Command kExpireCommands[] = {
  // name         arity  keys         flags              acl             handler      since    usage                                                    summary
  {"EXPIRE",      -3,    Keys::One(), kWrite | kFast,    Acl::kKeyspace, Expire,      "1.0.0", "key seconds [condition=<NX|XX|GT|LT>@7.0.0]",           "Sets a key's time to live in seconds."},
  {"EXPIREAT",    -3,    Keys::One(), kWrite | kFast,    Acl::kKeyspace, ExpireAt,    "1.2.0", "key unix-time-seconds [condition=<NX|XX|GT|LT>@7.0.0]", "Sets when a key expires, in Unix seconds."},
  {"EXPIRETIME",  2,     Keys::One(), kReadOnly | kFast, Acl::kKeyspace, ExpireTime,  "7.0.0", "key",                                                   "Returns when a key expires, in Unix seconds."},
  {"PERSIST",     2,     Keys::One(), kWrite | kFast,    Acl::kKeyspace, Persist,     "2.2.0", "key",                                                   "Takes a key's time to live away."},
  {"PEXPIRE",     -3,    Keys::One(), kWrite | kFast,    Acl::kKeyspace, PExpire,     "2.6.0", "key milliseconds [condition=<NX|XX|GT|LT>@7.0.0]",      "Sets a key's time to live in milliseconds."},
  {"PEXPIREAT",   -3,    Keys::One(), kWrite | kFast,    Acl::kKeyspace, PExpireAt,   "2.6.0", "key unix-time-milliseconds [condition=<NX|XX|GT|LT>@7.0.0]", "Sets when a key expires, in Unix milliseconds."},
  {"PEXPIRETIME", 2,     Keys::One(), kReadOnly | kFast, Acl::kKeyspace, PExpireTime, "7.0.0", "key",                                                   "Returns when a key expires, in Unix milliseconds."},
  {"PTTL",        2,     Keys::One(), kReadOnly | kFast, Acl::kKeyspace, PTtl,        "2.6.0", "key",                                                   "Returns a key's time to live in milliseconds."},
  {"TTL",         2,     Keys::One(), kReadOnly | kFast, Acl::kKeyspace, Ttl,         "1.0.0", "key",                                                   "Returns a key's time to live in seconds."},
};
// clang-format on
static_assert(WellFormed(kExpireCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ExpireCommands() {
  return kExpireCommands;
}

}  // namespace kiln

// Commands for hashes whose fields have times to live, as Redis has them from 7.4 on. Fields that
// are due are gone before a command sees the hash.

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/expiry_option.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"

namespace kiln {
namespace {

// ---- Arguments ----

// The latest moment that is taken: 46 bits of milliseconds, as in Redis.
constexpr int64_t kMaxFieldTimeMs = (int64_t{1} << 46) - 1;

// How a command says a time.
struct TimeForm {
  bool in_seconds;
  bool is_absolute;
};

// The moment in Unix ms, possibly in the past. Nothing when the text makes no sense; then the
// client has been told.
std::optional<uint64_t> FieldTimeMs(Call& call, std::string_view text, TimeForm form) {
  std::optional<int64_t> time = ParseInt64(text);
  if (!time) {
    call.Fail(Error::kNotInteger);
    return std::nullopt;
  }
  if (*time < 0) {
    call.FailText("ERR invalid expire time, must be >= 0");
    return std::nullopt;
  }
  int64_t unit = form.in_seconds ? 1000 : 1;
  int64_t base = form.is_absolute ? 0 : static_cast<int64_t>(call.now_ms());
  if (*time > kMaxFieldTimeMs / unit || *time * unit > kMaxFieldTimeMs - base) {
    call.FailText(ExpireTimeErrorText(call.command));
    return std::nullopt;
  }
  return static_cast<uint64_t>(*time * unit + base);
}

// Reads "FIELDS count field [field ...]" up to the end. False when the client has been told what is
// wrong.
bool ReadFields(Call& call, std::string_view bad_count, Arguments* fields) {
  if (!call.args.Take("FIELDS")) {
    call.FailText("ERR Mandatory argument FIELDS is missing or not at the right position");
    return false;
  }
  std::optional<int64_t> count = ParseInt64(call.args.Text());
  if (!count || *count < 1) {
    call.FailText(bad_count);
    return false;
  }
  *fields = call.args.Rest();
  if (static_cast<uint64_t>(*count) == fields->size()) return true;
  call.FailText("ERR The `numfields` parameter must match the number of arguments");
  return false;
}

constexpr std::string_view kBadCount = "ERR Number of fields must be a positive integer";

enum class Condition : uint8_t { kNone, kWithout, kWith, kLater, kSooner };

Condition TakeCondition(ArgumentCursor& args) {
  if (args.Take("NX")) return Condition::kWithout;
  if (args.Take("XX")) return Condition::kWith;
  if (args.Take("GT")) return Condition::kLater;
  return args.Take("LT") ? Condition::kSooner : Condition::kNone;
}

// No time to live counts as for ever.
bool Allows(Condition condition, uint64_t before_ms, uint64_t when_ms) {
  bool had_time = before_ms != Hash::kNoFieldExpiry;
  switch (condition) {
    case Condition::kNone:
      return true;
    case Condition::kWithout:
      return !had_time;
    case Condition::kWith:
      return had_time;
    case Condition::kLater:
      return had_time && when_ms > before_ms;
    case Condition::kSooner:
      return when_ms < before_ms;
  }
  return false;
}

// ---- Changing times ----

// What is replied for a field.
constexpr int64_t kNoField = -2;
constexpr int64_t kNoTime = -1;
constexpr int64_t kNotMet = 0;
constexpr int64_t kDone = 1;
constexpr int64_t kWasPast = 2;  // the field is gone

// Changes times of fields of one hash, and in the end tells whom it concerns.
class TimeChanges {
 public:
  TimeChanges(Call& call, const Key& key, Hash& hash)
      : call_(call), key_(key), hash_(hash), soonest_before_(hash.SoonestExpiryMs()) {}

  int64_t Set(std::string_view field, uint64_t when_ms, Condition condition) {
    if (!hash_.Contains(field)) return kNoField;
    if (!Allows(condition, hash_.FieldExpiryMs(field), when_ms)) return kNotMet;
    if (when_ms <= call_.now_ms()) {
      Remove(field);
      ++call_.db.context().stats.expired_fields;
      return kWasPast;
    }
    hash_.SetFieldExpiry(field, when_ms);
    when_ms_ = when_ms;
    updated_.push_back(field);
    return kDone;
  }
  int64_t Persist(std::string_view field) {
    if (!hash_.Contains(field)) return kNoField;
    if (hash_.FieldExpiryMs(field) == Hash::kNoFieldExpiry) return kNoTime;
    hash_.SetFieldExpiry(field, Hash::kNoFieldExpiry);
    updated_.push_back(field);
    return kDone;
  }
  void Remove(std::string_view field) {
    if (hash_.Remove(field)) removed_.push_back(field);
  }
  // What is replayed for the times: nothing, for it is part of another command.
  void ReplayNothing() { is_replayed_ = true; }

  // `event` is for fields that have another time now. Those that went are told of alone, as in
  // Redis. The hash may be gone afterwards.
  void End(std::string_view event) {
    if (updated_.empty() && removed_.empty()) return;
    if (hash_.TracksExpiry()) call_.db.NoteFieldExpiry(key_, soonest_before_);
    call_.Changed(key_, kEventHash, !removed_.empty() ? "hdel" : event);
    call_.CountAs(updated_.size() + removed_.size());
    if (call_.is_journaled() && !is_replayed_) Replay();
    if (call_.db.DeleteIfEmpty(key_, hash_)) call_.db.Notify(kEventGeneric, "del", key_.text);
  }

 private:
  // The fields that changed, whatever the conditions were, each with what became of it.
  void Replay() {
    ReplayWords words;
    if (!removed_.empty()) {
      words.Add("HDEL");
      words.Add(key_.text);
      words.Add(removed_);
      call_.ReplayAs(words.all());
    }
    if (updated_.empty()) return;
    words = ReplayWords();
    words.Add(when_ms_ != 0 ? "HPEXPIREAT" : "HPERSIST");
    words.Add(key_.text);
    if (when_ms_ != 0) words.AddText(std::to_string(when_ms_));
    words.Add("FIELDS");
    words.AddText(std::to_string(updated_.size()));
    words.Add(updated_);
    call_.ReplayAs(words.all());
  }

  Call& call_;
  const Key& key_;
  Hash& hash_;
  uint64_t soonest_before_;
  uint64_t when_ms_ = 0;  // what the updated fields got; 0: no time any more
  std::vector<std::string_view> updated_;
  std::vector<std::string_view> removed_;
  bool is_replayed_ = false;
};

void ReplyNoFields(Call& call, size_t count) {
  for (size_t i = 0; i < count; ++i) call.reply.Integer(kNoField);
}

void ExpireFields(Call& call, TimeForm form) {
  Key key = call.args.NextKey();
  StoreResult<Hash*> hash = call.db.Change<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  std::optional<uint64_t> when_ms = FieldTimeMs(call, call.args.Text(), form);
  if (!when_ms) return;
  Condition condition = TakeCondition(call.args);
  Arguments fields;
  if (!ReadFields(call, "ERR Parameter `numFields` should be greater than 0", &fields)) return;
  call.reply.Array(fields.size());
  if (*hash == nullptr) return ReplyNoFields(call, fields.size());
  TimeChanges changes(call, key, **hash);
  for (std::string_view field : fields) {
    call.reply.Integer(changes.Set(field, *when_ms, condition));
  }
  changes.End("hexpire");
}

// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS count field [field ...]
void HExpire(Call& call) {
  ExpireFields(call, {.in_seconds = true, .is_absolute = false});
}
// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS count field [field ...]
void HPExpire(Call& call) {
  ExpireFields(call, {.in_seconds = false, .is_absolute = false});
}
// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS count field [field ...]
void HExpireAt(Call& call) {
  ExpireFields(call, {.in_seconds = true, .is_absolute = true});
}
// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS count field [field ...]
void HPExpireAt(Call& call) {
  ExpireFields(call, {.in_seconds = false, .is_absolute = true});
}

// HPERSIST key FIELDS count field [field ...]
void HPersist(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Hash*> hash = call.db.Change<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  Arguments fields;
  if (!ReadFields(call, kBadCount, &fields)) return;
  call.reply.Array(fields.size());
  if (*hash == nullptr) return ReplyNoFields(call, fields.size());
  TimeChanges changes(call, key, **hash);
  for (std::string_view field : fields) call.reply.Integer(changes.Persist(field));
  changes.End("hpersist");
}

// ---- Reading times ----

void ReplyTimes(Call& call, TimeForm form) {
  StoreResult<Hash*> hash = call.db.Find<Hash>(call.args.NextKey());
  if (!hash) return call.Fail(hash.error());
  Arguments fields;
  if (!ReadFields(call, kBadCount, &fields)) return;
  call.reply.Array(fields.size());
  if (*hash == nullptr) return ReplyNoFields(call, fields.size());
  for (std::string_view field : fields) {
    if (!(*hash)->Contains(field)) {
      call.reply.Integer(kNoField);
      continue;
    }
    uint64_t when_ms = (*hash)->FieldExpiryMs(field);
    if (when_ms == Hash::kNoFieldExpiry) {
      call.reply.Integer(kNoTime);
      continue;
    }
    uint64_t time_ms = form.is_absolute ? when_ms : when_ms - call.now_ms();
    // Seconds are rounded up.
    call.reply.Integer(static_cast<int64_t>(form.in_seconds ? (time_ms + 999) / 1000 : time_ms));
  }
}

// HTTL key FIELDS count field [field ...]
void HTtl(Call& call) {
  ReplyTimes(call, {.in_seconds = true, .is_absolute = false});
}
// HPTTL key FIELDS count field [field ...]
void HPTtl(Call& call) {
  ReplyTimes(call, {.in_seconds = false, .is_absolute = false});
}
// HEXPIRETIME key FIELDS count field [field ...]
void HExpireTime(Call& call) {
  ReplyTimes(call, {.in_seconds = true, .is_absolute = true});
}
// HPEXPIRETIME key FIELDS count field [field ...]
void HPExpireTime(Call& call) {
  ReplyTimes(call, {.in_seconds = false, .is_absolute = true});
}

// ---- Values and times together ----

// Replies with the value; false when there is no such field.
bool ReplyValue(Call& call, const Hash* hash, std::string_view field) {
  ElementScratch scratch;
  auto value = hash == nullptr ? std::nullopt : hash->Get(field, scratch);
  value ? call.reply.Bulk(*value) : call.reply.Null();
  return value.has_value();
}

// HGETDEL key FIELDS count field [field ...]
void HGetDel(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Hash*> hash = call.db.Change<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  Arguments fields;
  if (!ReadFields(call, kBadCount, &fields)) return;
  call.reply.Array(fields.size());
  if (*hash == nullptr) {
    for (size_t i = 0; i < fields.size(); ++i) call.reply.Null();
    return;
  }
  TimeChanges changes(call, key, **hash);
  for (std::string_view field : fields) {
    if (ReplyValue(call, *hash, field)) changes.Remove(field);
  }
  changes.End({});
}

// HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds |
//   PXAT unix-time-milliseconds | PERSIST] FIELDS count field [field ...]
void HGetEx(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Hash*> hash = call.db.Change<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  ExpiryOption option;
  std::optional<uint64_t> when_ms;
  bool persists = call.args.Take("PERSIST");
  if (!persists && TakeExpiry(call.args, &option)) {
    when_ms = FieldTimeMs(call, option.amount, {option.in_seconds, option.is_absolute});
    if (!when_ms) return;
  }
  Arguments fields;
  if (!ReadFields(call, kBadCount, &fields)) return;
  call.reply.Array(fields.size());
  if (*hash == nullptr) {
    for (size_t i = 0; i < fields.size(); ++i) call.reply.Null();
    return;
  }
  TimeChanges changes(call, key, **hash);
  for (std::string_view field : fields) {
    if (!ReplyValue(call, *hash, field)) continue;
    if (persists) changes.Persist(field);
    if (when_ms) changes.Set(field, *when_ms, Condition::kNone);
  }
  changes.End(persists ? "hpersist" : "hexpire");
}

struct SetOptions {
  bool only_new = false;      // FNX
  bool only_present = false;  // FXX
  bool keeps_times = false;   // KEEPTTL
  std::optional<uint64_t> when_ms;
  Arguments pairs;
};

// "FIELDS count field value [field value ...]" behind its first word.
bool ReadPairs(Call& call, SetOptions* options) {
  constexpr int64_t kMaxCount = std::numeric_limits<int32_t>::max();
  bool is_whole = call.args.Left() >= 3;
  if (is_whole) {
    std::optional<int64_t> count = ParseInt64(call.args.Text());
    if (!count || *count < 1 || *count > kMaxCount) {
      call.FailText("ERR invalid number of fields");
      return false;
    }
    options->pairs = call.args.Rest();
    is_whole = options->pairs.size() == 2 * static_cast<uint64_t>(*count);
  }
  if (!is_whole) call.FailText(ArityErrorText(call.command));
  return is_whole;
}

bool TakeExistence(Call& call, SetOptions* options) {
  bool only_new = call.args.Take("FNX");
  if (!only_new && !call.args.Take("FXX")) return false;
  if (options->only_new || options->only_present) {
    call.FailText("ERR Only one of FXX or FNX arguments can be specified");
  }
  (only_new ? options->only_new : options->only_present) = true;
  return true;
}

// False when the client has been told what is wrong.
bool TakeTime(Call& call, SetOptions* options, bool* is_taken) {
  bool is_second = options->keeps_times || options->when_ms;
  ExpiryOption option;
  bool keeps = call.args.Take("KEEPTTL");
  *is_taken = keeps || TakeExpiry(call.args, &option);
  if (!*is_taken) return true;
  if (is_second) {
    call.FailText("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    return false;
  }
  options->keeps_times = keeps;
  if (keeps) return true;
  if (!call.args.ok()) {
    call.FailText("ERR missing expire time");
    return false;
  }
  options->when_ms = FieldTimeMs(call, option.amount, {option.in_seconds, option.is_absolute});
  return options->when_ms.has_value();
}

// False when the client has been told what is wrong.
bool ReadSetOptions(Call& call, SetOptions* options) {
  while (!call.args.Take("FIELDS")) {
    bool had_existence = options->only_new || options->only_present;
    if (TakeExistence(call, options)) {
      if (had_existence) return false;
      continue;
    }
    bool is_taken = false;
    if (!TakeTime(call, options, &is_taken)) return false;
    if (is_taken) continue;
    if (!call.args.More()) {
      call.FailText(ArityErrorText(call.command));
    } else {
      call.FailText("ERR unknown argument: " + UntilZero(call.args.Peek()));
    }
    return false;
  }
  return ReadPairs(call, options);
}

bool ConditionHolds(const Hash* hash, const SetOptions& options) {
  if (!options.only_new && !options.only_present) return true;
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    bool is_present = hash != nullptr && hash->Contains(options.pairs[i]);
    if (is_present != options.only_present) return false;
  }
  return true;
}

// With the moment itself; that the fields were there, or were not, is known.
void ReplaySet(Call& call, const Key& key, const SetOptions& options) {
  ReplayWords words;
  words.Add("HSETEX");
  words.Add(key.text);
  words.Add("PXAT");
  words.AddText(std::to_string(*options.when_ms));
  words.Add("FIELDS");
  words.AddText(std::to_string(options.pairs.size() / 2));
  words.Add(options.pairs);
  call.ReplayAs(words.all());
}

// HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
//   PXAT unix-time-milliseconds | KEEPTTL] FIELDS count field value [field value ...]
void HSetEx(Call& call) {
  Key key = call.args.NextKey();
  SetOptions options;
  if (!ReadSetOptions(call, &options)) return;
  StoreResult<Hash*> found = call.db.Change<Hash>(key);
  if (!found) return call.Fail(found.error());
  if (!ConditionHolds(*found, options)) return call.reply.Integer(0);
  Hash& hash = **call.db.FindOrCreate<Hash>(key);
  HashLimits limits = HashLimitsOf(call.settings());
  TimeChanges changes(call, key, hash);
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    std::string_view field = options.pairs[i];
    std::string_view value = options.pairs[i + 1];
    options.keeps_times ? hash.SetKeepingExpiry(field, value, limits)
                        : hash.Set(field, value, limits);
    if (options.when_ms) changes.Set(field, *options.when_ms, Condition::kNone);
  }
  call.Changed(key, kEventHash, "hset");
  call.CountAs(options.pairs.size() / 2);
  call.reply.Integer(1);
  if (options.when_ms && *options.when_ms > call.now_ms()) {
    if (call.is_journaled()) ReplaySet(call, key, options);
    changes.ReplayNothing();
  }
  changes.End("hexpire");
}

// clang-format off
constexpr Command kHashExpiryCommands[] = {
  // name          arity  keys         flags                    acl         handler       since    usage  summary
  {"HEXPIRE",      -6,    Keys::One(), kWrite | kGrows | kFast, Acl::kHash, HExpire,      "7.4.0", "key seconds [condition=<NX|XX|GT|LT>] FIELDS fields=(numfields:integer field...)", "Sets the time to live of fields in seconds."},
  {"HEXPIREAT",    -6,    Keys::One(), kWrite | kGrows | kFast, Acl::kHash, HExpireAt,    "7.4.0", "key unix-time-seconds [condition=<NX|XX|GT|LT>] FIELDS fields=(numfields:integer field...)", "Sets when fields expire, in Unix seconds."},
  {"HEXPIRETIME",  -5,    Keys::One(), kReadOnly | kFast,       Acl::kHash, HExpireTime,  "7.4.0", "key FIELDS fields=(numfields:integer field...)", "Returns when fields expire, in Unix seconds."},
  {"HGETDEL",      -5,    Keys::One(), kWrite | kFast,          Acl::kHash, HGetDel,      "8.0.0", "key FIELDS fields=(numfields:integer field...)", "Returns the values of fields and removes them."},
  {"HGETEX",       -5,    Keys::One(), kWrite | kFast,          Acl::kHash, HGetEx,       "8.0.0", "key [expiration=<EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST>] FIELDS fields=(numfields:integer field...)", "Returns the values of fields and sets when they expire."},
  {"HPERSIST",     -5,    Keys::One(), kWrite | kFast,          Acl::kHash, HPersist,     "7.4.0", "key FIELDS fields=(numfields:integer field...)", "Takes the time to live of fields away."},
  {"HPEXPIRE",     -6,    Keys::One(), kWrite | kGrows | kFast, Acl::kHash, HPExpire,     "7.4.0", "key milliseconds [condition=<NX|XX|GT|LT>] FIELDS fields=(numfields:integer field...)", "Sets the time to live of fields in milliseconds."},
  {"HPEXPIREAT",   -6,    Keys::One(), kWrite | kGrows | kFast, Acl::kHash, HPExpireAt,   "7.4.0", "key unix-time-milliseconds [condition=<NX|XX|GT|LT>] FIELDS fields=(numfields:integer field...)", "Sets when fields expire, in Unix milliseconds."},
  {"HPEXPIRETIME", -5,    Keys::One(), kReadOnly | kFast,       Acl::kHash, HPExpireTime, "7.4.0", "key FIELDS fields=(numfields:integer field...)", "Returns when fields expire, in Unix milliseconds."},
  {"HPTTL",        -5,    Keys::One(), kReadOnly | kFast,       Acl::kHash, HPTtl,        "7.4.0", "key FIELDS fields=(numfields:integer field...)", "Returns the time to live of fields in milliseconds."},
  {"HSETEX",       -6,    Keys::One(), kWrite | kGrows | kFast, Acl::kHash, HSetEx,       "8.0.0", "key [condition=<FNX|FXX>] [expiration=<EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL>] FIELDS numfields:integer data=(field value)...", "Sets fields and when they expire."},
  {"HTTL",         -5,    Keys::One(), kReadOnly | kFast,       Acl::kHash, HTtl,         "7.4.0", "key FIELDS fields=(numfields:integer field...)", "Returns the time to live of fields in seconds."},
};
// clang-format on
static_assert(WellFormed(kHashExpiryCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> HashExpiryCommands() {
  return kHashExpiryCommands;
}

}  // namespace kiln

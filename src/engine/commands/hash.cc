// Hash commands. Values live in engine/store/types/hash.h.

#include <cmath>
#include <limits>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/sample.h"
#include "engine/commands/scan_options.h"

namespace kiln {
namespace {

// The hash at a key that is read, or null where there is none. False when the error is replied
// already.
bool FindHash(Call& call, const Key& key, Hash** hash) {
  StoreResult<Hash*> found = call.db.Find<Hash>(key);
  if (!found) {
    call.Fail(found.error());
    return false;
  }
  *hash = *found;
  return true;
}

void ReplyField(Call& call, const Hash* hash, std::string_view field) {
  if (hash == nullptr) return call.reply.Null();
  ElementScratch scratch;
  auto value = hash->Get(field, scratch);
  value ? call.reply.Bulk(*value) : call.reply.Null();
}

// ---- Changing ----

// Sets the pairs that are left; false when the error is replied already.
bool SetPairs(Call& call, size_t* created) {
  Key key = call.args.NextKey();
  Arguments pairs = call.args.Rest();
  StoreResult<Hash*> hash = call.db.FindOrCreate<Hash>(key);
  if (!hash) {
    call.Fail(hash.error());
    return false;
  }
  HashLimits limits = HashLimitsOf(call.settings());
  for (size_t i = 0; i < pairs.size(); i += 2) {
    *created += (*hash)->Set(pairs[i], pairs[i + 1], limits);
  }
  call.Changed(key, kEventHash, "hset");
  call.CountAs(pairs.size() / 2);
  return true;
}

bool HasWholePairs(const Call& call) {
  return call.args.Left() % 2 == 1;
}

// HSET key field value [field value ...]
void HSet(Call& call) {
  if (!HasWholePairs(call))
    return call.FailText("ERR wrong number of arguments for 'hset' command");
  size_t created = 0;
  if (SetPairs(call, &created)) call.reply.Integer(static_cast<int64_t>(created));
}

// HMSET key field value [field value ...]
void HMSet(Call& call) {
  if (!HasWholePairs(call))
    return call.FailText("ERR wrong number of arguments for 'hmset' command");
  size_t created = 0;
  if (SetPairs(call, &created)) call.reply.Ok();
}

// HSETNX key field value
void HSetNX(Call& call) {
  Key key = call.args.NextKey();
  std::string_view field = call.args.Text();
  std::string_view value = call.args.Text();
  StoreResult<Hash*> hash = call.db.FindOrCreate<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  if ((*hash)->Contains(field)) return call.reply.Integer(0);
  (*hash)->Set(field, value, HashLimitsOf(call.settings()));
  call.Changed(key, kEventHash, "hset");
  call.reply.Integer(1);
}

// HDEL key field [field ...]
void HDel(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Hash*> hash = call.db.Change<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  if (*hash == nullptr) return call.reply.Integer(0);
  size_t removed = 0;
  for (std::string_view field : call.args.Rest()) removed += (*hash)->Remove(field);
  if (removed > 0) {
    call.Changed(key, kEventHash, "hdel");
    call.CountAs(removed);
    if (call.db.DeleteIfEmpty(key, **hash)) call.db.Notify(kEventGeneric, "del", key.text);
  }
  call.reply.Integer(static_cast<int64_t>(removed));
}

// HINCRBY key field increment
void HIncrBy(Call& call) {
  Key key = call.args.NextKey();
  std::string_view field = call.args.Text();
  int64_t increment = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  StoreResult<Hash*> hash = call.db.FindOrCreate<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  int64_t value = 0;
  ElementScratch scratch;
  if (auto text = (*hash)->Get(field, scratch)) {
    auto number = ParseInt64(*text);
    if (!number) return call.FailText("ERR hash value is not an integer");
    value = *number;
  }
  if (__builtin_add_overflow(value, increment, &value)) return call.Fail(Error::kOverflow);
  std::string_view digits(scratch.chars, FormatInt64(value, scratch.chars));
  (*hash)->SetKeepingExpiry(field, digits, HashLimitsOf(call.settings()));
  call.Changed(key, kEventHash, "hincrby");
  call.reply.Integer(value);
}

// HINCRBYFLOAT key field increment
void HIncrByFloat(Call& call) {
  Key key = call.args.NextKey();
  std::string_view field = call.args.Text();
  auto increment = ParseLongDouble(call.args.Text());
  if (!increment) return call.Fail(Error::kNotFloat);
  if (!std::isfinite(*increment)) return call.FailText("ERR value is NaN or Infinity");
  StoreResult<Hash*> hash = call.db.FindOrCreate<Hash>(key);
  if (!hash) return call.Fail(hash.error());
  long double value = 0;
  ElementScratch scratch;
  if (auto text = (*hash)->Get(field, scratch)) {
    auto number = ParseLongDouble(*text);
    if (!number) return call.FailText("ERR hash value is not a float");
    value = *number;
  }
  value += *increment;
  if (!std::isfinite(value)) return call.Fail(Error::kNanOrInfinity);
  std::string text = FormatLongDouble(value);
  (*hash)->SetKeepingExpiry(field, text, HashLimitsOf(call.settings()));
  call.Changed(key, kEventHash, "hincrbyfloat");
  if ((*hash)->FieldExpiryMs(field) == Hash::kNoFieldExpiry) {
    call.ReplayAs({"HSET", key.text, field, text});
  } else {
    call.ReplayAs({"HSETEX", key.text, "KEEPTTL", "FIELDS", "1", field, text});
  }
  call.reply.Bulk(text);
}

// ---- Reading ----

// HGET key field
void HGet(Call& call) {
  Hash* hash;
  if (FindHash(call, call.args.NextKey(), &hash)) ReplyField(call, hash, call.args.Text());
}

// HMGET key field [field ...]
void HMGet(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  Arguments fields = call.args.Rest();
  call.reply.Array(fields.size());
  for (std::string_view field : fields) ReplyField(call, hash, field);
}

// HGETALL key
void HGetAll(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  if (hash == nullptr) return call.reply.Map(0);
  call.reply.Map(hash->size());
  hash->ForEach([&](std::string_view field, std::string_view value) {
    call.reply.Bulk(field);
    call.reply.Bulk(value);
  });
}

// HKEYS key
void HKeys(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  if (hash == nullptr) return call.reply.Array(0);
  call.reply.Array(hash->size());
  hash->ForEach([&](std::string_view field, std::string_view) { call.reply.Bulk(field); });
}

// HVALS key
void HVals(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  if (hash == nullptr) return call.reply.Array(0);
  call.reply.Array(hash->size());
  hash->ForEach([&](std::string_view, std::string_view value) { call.reply.Bulk(value); });
}

// HLEN key
void HLen(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  call.reply.Integer(hash == nullptr ? 0 : static_cast<int64_t>(hash->size()));
}

// HEXISTS key field
void HExists(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  call.reply.Integer(hash != nullptr && hash->Contains(call.args.Text()) ? 1 : 0);
}

// HSTRLEN key field
void HStrLen(Call& call) {
  Hash* hash;
  if (!FindHash(call, call.args.NextKey(), &hash)) return;
  size_t length = hash == nullptr ? 0 : hash->ValueLength(call.args.Text());
  call.reply.Integer(static_cast<int64_t>(length));
}

// Replies with `count` pairs or fields; RESP3 has an array for each pair.
void ReplySample(Call& call, const Hash& hash, int64_t count, bool with_values) {
  Reply& reply = call.reply;
  Random& random = call.db.context().random;
  bool nested = with_values && reply.version() >= 3;
  auto draw = [&](auto&& f) { hash.RandomField(random, f); };
  auto visit = [&](std::string_view field, std::string_view value) {
    if (nested) reply.Array(2);
    reply.Bulk(field);
    if (with_values) reply.Bulk(value);
  };
  bool repeats = count < 0;
  size_t wanted = static_cast<size_t>(repeats ? -count : count);
  if (!repeats) wanted = std::min(wanted, hash.size());
  reply.Array(with_values && !nested ? wanted * 2 : wanted);
  if (repeats) return SampleWithRepeats(call, wanted, draw, visit);
  SampleDistinct(hash, wanted, random, draw, visit);
}

// HRANDFIELD key [count [WITHVALUES]]
void HRandField(Call& call) {
  Key key = call.args.NextKey();
  bool has_count = call.args.More();
  bool with_values = false;
  int64_t count = 1;
  if (has_count) {
    if (!ReadSampleCount(call, &count)) return;
    with_values = call.args.Take("WITHVALUES");
    if (!call.args.Done()) return call.Fail(call.args.error());
    constexpr int64_t kMaxPairs = std::numeric_limits<int64_t>::max() / 2;
    if (with_values && (count < -kMaxPairs || count > kMaxPairs))
      return call.Fail(Error::kOutOfRange);
  }
  Hash* hash;
  if (!FindHash(call, key, &hash)) return;
  if (hash == nullptr) return has_count ? call.reply.Array(0) : call.reply.Null();
  if (has_count) return ReplySample(call, *hash, count, with_values);
  hash->RandomField(call.db.context().random,
                    [&](std::string_view field, std::string_view) { call.reply.Bulk(field); });
}

// HSCAN key cursor [MATCH pattern] [COUNT count]
void HScan(Call& call) {
  auto visit = [](const ScanOptions& options, Reply& reply, std::string_view field,
                  std::string_view value) -> size_t {
    if (!options.Matches(field)) return 0;
    reply.Bulk(field);
    reply.Bulk(value);
    return 2;
  };
  ScanCollection<Hash>(call, visit);
}

// clang-format off
constexpr Command kHashCommands[] = {
  // name          arity  keys         flags                     acl         handler       since    usage                                       summary
  {"HDEL",         -3,    Keys::One(), kWrite | kFast,           Acl::kHash, HDel,         "2.0.0", "key field...",                             "Removes fields from a hash, and the hash with its last field."},
  {"HEXISTS",      3,     Keys::One(), kReadOnly | kFast,        Acl::kHash, HExists,      "2.0.0", "key field",                                "Says whether a hash has a field."},
  {"HGET",         3,     Keys::One(), kReadOnly | kFast,        Acl::kHash, HGet,         "2.0.0", "key field",                                "Returns the value of a field."},
  {"HGETALL",      2,     Keys::One(), kReadOnly,                Acl::kHash, HGetAll,      "2.0.0", "key",                                      "Returns all fields with their values."},
  {"HINCRBY",      4,     Keys::One(), kWrite | kGrows | kFast,  Acl::kHash, HIncrBy,      "2.0.0", "key field increment",                      "Adds an integer to the value of a field, which starts at 0."},
  {"HINCRBYFLOAT", 4,     Keys::One(), kWrite | kGrows | kFast,  Acl::kHash, HIncrByFloat, "2.6.0", "key field increment:double",               "Adds a floating-point number to the value of a field, which starts at 0."},
  {"HKEYS",        2,     Keys::One(), kReadOnly,                Acl::kHash, HKeys,        "2.0.0", "key",                                      "Returns all fields."},
  {"HLEN",         2,     Keys::One(), kReadOnly | kFast,        Acl::kHash, HLen,         "2.0.0", "key",                                      "Returns the number of fields."},
  {"HMGET",        -3,    Keys::One(), kReadOnly | kFast,        Acl::kHash, HMGet,        "2.0.0", "key field...",                             "Returns the values of several fields."},
  {"HMSET",        -4,    Keys::One(), kWrite | kGrows | kFast,  Acl::kHash, HMSet,        "2.0.0", "key data=(field value)...",                "Sets several fields. HSET does the same."},
  {"HRANDFIELD",   -2,    Keys::One(), kReadOnly,                Acl::kHash, HRandField,   "6.2.0", "key [options=(count [WITHVALUES])]",       "Returns fields chosen at random."},
  {"HSCAN",        -3,    Keys::One(), kReadOnly,                Acl::kHash, HScan,        "2.8.0", "key cursor [MATCH pattern] [COUNT count]", "Iterates over the fields of a hash and their values."},
  {"HSET",         -4,    Keys::One(), kWrite | kGrows | kFast,  Acl::kHash, HSet,         "2.0.0", "key data=(field value)...",                "Sets fields, and creates the hash if there is none."},
  {"HSETNX",       4,     Keys::One(), kWrite | kGrows | kFast,  Acl::kHash, HSetNX,       "2.0.0", "key field value",                          "Sets a field unless it is there already."},
  {"HSTRLEN",      3,     Keys::One(), kReadOnly | kFast,        Acl::kHash, HStrLen,      "3.2.0", "key field",                                "Returns the length of a field's value."},
  {"HVALS",        2,     Keys::One(), kReadOnly,                Acl::kHash, HVals,        "2.0.0", "key",                                      "Returns all values."},
};
// clang-format on
static_assert(WellFormed(kHashCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> HashCommands() {
  return kHashCommands;
}

}  // namespace kiln

// String commands.

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"

namespace kiln {
namespace {

bool IsWrongType(const Record* record) { return record != nullptr && record->type() != Type::kString; }

void ReplyString(Call& call, const Record* record) {
  if (record == nullptr) return call.reply.Null();
  if (record->is_raw()) return call.reply.Bulk(record->raw());
  if (record->type() != Type::kString) return call.Fail(Error::kWrongType);
  call.reply.BulkInteger(record->integer());
}

// GET key
void Get(Call& call) { ReplyString(call, call.db.Find(call.args.NextKey())); }

void IncrementBy(Call& call, const Key& key, int64_t delta) {
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  int64_t value = 0;
  if (record != nullptr) {
    if (!record->is_integer()) return call.Fail(Error::kNotInteger);
    value = record->integer();
  }
  if (__builtin_add_overflow(value, delta, &value)) return call.Fail(Error::kOverflow);
  call.db.SetInteger(key, value);
  call.Changed(key, kEventString, "incrby");
  call.reply.Integer(value);
}

// INCR key
void Incr(Call& call) { IncrementBy(call, call.args.NextKey(), 1); }

// SET key value
void Set(Call& call) {
  Key key = call.args.NextKey();
  std::string_view value = call.args.Text();
  if (!call.args.Done()) return call.Fail(call.args.error());
  call.db.SetString(key, value, {});
  call.Changed(key, kEventString, "set");
  call.reply.Ok();
}

// clang-format off
constexpr Command kStringCommands[] = {
  // name   arity  keys         flags             acl           handler  since    usage        summary
  {"GET",   2,     Keys::One(), kReadOnly | kFast, Acl::kString, Get,    "1.0.0", "key",       "Returns the string value of a key."},
  {"INCR",  2,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, Incr, "1.0.0", "key",  "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist."},
  {"SET",   -3,    Keys::One(), kWrite | kGrows,  Acl::kString, Set,     "1.0.0", "key value", "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist."},
};
// clang-format on
static_assert(WellFormed(kStringCommands), "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StringCommands() { return kStringCommands; }

}  // namespace kiln

// String commands that count: INCR and its family. Integers live in the record itself.

#include <cmath>
#include <cstring>

#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

void IncrementBy(Call& call, const Key& key, int64_t delta) {
  Record* record = call.db.Touch(key);
  int64_t value = 0;
  if (record != nullptr) {
    if (IsWrongType(record)) return call.Fail(Error::kWrongType);
    // Digits that came by APPEND or SETRANGE are still text.
    auto number = record->is_integer() ? record->integer() : ParseInt64(record->raw());
    if (!number) return call.Fail(Error::kNotInteger);
    value = *number;
  }
  if (__builtin_add_overflow(value, delta, &value)) return call.Fail(Error::kOverflow);
  if (record != nullptr && record->is_integer()) {
    if (record->cas() != 0) record->set_cas(0);  // as SetInteger does
    record->set_integer(value);
  } else {
    call.db.SetInteger(key, value);
  }
  call.Changed(key, kEventString, "incrby");
  call.reply.Integer(value);
}

// DECR key
void Decr(Call& call) {
  IncrementBy(call, call.args.NextKey(), -1);
}

// DECRBY key decrement
void DecrBy(Call& call) {
  Key key = call.args.NextKey();
  int64_t decrement = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (decrement == INT64_MIN) return call.FailText("ERR decrement would overflow");
  IncrementBy(call, key, -decrement);
}

// INCR key
void Incr(Call& call) {
  IncrementBy(call, call.args.NextKey(), 1);
}

// INCRBY key increment
void IncrBy(Call& call) {
  Key key = call.args.NextKey();
  int64_t increment = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  IncrementBy(call, key, increment);
}

// INCRBYFLOAT key increment
void IncrByFloat(Call& call) {
  Key key = call.args.NextKey();
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  std::optional<long double> value =
      record == nullptr ? 0 : ParseLongDouble(TextOrEmpty(record, scratch));
  std::optional<long double> increment = ParseLongDouble(call.args.Text());
  if (!value || !increment) return call.Fail(Error::kNotFloat);
  long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) return call.Fail(Error::kNanOrInfinity);
  std::string text = FormatLongDouble(sum);
  record = call.db.ResizeString(key, record, text.size(), false);
  std::memcpy(record->value(), text.data(), text.size());
  record->set_edited(false);
  call.Changed(key, kEventString, "incrbyfloat");
  call.ReplayAs({"SET", key.text, text, "KEEPTTL"});
  call.reply.Bulk(text);
}

// clang-format off
constexpr Command kStringNumberCommands[] = {
  // name         arity  keys         flags                    acl           handler      since    usage                   summary
  {"DECR",        2,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, Decr,        "1.0.0", "key",                  "Subtracts one from the integer at a key; an absent one counts as 0."},
  {"DECRBY",      3,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, DecrBy,      "1.0.0", "key decrement",        "Subtracts a number from the integer at a key; an absent one counts as 0."},
  {"INCR",        2,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, Incr,        "1.0.0", "key",                  "Adds one to the integer at a key; an absent one counts as 0."},
  {"INCRBY",      3,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, IncrBy,      "1.0.0", "key increment",        "Adds a number to the integer at a key; an absent one counts as 0."},
  {"INCRBYFLOAT", 3,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, IncrByFloat, "2.6.0", "key increment:double", "Adds a number to the decimal number at a key; an absent one counts as 0."},
};
// clang-format on
static_assert(WellFormed(kStringNumberCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StringNumberCommands() {
  return kStringNumberCommands;
}

}  // namespace kiln

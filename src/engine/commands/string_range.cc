// String commands that read, write or measure a part of a string.

#include <cstring>

#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

// APPEND key value
void Append(Call& call) {
  Key key = call.args.NextKey();
  std::string_view value = call.args.Text();
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  size_t old_bytes = TextOrEmpty(record, scratch).size();
  if (record == nullptr) {
    call.db.SetString(key, value, {});
  } else {
    if (IsTooLong(call, old_bytes, value.size())) return;
    record = call.db.ResizeString(key, record, old_bytes + value.size(), true);
    std::memcpy(record->value() + old_bytes, value.data(), value.size());
  }
  call.Changed(key, kEventString, "append");
  call.reply.Integer(static_cast<int64_t>(old_bytes + value.size()));
}

// The bytes from `start` to `end`, both included, negative ones counted from the end; as Redis,
// which returns the first byte when both lie before it.
std::string_view Slice(std::string_view text, int64_t start, int64_t end) {
  auto size = static_cast<int64_t>(text.size());
  if (start < 0 && end < 0 && start > end) return {};
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  end = std::min(end, size - 1);
  if (start > end) return {};
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

// GETRANGE key start end
// SUBSTR key start end
void GetRange(Call& call) {
  Key key = call.args.NextKey();
  int64_t start = call.args.Integer();
  int64_t end = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  const Record* record = call.db.Find(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  std::string_view slice = Slice(TextOrEmpty(record, scratch), start, end);
  record == nullptr ? call.reply.Bulk(slice) : call.reply.Bulk(slice, *record);
}

// SETRANGE key offset value
void SetRange(Call& call) {
  Key key = call.args.NextKey();
  int64_t offset = call.args.Integer();
  std::string_view value = call.args.Text();
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (offset < 0) return call.Fail(Error::kOffsetOutOfRange);
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  size_t bytes = TextOrEmpty(record, scratch).size();
  if (!value.empty()) {
    auto at = static_cast<size_t>(offset);
    if (IsTooLong(call, at, value.size())) return;
    record = MakeWritable(call, key, record, at + value.size());
    std::memcpy(record->value() + at, value.data(), value.size());
    bytes = std::max(bytes, at + value.size());
    call.Changed(key, kEventString, "setrange");
  }
  call.reply.Integer(static_cast<int64_t>(bytes));
}

// STRLEN key
void StrLen(Call& call) {
  const Record* record = call.db.Find(call.args.NextKey());
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  call.reply.Integer(static_cast<int64_t>(TextOrEmpty(record, scratch).size()));
}

// clang-format off
constexpr Command kStringRangeCommands[] = {
  // name      arity  keys         flags                    acl           handler   since    usage               summary
  {"APPEND",   3,     Keys::One(), kWrite | kGrows | kFast, Acl::kString, Append,   "2.0.0", "key value",        "Appends to the string at a key; an absent one counts as empty."},
  {"GETRANGE", 4,     Keys::One(), kReadOnly,               Acl::kString, GetRange, "2.4.0", "key start end",    "Returns a part of the string at a key."},
  {"SETRANGE", 4,     Keys::One(), kWrite | kGrows,         Acl::kString, SetRange, "2.2.0", "key offset value", "Overwrites a part of the string at a key, which grows with zero bytes as needed."},
  {"STRLEN",   2,     Keys::One(), kReadOnly | kFast,       Acl::kString, StrLen,   "2.2.0", "key",              "Returns the length of the string at a key."},
  {"SUBSTR",   4,     Keys::One(), kReadOnly,               Acl::kString, GetRange, "1.0.0", "key start end",    "Returns a part of the string at a key; the old name of GETRANGE."},
};
// clang-format on
static_assert(WellFormed(kStringRangeCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StringRangeCommands() {
  return kStringRangeCommands;
}

}  // namespace kiln

// Commands that treat strings as bits. BITFIELD is in bitfield.cc.

#include <algorithm>
#include <string>
#include <vector>

#include "engine/commands/bit_offset.h"
#include "engine/commands/bit_range.h"
#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

// SETBIT key offset value
void SetBit(Call& call) {
  Key key = call.args.NextKey();
  std::optional<uint64_t> offset = ParseBitOffset(call, call.args.Text());
  if (!offset) return;
  int64_t bit = call.args.Integer();
  if (!call.args.ok() || (bit != 0 && bit != 1)) {
    return call.FailText("ERR bit is not an integer or out of range");
  }
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);

  StringScratch scratch;
  size_t byte = *offset / 8;
  bool has_grown = record == nullptr || byte >= TextOrEmpty(record, scratch).size();
  record = MakeWritable(call, key, record, byte + 1);
  auto mask = static_cast<uint8_t>(0x80 >> *offset % 8);
  char& at = record->value()[byte];
  int64_t old = (at & mask) != 0;
  at = static_cast<char>(bit != 0 ? at | mask : at & ~mask);
  if (has_grown || old != bit) call.Changed(key, kEventString, "setbit");
  call.reply.Integer(old);
}

// GETBIT key offset
void GetBit(Call& call) {
  Key key = call.args.NextKey();
  std::optional<uint64_t> offset = ParseBitOffset(call, call.args.Text());
  if (!offset) return;
  const Record* record = call.db.Find(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  call.reply.Integer(ReadField(TextOrEmpty(record, scratch), {.offset = *offset, .bits = 1}));
}

// A range as it was asked for: in bytes or bits, negative positions counted from the end.
struct RangeWish {
  int64_t start = 0;
  int64_t end = -1;
  bool in_bits = false;
};

// Nothing when the range is empty.
std::optional<BitRange> Resolve(RangeWish wish, size_t bytes) {
  auto total = static_cast<int64_t>(wish.in_bits ? bytes * 8 : bytes);
  if (wish.start < 0) wish.start = std::max<int64_t>(wish.start + total, 0);
  if (wish.end < 0) wish.end = std::max<int64_t>(wish.end + total, 0);
  wish.end = std::min(wish.end, total - 1);
  if (wish.start > wish.end) return std::nullopt;
  auto first = static_cast<uint64_t>(wish.start);
  auto last = static_cast<uint64_t>(wish.end);
  if (wish.in_bits) return BitRange{first, last};
  return BitRange{first * 8, last * 8 + 7};
}

// BYTE or BIT.
bool TakeUnit(ArgumentCursor& args) {
  if (args.Take("BIT")) return true;
  if (!args.Take("BYTE")) args.Fail(Error::kSyntax);
  return false;
}

// BITCOUNT key [start end [BYTE | BIT]]
void BitCount(Call& call) {
  ArgumentCursor& args = call.args;
  const Record* record = call.db.Find(args.NextKey());
  if (record == nullptr) return call.reply.Integer(0);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  RangeWish wish;
  if (args.Left() == 1 || args.Left() > 3) return call.Fail(Error::kSyntax);
  if (args.More()) {
    wish.start = args.Integer();
    wish.end = args.Integer();
    if (!args.ok()) return call.Fail(args.error());
    if (wish.start < 0 && wish.end < 0 && wish.start > wish.end) return call.reply.Integer(0);
    wish.in_bits = args.More() && TakeUnit(args);
    if (!args.ok()) return call.Fail(args.error());
  }
  StringScratch scratch;
  std::string_view text = TextOrEmpty(record, scratch);
  std::optional<BitRange> range = Resolve(wish, text.size());
  call.reply.Integer(range ? static_cast<int64_t>(CountBits(text, *range)) : 0);
}

// BITPOS key bit [start [end [BYTE | BIT]]]
void BitPos(Call& call) {
  ArgumentCursor& args = call.args;
  Key key = args.NextKey();
  int64_t bit = args.Integer();
  if (!args.ok()) return call.Fail(args.error());
  if (bit != 0 && bit != 1) return call.FailText("ERR The bit argument must be 1 or 0.");
  const Record* record = call.db.Find(key);
  if (record == nullptr) return call.reply.Integer(bit == 1 ? -1 : 0);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  RangeWish wish;
  if (args.Left() > 3) return call.Fail(Error::kSyntax);
  if (args.More()) wish.start = args.Integer();
  bool has_end = args.More();
  if (has_end) {
    std::string_view end = args.Text();
    // The unit is looked at before the number, as Redis does.
    wish.in_bits = args.More() && TakeUnit(args);
    if (args.ok()) {
      std::optional<int64_t> number = ParseInt64(end);
      if (!number) args.Fail(Error::kNotInteger);
      wish.end = number.value_or(0);
    }
  }
  if (!args.ok()) return call.Fail(args.error());

  StringScratch scratch;
  std::string_view text = TextOrEmpty(record, scratch);
  std::optional<BitRange> range = Resolve(wish, text.size());
  if (!range) return call.reply.Integer(-1);
  std::optional<uint64_t> found = FindBit(text, bit == 1, *range);
  // Without an end the text counts as followed by zeros.
  if (!found && bit == 0 && !has_end) found = text.size() * 8;
  call.reply.Integer(found ? static_cast<int64_t>(*found) : -1);
}

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };

std::optional<BitOperation> TakeOperation(ArgumentCursor& args) {
  if (args.Take("AND")) return BitOperation::kAnd;
  if (args.Take("OR")) return BitOperation::kOr;
  if (args.Take("XOR")) return BitOperation::kXor;
  if (args.Take("NOT")) return BitOperation::kNot;
  return std::nullopt;
}

// Combines `text`, padded with zeros, into `result`, which is at least as long.
void Combine(BitOperation operation, std::string_view text, std::string* result) {
  char* to = result->data();
  const char* from = text.data();
  size_t size = text.size();
  switch (operation) {
    case BitOperation::kAnd:
      for (size_t i = 0; i < size; ++i) to[i] &= from[i];
      std::fill(to + size, to + result->size(), '\0');
      break;
    case BitOperation::kOr:
      for (size_t i = 0; i < size; ++i) to[i] |= from[i];
      break;
    case BitOperation::kXor:
      for (size_t i = 0; i < size; ++i) to[i] ^= from[i];
      break;
    case BitOperation::kNot:
      for (size_t i = 0; i < size; ++i) to[i] = static_cast<char>(~to[i]);
      break;
  }
}

std::string CombineAll(Call& call, BitOperation operation, const std::vector<Key>& sources,
                       size_t bytes) {
  StringScratch scratch;
  std::string result(TextOrEmpty(call.db.Peek(sources[0]), scratch));
  result.resize(bytes);
  if (operation == BitOperation::kNot) {
    Combine(operation, result, &result);
    return result;
  }
  for (size_t i = 1; i < sources.size(); ++i) {
    Combine(operation, TextOrEmpty(call.db.Peek(sources[i]), scratch), &result);
  }
  return result;
}

// BITOP AND|OR|XOR|NOT destkey key [key ...]
void BitOp(Call& call) {
  std::optional<BitOperation> operation = TakeOperation(call.args);
  if (!operation) return call.Fail(Error::kSyntax);
  Key target = call.args.NextKey();
  std::vector<Key> sources;
  while (call.args.More()) sources.push_back(call.args.NextKey());
  if (*operation == BitOperation::kNot && sources.size() != 1) {
    return call.FailText("ERR BITOP NOT must be called with a single source key.");
  }
  size_t bytes = 0;
  for (const Key& source : sources) {
    const Record* record = call.db.Find(source);
    if (IsWrongType(record)) return call.Fail(Error::kWrongType);
    StringScratch scratch;
    bytes = std::max(bytes, TextOrEmpty(record, scratch).size());
  }
  if (bytes > 0) {
    Db::StringOptions options;
    options.as_text = true;
    call.db.SetString(target, CombineAll(call, *operation, sources, bytes), options)
        ->set_edited(true);
    call.Changed(target, kEventString, "set");
  } else if (call.db.Delete(target)) {
    call.Changed(target, kEventGeneric, "del");
  }
  call.reply.Integer(static_cast<int64_t>(bytes));
}

// clang-format off
constexpr Command kBitmapCommands[] = {
  // name      arity  keys                   flags               acl           handler   since    usage                                              summary
  {"BITCOUNT", -2,    Keys::One(),           kReadOnly,          Acl::kBitmap, BitCount, "2.6.0", "key [range=(start end [unit=<BYTE|BIT>@7.0.0])]", "Counts the set bits of a string."},
  {"BITOP",    -4,    Keys::Range(2, -1, 1), kWrite | kGrows,    Acl::kBitmap, BitOp,    "2.6.0", "operation=<AND|OR|XOR|NOT> destkey key...",       "Combines strings bit by bit and stores the result."},
  {"BITPOS",   -3,    Keys::One(),           kReadOnly,          Acl::kBitmap, BitPos,   "2.8.7", "key bit:integer [range=(start [end-unit-block=(end [unit=<BYTE|BIT>@7.0.0])])]", "Finds the first set or clear bit of a string."},
  {"GETBIT",   3,     Keys::One(),           kReadOnly | kFast,  Acl::kBitmap, GetBit,   "2.2.0", "key offset",                                      "Returns one bit of a string."},
  {"SETBIT",   4,     Keys::One(),           kWrite | kGrows,    Acl::kBitmap, SetBit,   "2.2.0", "key offset value:integer",                        "Sets or clears one bit of a string, which grows with zeros as needed."},
};
// clang-format on
static_assert(WellFormed(kBitmapCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> BitmapCommands() {
  return kBitmapCommands;
}

}  // namespace kiln

// BITFIELD: integers of any width at any bit of a string.

#include <vector>

#include "engine/commands/bit_offset.h"
#include "engine/commands/bit_range.h"
#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {

namespace {

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

struct FieldOperation {
  enum Kind : uint8_t { kGet, kSet, kIncrement } kind;
  Overflow overflow;
  BitField field;
  int64_t number = 0;  // what to set or to add
};

// i1 to i64, u1 to u63.
std::optional<BitField> ParseType(std::string_view text) {
  if (!text.starts_with('i') && !text.starts_with('u')) return std::nullopt;
  bool is_signed = text[0] == 'i';
  std::optional<int64_t> bits = ParseInt64(text.substr(1));
  if (!bits || *bits < 1 || *bits > (is_signed ? 64 : 63)) return std::nullopt;
  return BitField{0, static_cast<unsigned>(*bits), is_signed};
}

bool TakeOverflow(Call& call, Overflow* overflow) {
  if (call.args.Take("WRAP")) return *overflow = Overflow::kWrap, true;
  if (call.args.Take("SAT")) return *overflow = Overflow::kSaturate, true;
  if (call.args.Take("FAIL")) return *overflow = Overflow::kFail, true;
  call.FailText("ERR Invalid OVERFLOW type specified");
  return false;
}

bool ReadOperand(Call& call, FieldOperation* operation) {
  std::optional<BitField> field = ParseType(call.args.Text());
  if (!field) {
    call.FailText(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
        "i64 is.");
    return false;
  }
  std::optional<uint64_t> offset = ParseBitOffset(call, call.args.Text(), field->bits);
  if (!offset) return false;
  operation->field = *field;
  operation->field.offset = *offset;
  if (operation->kind != FieldOperation::kGet) operation->number = call.args.Integer();
  if (call.args.ok()) return true;
  call.Fail(call.args.error());
  return false;
}

// All of the request's operations. False when an error is replied.
bool ReadOperations(Call& call, std::vector<FieldOperation>* operations) {
  ArgumentCursor& args = call.args;
  Overflow overflow = Overflow::kWrap;
  while (args.More()) {
    FieldOperation operation{FieldOperation::kGet, overflow, {}, 0};
    if (args.Left() >= 3 && args.Take("GET")) {
      operation.kind = FieldOperation::kGet;
    } else if (args.Left() >= 4 && args.Take("SET")) {
      operation.kind = FieldOperation::kSet;
    } else if (args.Left() >= 4 && args.Take("INCRBY")) {
      operation.kind = FieldOperation::kIncrement;
    } else if (args.Left() >= 2 && args.Take("OVERFLOW")) {
      if (!TakeOverflow(call, &overflow)) return false;
      continue;
    } else {
      call.Fail(Error::kSyntax);
      return false;
    }
    if (!ReadOperand(call, &operation)) return false;
    operations->push_back(operation);
  }
  return true;
}

// What the field becomes: nothing when it would overflow and must not.
std::optional<int64_t> NewValue(const FieldOperation& operation, int64_t old) {
  using Wide = __int128;
  const BitField& field = operation.field;
  Wide value = operation.kind == FieldOperation::kIncrement ? Wide{old} + operation.number
               : field.is_signed                            ? Wide{operation.number}
                                 : Wide{static_cast<uint64_t>(operation.number)};
  Wide low = field.is_signed ? -(Wide{1} << (field.bits - 1)) : 0;
  Wide high = low + (Wide{1} << field.bits) - 1;
  if (value < low || value > high) {
    if (operation.overflow == Overflow::kFail) return std::nullopt;
    if (operation.overflow == Overflow::kSaturate) value = value < low ? low : high;
    // Wraps round: keeps the low bits, which mean a negative number when they pass the highest.
    value = low + static_cast<Wide>(static_cast<unsigned __int128>(value - low) &
                                    static_cast<unsigned __int128>(high - low));
  }
  return static_cast<int64_t>(value);
}

// Applies a SET or INCRBY and replies; true when it wrote something new.
bool Write(Call& call, const FieldOperation& operation, Record* record) {
  int64_t old = ReadField(record->raw(), operation.field);
  std::optional<int64_t> fresh = NewValue(operation, old);
  if (!fresh) {
    call.reply.Null();
    return false;
  }
  WriteField(record->value(), record->RawBytes(), operation.field, *fresh);
  call.reply.Integer(operation.kind == FieldOperation::kSet ? old : *fresh);
  return old != *fresh;
}

void RunReads(Call& call, const Key& key, const std::vector<FieldOperation>& operations) {
  const Record* record = call.db.Find(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  std::string_view text = TextOrEmpty(record, scratch);
  call.reply.Array(operations.size());
  for (const FieldOperation& operation : operations) {
    call.reply.Integer(ReadField(text, operation.field));
  }
}

void RunWrites(Call& call, const Key& key, const std::vector<FieldOperation>& operations,
               size_t bytes) {
  Record* record = call.db.Touch(key);
  if (IsWrongType(record)) return call.Fail(Error::kWrongType);
  StringScratch scratch;
  bool has_grown = record == nullptr || TextOrEmpty(record, scratch).size() < bytes;
  record = MakeWritable(call, key, record, bytes);
  call.reply.Array(operations.size());
  size_t changes = 0;
  for (const FieldOperation& operation : operations) {
    if (operation.kind == FieldOperation::kGet) {
      call.reply.Integer(ReadField(record->raw(), operation.field));
    } else {
      changes += Write(call, operation, record) ? 1 : 0;
    }
  }
  if (has_grown) changes = std::max<size_t>(changes, 1);
  if (changes == 0) return;
  call.Changed(key, kEventString, "setbit");
  call.CountAs(changes);
}

void RunBitField(Call& call, bool read_only) {
  Key key = call.args.NextKey();
  std::vector<FieldOperation> operations;
  if (!ReadOperations(call, &operations)) return;
  size_t bytes_to_write = 0;
  for (const FieldOperation& operation : operations) {
    if (operation.kind == FieldOperation::kGet) continue;
    bytes_to_write = std::max<size_t>(bytes_to_write,
                                      (operation.field.offset + operation.field.bits - 1) / 8 + 1);
  }
  if (bytes_to_write == 0) return RunReads(call, key, operations);
  if (read_only) return call.FailText("ERR BITFIELD_RO only supports the GET subcommand");
  RunWrites(call, key, operations, bytes_to_write);
}

// BITFIELD key [GET type offset | [OVERFLOW WRAP|SAT|FAIL] SET type offset value | INCRBY type
// offset increment ...]
void BitFieldCommand(Call& call) {
  RunBitField(call, false);
}

// BITFIELD_RO key [GET type offset ...]
void BitFieldRo(Call& call) {
  RunBitField(call, true);
}

// clang-format off
constexpr Command kBitFieldCommands[] = {
  // name         arity  keys         flags              acl           handler          since    usage                                     summary
  {"BITFIELD",    -2,    Keys::One(), kWrite | kGrows,   Acl::kBitmap, BitFieldCommand, "3.2.0", "key [operation=<GET get-block=(encoding offset)|write=([OVERFLOW overflow-block=<WRAP|SAT|FAIL>] write-operation=<SET set-block=(encoding offset value:integer)|INCRBY incrby-block=(encoding offset increment)>)>...]", "Reads and writes integers of any width at any bit of a string."},
  {"BITFIELD_RO", -2,    Keys::One(), kReadOnly | kFast, Acl::kBitmap, BitFieldRo,      "6.0.0", "key [GET get-block=(encoding offset)*]", "Reads integers of any width at any bit of a string."},
};
// clang-format on
static_assert(WellFormed(kBitFieldCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> BitFieldCommands() {
  return kBitFieldCommands;
}

}  // namespace kiln

// HyperLogLog commands. The values are strings in the format of engine/store/types/hyperloglog.h.

#include "engine/store/types/hyperloglog.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "engine/commands/groups.h"
#include "engine/commands/string_value.h"

namespace kiln {
namespace {

using hyperloglog::Change;
using hyperloglog::Encoding;

constexpr std::string_view kNotHyperLogLog =
    "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr std::string_view kCorrupt = "INVALIDOBJ Corrupted HLL object detected";

// What a record is as a HyperLogLog. Nothing when it is none: then the client has been told.
std::optional<Encoding> EncodingOf(Call& call, const Record* record) {
  if (IsWrongType(record)) return call.Fail(Error::kWrongType), std::nullopt;
  std::optional<Encoding> encoding;
  if (record->is_raw()) encoding = hyperloglog::EncodingOf(record->raw());
  if (!encoding) call.FailText(kNotHyperLogLog);
  return encoding;
}

size_t MaxSparseBytes(Call& call) {
  return static_cast<size_t>(call.settings().hll_sparse_max_bytes);
}

// Puts a changed value back; `record` is the one that it came from, or null.
void Store(Call& call, const Key& key, Record* record, std::string_view text) {
  record = call.db.ResizeString(key, record, text.size(), false);
  std::memcpy(record->value(), text.data(), text.size());
}

// Raises registers of a sparse or an absent value. The number of changes, its creation included;
// nothing when it is corrupt.
std::optional<size_t> AddToSparse(Call& call, const Key& key, Record* record, Arguments elements) {
  std::string text = record != nullptr ? std::string(record->raw()) : hyperloglog::Empty();
  size_t changes = record == nullptr;
  for (std::string_view element : elements) {
    Change change = Raise(&text, hyperloglog::MarkOf(element), MaxSparseBytes(call));
    if (change == Change::kCorrupt) return std::nullopt;
    changes += change == Change::kRaised;
  }
  if (changes == 0) return 0;
  hyperloglog::DropCachedCount(text.data());
  Store(call, key, record, text);
  return changes;
}

size_t AddToDense(Record* record, Arguments elements) {
  if (record->cas() != 0) record->set_cas(0);
  size_t changes = 0;
  for (std::string_view element : elements) {
    changes += hyperloglog::RaiseDense(record->value(), hyperloglog::MarkOf(element));
  }
  return changes;
}

// PFADD key [element [element ...]]
void PfAdd(Call& call) {
  Key key = call.args.NextKey();
  Arguments elements = call.args.Rest();
  Record* record = call.db.Touch(key);
  Encoding encoding = Encoding::kSparse;
  if (record != nullptr) {
    std::optional<Encoding> found = EncodingOf(call, record);
    if (!found) return;
    encoding = *found;
  }
  std::optional<size_t> changes = encoding == Encoding::kDense
                                      ? AddToDense(record, elements)
                                      : AddToSparse(call, key, record, elements);
  if (!changes) return call.FailText(kCorrupt);
  if (*changes > 0) {
    call.Changed(key, kEventString, "pfadd");
    call.CountAs(*changes);
  }
  call.reply.Integer(*changes > 0);
}

// Raises `registers` to those of the value at a key, and notes whether it is dense. False when an
// error is replied.
bool MergeKey(Call& call, const Key& key, hyperloglog::Registers* registers, bool* is_dense) {
  const Record* record = call.db.Find(key);
  if (record == nullptr) return true;
  std::optional<Encoding> encoding = EncodingOf(call, record);
  if (!encoding) return false;
  *is_dense |= *encoding == Encoding::kDense;
  if (!hyperloglog::Merge(record->raw(), registers)) return call.FailText(kCorrupt), false;
  return true;
}

// The count of one value, which keeps it until it changes.
void CountOne(Call& call) {
  Key key = call.args.NextKey();
  Record* record = call.db.Find(key);
  if (record == nullptr) return call.reply.Integer(0);
  if (!EncodingOf(call, record)) return;
  std::optional<uint64_t> count = hyperloglog::CachedCount(record->raw());
  if (!count) {
    count = hyperloglog::Count(record->raw());
    if (!count) return call.FailText(kCorrupt);
    hyperloglog::CacheCount(record->value(), *count);
    record->set_edited(true);
    call.Touched(key);
    if (call.is_journaled()) call.ReplayAs(call.args.all());
  }
  call.reply.Integer(static_cast<int64_t>(*count));
}

// PFCOUNT key [key ...]
void PfCount(Call& call) {
  if (call.args.Left() == 1) return CountOne(call);
  hyperloglog::Registers registers{};
  bool is_dense = false;
  while (call.args.More()) {
    if (!MergeKey(call, call.args.NextKey(), &registers, &is_dense)) return;
  }
  call.reply.Integer(static_cast<int64_t>(hyperloglog::Count(registers)));
}

// Raises a sparse value to these registers, its own among them.
void RaiseAll(Call& call, std::string* text, const hyperloglog::Registers& registers) {
  for (size_t i = 0; i < registers.size(); ++i) {
    if (registers[i] == 0) continue;
    // What was merged is whole, so this cannot fail.
    hyperloglog::Raise(text, {static_cast<uint16_t>(i), registers[i]}, MaxSparseBytes(call));
  }
}

// PFMERGE destkey [sourcekey [sourcekey ...]]
void PfMerge(Call& call) {
  Key target = call.args.NextKey();
  hyperloglog::Registers registers{};
  bool is_dense = false;
  if (!MergeKey(call, target, &registers, &is_dense)) return;
  while (call.args.More()) {
    if (!MergeKey(call, call.args.NextKey(), &registers, &is_dense)) return;
  }
  Record* record = call.db.Touch(target);
  std::string text = record != nullptr ? std::string(record->raw()) : hyperloglog::Empty();
  is_dense ? hyperloglog::SetRegisters(&text, registers) : RaiseAll(call, &text, registers);
  hyperloglog::DropCachedCount(text.data());
  Store(call, target, record, text);
  call.Changed(target, kEventString, "pfadd");
  call.reply.Ok();
}

// Makes the value dense; 1 when it was not, nothing when it is corrupt: then the client is told.
std::optional<int64_t> MakeDense(Call& call, const Key& key, Record* record, Encoding encoding) {
  if (encoding == Encoding::kDense) return 0;
  std::string text(record->raw());
  if (!hyperloglog::MakeDense(&text)) return call.FailText(kCorrupt), std::nullopt;
  Store(call, key, record, text);
  call.Touched(key);
  return 1;
}

void ReplyRegisters(Call& call, const Key& key, Record* record, Encoding encoding) {
  if (!MakeDense(call, key, record, encoding)) return;
  hyperloglog::Registers registers{};
  hyperloglog::Merge(call.db.Peek(key)->raw(), &registers);
  call.reply.Array(registers.size());
  for (uint8_t height : registers) call.reply.Integer(height);
}

void ReplyRuns(Call& call, const Record* record, Encoding encoding) {
  if (encoding == Encoding::kDense) return call.FailText("ERR HLL encoding is not sparse");
  std::optional<std::string> runs = hyperloglog::Decode(record->raw());
  runs ? call.reply.Bulk(*runs) : call.FailText(kCorrupt);
}

// PFDEBUG GETREG | DECODE | ENCODING | TODENSE key
void PfDebug(Call& call) {
  std::string_view subcommand = call.args.Text();
  Key key = call.args.NextKey();
  Record* record = call.db.Touch(key);
  if (record == nullptr) return call.FailText("ERR The specified key does not exist");
  std::optional<Encoding> encoding = EncodingOf(call, record);
  if (!encoding) return;
  if (EqualsWord(subcommand, "GETREG")) return ReplyRegisters(call, key, record, *encoding);
  if (EqualsWord(subcommand, "DECODE")) return ReplyRuns(call, record, *encoding);
  if (EqualsWord(subcommand, "ENCODING")) {
    return call.reply.Simple(*encoding == Encoding::kDense ? "dense" : "sparse");
  }
  if (EqualsWord(subcommand, "TODENSE")) {
    std::optional<int64_t> changes = MakeDense(call, key, record, *encoding);
    if (changes) call.reply.Integer(*changes);
    return;
  }
  call.FailText("ERR Unknown PFDEBUG subcommand '" + std::string(subcommand) + "'");
}

// Adds numbers to a dense and a sparse value and compares them with each other and with the truth.
// What is wrong, or nothing.
std::string_view SelfTest() {
  constexpr uint64_t kElements = 100'000;
  constexpr size_t kMaxSparseBytes = 3000;
  constexpr double kMaxError = 6 * 1.04 / 128;  // six standard errors
  std::string sparse = hyperloglog::Empty();
  std::string dense = sparse;
  hyperloglog::MakeDense(&dense);
  uint64_t checkpoint = 1;
  for (uint64_t i = 1; i <= kElements; ++i) {
    hyperloglog::Mark mark = hyperloglog::MarkOf({reinterpret_cast<const char*>(&i), sizeof(i)});
    bool is_raised = hyperloglog::RaiseDense(dense.data(), mark);
    Change change = Raise(&sparse, mark, kMaxSparseBytes);
    if (is_raised != (change == Change::kRaised)) return "ERR TESTFAILED dense/sparse disagree";
    if (i != checkpoint) continue;
    checkpoint *= 10;
    std::optional<uint64_t> count = hyperloglog::Count(dense);
    if (count != hyperloglog::Count(sparse)) return "ERR TESTFAILED dense/sparse disagree";
    double error = std::abs(static_cast<double>(*count) - static_cast<double>(i));
    if (error > std::ceil(kMaxError * static_cast<double>(i))) {
      return "ERR TESTFAILED Too big error";
    }
  }
  return {};
}

// PFSELFTEST
void PfSelfTest(Call& call) {
  std::string_view failure = SelfTest();
  failure.empty() ? call.reply.Ok() : call.FailText(failure);
}

constexpr uint32_t kCounts = kReadOnly | kMayReplicate;

// clang-format off
constexpr Command kHyperLogLogCommands[] = {
  // name        arity  keys                  flags                     acl                handler     since    usage                     summary
  {"PFADD",      -2,    Keys::One(),          kWrite | kGrows | kFast,  Acl::kHyperLogLog, PfAdd,      "2.8.9", "key [element...]",       "Adds elements to a HyperLogLog, which is created if need be."},
  {"PFCOUNT",    -2,    Keys::All(),          kCounts,                  Acl::kHyperLogLog, PfCount,    "2.8.9", "key...",                 "Estimates how many different elements were added to any of the HyperLogLogs."},
  {"PFDEBUG",    3,     Keys::Range(2, 2, 1), kWrite | kGrows | kAdmin, Acl::kHyperLogLog, PfDebug,    "2.8.9", "subcommand key",         "Shows the inside of a HyperLogLog, or makes it dense."},
  {"PFMERGE",    -2,    Keys::All(),          kWrite | kGrows,          Acl::kHyperLogLog, PfMerge,    "2.8.9", "destkey [sourcekey...]", "Merges HyperLogLogs into one."},
  {"PFSELFTEST", 1,     Keys::None(),         kAdmin,                   Acl::kHyperLogLog, PfSelfTest, "2.8.9", "",                       "Tests the implementation of HyperLogLogs."},
};
// clang-format on
static_assert(WellFormed(kHyperLogLogCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> HyperLogLogCommands() {
  return kHyperLogLogCommands;
}

}  // namespace kiln

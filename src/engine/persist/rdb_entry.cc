#include "engine/persist/rdb_entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "engine/persist/rdb_stream.h"
#include "engine/persist/rdb_value.h"
#include "engine/store/types/hash.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"
#include "engine/store/types/sorted_set.h"

namespace kiln {
namespace {

constexpr size_t kBigElements = 512;
constexpr size_t kBigStringBytes = 256 << 10;
constexpr size_t kScanStep = 64;  // elements between two looks at the budget
constexpr uint32_t kClockMask = 0xffffff;

void WriteOpcode(RdbOutput& out, RdbOpcode opcode) {
  out.Byte(static_cast<uint8_t>(opcode));
}

bool IsLru(EvictionPolicy policy) {
  return policy == EvictionPolicy::kVolatileLru || policy == EvictionPolicy::kAllKeysLru;
}

// The counter after its decay since the last use.
uint8_t Frequency(const Record* record, const RdbEntryOptions& options) {
  uint32_t counter = record->clock() & 0xff;
  if (options.lfu_decay_time_min == 0) return static_cast<uint8_t>(counter);
  auto now_min = static_cast<uint32_t>(options.now_ms / 60000);
  uint32_t periods = ((now_min - (record->clock() >> 8)) & 0xffff) / options.lfu_decay_time_min;
  return static_cast<uint8_t>(counter - std::min(periods, counter));
}

void WriteUse(RdbOutput& out, const Record* record, const RdbEntryOptions& options) {
  if (IsLfu(options.policy)) {
    WriteOpcode(out, RdbOpcode::kFrequency);
    out.Byte(Frequency(record, options));
  } else if (IsLru(options.policy)) {
    auto now_s = static_cast<uint32_t>(options.now_ms / 1000);
    WriteOpcode(out, RdbOpcode::kIdle);
    out.Length((now_s - record->clock()) & kClockMask);
  }
}

// Everything before the value.
void WriteHead(RdbOutput& out, std::string_view key, const Record* record,
               const RdbEntryOptions& options) {
  if (record->client_flags() != 0 || record->cas() != 0) [[unlikely]] {
    WriteOpcode(out, RdbOpcode::kAux);
    out.Text(kRdbItemAux);
    out.Text(fmt::format("{} {}", record->client_flags(), record->cas()));
  }
  if (uint64_t expiry_ms = record->expiry_ms(); expiry_ms != kNoExpiry) {
    WriteOpcode(out, RdbOpcode::kExpiryMs);
    out.Milliseconds(static_cast<int64_t>(expiry_ms));
  }
  WriteUse(out, record, options);
  out.Type(RdbTypeOf(record, out.version()));
  out.Text(key);
}

}  // namespace

void WriteRdbEntry(RdbOutput& out, std::string_view key, const Record* record,
                   const RdbEntryOptions& options) {
  WriteHead(out, key, record, options);
  WriteRdbBody(out, record);
}

void WriteRdbSelect(RdbOutput& out, int db) {
  WriteOpcode(out, RdbOpcode::kSelectDb);
  out.Length(static_cast<uint64_t>(db));
}

// ---- Big values ----

// A value that is written in pieces.
class RdbEntryWriter::Body {
 public:
  virtual ~Body() = default;
  // Writes until `out` has about this many bytes; true at the end.
  virtual bool WriteSome(RdbOutput& out, size_t until_bytes) = 0;
};

// The bytes as they are.
class RdbEntryWriter::StringBody final : public Body {
 public:
  explicit StringBody(std::string_view text) : rest_(text) {}
  bool WriteSome(RdbOutput& out, size_t until_bytes) override {
    if (!has_begun_) out.Length(rest_.size());
    has_begun_ = true;
    size_t room = until_bytes > out.size() ? until_bytes - out.size() : 1;
    out.Bytes(rest_.substr(0, room));
    rest_.remove_prefix(std::min(room, rest_.size()));
    return rest_.empty();
  }

 private:
  std::string_view rest_;
  bool has_begun_ = false;
};

class RdbEntryWriter::ListBody final : public Body {
 public:
  explicit ListBody(const List& list) : list_(list), at_(list.FirstListpack()) {}
  bool WriteSome(RdbOutput& out, size_t until_bytes) override {
    if (!has_begun_) out.Length(list_.ListpackCount());
    has_begun_ = true;
    for (; !at_.IsEnd(); at_ = list_.ListpackAfter(at_)) {
      if (out.size() >= until_bytes) return false;
      out.Length(kRdbNodePacked);
      out.Text(list_.ListpackAt(at_).bytes());
    }
    return true;
  }

 private:
  const List& list_;
  ListCursor at_;
  bool has_begun_ = false;
};

// By rank, from the highest down: whoever reads it adds each before the last, which is cheap.
class RdbEntryWriter::SortedSetBody final : public Body {
 public:
  explicit SortedSetBody(const SortedSet& set) : set_(set), left_(set.size()) {}
  bool WriteSome(RdbOutput& out, size_t until_bytes) override {
    if (left_ == set_.size()) out.Length(left_);
    while (left_ > 0 && out.size() < until_bytes) {
      size_t count = std::min(left_, kScanStep);
      set_.ForEachIn({left_ - count, count}, Order::kDescending,
                     [&](std::string_view member, double score) {
                       out.Text(member);
                       out.Double(score);
                     });
      left_ -= count;
    }
    return left_ == 0;
  }

 private:
  const SortedSet& set_;
  size_t left_;
};

class RdbEntryWriter::StreamBody final : public Body {
 public:
  explicit StreamBody(const Stream& stream) : writer_(stream) {}
  bool WriteSome(RdbOutput& out, size_t until_bytes) override {
    return writer_.WriteSome(out, until_bytes);
  }

 private:
  RdbStreamWriter writer_;
};

// Hash tables, by the cursor of their scan: while nothing changes it meets each element once.
template <class Value>
class RdbEntryWriter::ScanBody final : public Body {
 public:
  explicit ScanBody(const Value& value) : value_(value) {}
  bool WriteSome(RdbOutput& out, size_t until_bytes) override {
    if (!has_begun_) WriteCount(out);
    has_begun_ = true;
    do {
      cursor_ = Step(out, value_);
    } while (cursor_ != 0 && out.size() < until_bytes);
    return cursor_ == 0;
  }

 private:
  void WriteCount(RdbOutput& out) {
    if constexpr (std::is_same_v<Value, Hash>) {
      soonest_ms_ = value_.SoonestExpiryMs();
      if (soonest_ms_ != Hash::kNoFieldExpiry) out.Milliseconds(static_cast<int64_t>(soonest_ms_));
    }
    out.Length(value_.size());
  }
  uint64_t Step(RdbOutput& out, const Set& set) {
    return set.Scan(cursor_, kScanStep, [&](const Element& member) { out.Text(member.text); });
  }
  uint64_t Step(RdbOutput& out, const Hash& hash) {
    return hash.Scan(cursor_, kScanStep, [&](std::string_view field, std::string_view value) {
      if (soonest_ms_ != Hash::kNoFieldExpiry) {
        uint64_t when_ms = hash.FieldExpiryMs(field);
        out.Length(when_ms == Hash::kNoFieldExpiry ? 0 : when_ms - soonest_ms_ + 1);
      }
      out.Text(field);
      out.Text(value);
    });
  }

  const Value& value_;
  uint64_t cursor_ = 0;
  uint64_t soonest_ms_ = Hash::kNoFieldExpiry;
  bool has_begun_ = false;
};

bool RdbEntryWriter::IsBig(const Record* record) {
  switch (record->type()) {
    case Type::kString:
      return record->is_raw() && record->RawBytes() > kBigStringBytes;
    case Type::kList:
      return record->collection<List>()->ListpackCount() > 1;
    case Type::kSet: {
      const Set& set = *record->collection<Set>();
      return set.size() > kBigElements && !set.AsIntset() && !set.AsListpack();
    }
    case Type::kZset: {
      const SortedSet& set = *record->collection<SortedSet>();
      return set.size() > kBigElements && !set.AsListpack();
    }
    case Type::kHash: {
      const Hash& hash = *record->collection<Hash>();
      return hash.size() > kBigElements && !hash.AsListpack();
    }
    case Type::kStream:
      break;
  }
  return true;
}

std::unique_ptr<RdbEntryWriter::Body> RdbEntryWriter::MakeBody(const Record* record) {
  switch (record->type()) {
    case Type::kString:
      return std::make_unique<StringBody>(record->raw());
    case Type::kList:
      return std::make_unique<ListBody>(*record->collection<List>());
    case Type::kSet:
      return std::make_unique<ScanBody<Set>>(*record->collection<Set>());
    case Type::kZset:
      return std::make_unique<SortedSetBody>(*record->collection<SortedSet>());
    case Type::kHash:
      return std::make_unique<ScanBody<Hash>>(*record->collection<Hash>());
    case Type::kStream:
      break;
  }
  return std::make_unique<StreamBody>(*record->collection<Stream>());
}

RdbEntryWriter::RdbEntryWriter(std::string_view key, const Record* record,
                               const RdbEntryOptions& options)
    : key_(key), record_(record), options_(options) {}

RdbEntryWriter::~RdbEntryWriter() = default;

bool RdbEntryWriter::WriteSome(RdbOutput& output, size_t budget_bytes) {
  size_t until_bytes = output.size() + budget_bytes;
  if (record_ != nullptr) {
    const Record* record = std::exchange(record_, nullptr);
    if (!IsBig(record)) {
      WriteRdbEntry(output, key_, record, options_);
      return true;
    }
    WriteHead(output, key_, record, options_);
    body_ = MakeBody(record);
  }
  return body_ == nullptr || body_->WriteSome(output, until_bytes);
}

}  // namespace kiln

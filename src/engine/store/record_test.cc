#include "engine/store/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/random.h"

namespace kiln {
namespace {

// A record in memory of exactly its size, so that a sanitizer sees every step outside.
class RecordBox {
 public:
  RecordBox(const RecordShape& shape, std::string_view key)
      : memory_(std::make_unique<char[]>(std::max<size_t>(shape.Bytes(), 8))),
        record_(Record::Format(memory_.get(), shape, key, false)) {}
  Record* operator->() { return record_; }
  Record& operator*() { return *record_; }

 private:
  std::unique_ptr<char[]> memory_;
  Record* record_;
};

RecordShape ShapeOf(std::string_view key, std::string_view value) {
  RecordShape shape;
  shape.key_bytes = key.size();
  shape.value_bytes = value.size();
  return shape;
}

TEST(Record, TakesSevenBytesBesideShortKeyAndValue) {
  EXPECT_EQ(ShapeOf("0123456789abcdef", "0123456789abcdef0123456789abcdef").Bytes(), 55u);
}

TEST(Record, TakesEightBytesMoreWithMemcachedsFlagsAndNumber) {
  RecordShape shape = ShapeOf("0123456789abcdef", "0123456789abcdef0123456789abcdef");
  shape.has_client_flags = shape.has_cas = true;
  EXPECT_EQ(shape.Bytes(), 63u);
  shape.is_wide = true;
  EXPECT_EQ(shape.Bytes(), 70u);
}

TEST(Record, NeedsWidthForLargeFlagsAndNumbersAlone) {
  EXPECT_FALSE(RecordShape::NeedWidth(0, 0));
  EXPECT_FALSE(RecordShape::NeedWidth(0xffffff, 0xff'ffff'ffff));
  EXPECT_TRUE(RecordShape::NeedWidth(0x1000000, 0));
  EXPECT_TRUE(RecordShape::NeedWidth(0x80000000, 0));
  EXPECT_TRUE(RecordShape::NeedWidth(0, uint64_t{1} << 40));
  EXPECT_TRUE(RecordShape::NeedWidth(0, ~uint64_t{0}));
}

TEST(Record, KnowsItsTypesNames) {
  EXPECT_EQ(TypeName(Type::kString), "string");
  EXPECT_EQ(TypeName(Type::kZset), "zset");
  EXPECT_EQ(TypeName(Type::kStream), "stream");
}

TEST(Record, FreshOneHasNothingOptional) {
  RecordBox record(ShapeOf("k", "v"), "k");
  EXPECT_TRUE(record->is_bare_string());
  EXPECT_FALSE(record->has_expiry());
  EXPECT_EQ(record->expiry_ms(), kNoExpiry);
  EXPECT_EQ(record->client_flags(), 0u);
  EXPECT_EQ(record->cas(), 0u);
  EXPECT_EQ(record->clock(), 0u);
  EXPECT_FALSE(record->is_fetched());
  EXPECT_FALSE(record->is_edited());
}

TEST(Record, ClockHolds24Bits) {
  RecordBox record(ShapeOf("k", "v"), "k");
  record->set_clock(0xfedcba);
  EXPECT_EQ(record->clock(), 0xfedcbau);
  EXPECT_EQ(record->key(), "k");
}

TEST(Record, ReadFlagsAreIndependent) {
  RecordBox record(ShapeOf("k", "v"), "k");
  record->set_edited(true);
  EXPECT_FALSE(record->is_fetched());
  record->set_fetched();
  record->set_edited(false);
  EXPECT_TRUE(record->is_fetched());
  EXPECT_FALSE(record->is_edited());
}

TEST(Record, CopyUseBringsClockAndFlags) {
  RecordBox from(ShapeOf("k", "v"), "k");
  from->set_clock(77);
  from->set_fetched();
  from->set_edited(true);
  RecordBox to(ShapeOf("other", "value"), "other");
  to->CopyUse(*from);
  EXPECT_EQ(to->clock(), 77u);
  EXPECT_TRUE(to->is_fetched());
  EXPECT_TRUE(to->is_edited());
  EXPECT_EQ(to->key(), "other");
}

TEST(Record, HoldsIntegersOfAnySize) {
  for (int64_t number : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    RecordShape shape = ShapeOf("k", "");
    shape.is_integer = true;
    RecordBox record(shape, "k");
    record->set_integer(number);
    EXPECT_EQ(record->integer(), number);
    EXPECT_FALSE(record->is_raw());
  }
}

TEST(Record, RawLengthChangesInPlace) {
  RecordBox record(ShapeOf("k", std::string(120, 'v')), "k");
  std::memset(record->value(), 'v', 120);
  record->set_raw_bytes(3);
  EXPECT_EQ(record->raw(), "vvv");
  RecordBox big(ShapeOf("k", std::string(1000, 'v')), "k");
  big->set_raw_bytes(128);
  EXPECT_EQ(big->RawBytes(), 128u);
}

// Fills every field that the shape has, then reads all of them back.
void CheckRoundTrip(const RecordShape& shape, Random& random) {
  std::string key(shape.key_bytes, 'k');
  RecordBox record(shape, key);
  uint64_t expiry = random.Next();
  bool has_room = shape.is_integer || shape.is_wide;
  auto flags = static_cast<uint32_t>(random.Next()) >> (has_room ? 0 : 8);
  uint64_t cas = random.Next() >> (has_room ? 0 : 24);
  uint64_t word = random.Next();
  std::string value(shape.IsRaw() ? shape.value_bytes : 0, 'v');
  if (shape.has_expiry) record->set_expiry_ms(expiry);
  if (shape.has_client_flags) record->set_client_flags(flags);
  if (shape.has_cas) record->set_cas(cas);
  if (shape.IsRaw()) {
    std::memcpy(record->value(), value.data(), value.size());
  } else if (shape.is_integer) {
    record->set_integer(static_cast<int64_t>(word));
  } else {
    record->set_collection(reinterpret_cast<void*>(word));
  }
  EXPECT_EQ(record->key(), key);
  EXPECT_EQ(record->type(), shape.type);
  EXPECT_EQ(record->expiry_ms(), shape.has_expiry ? expiry : kNoExpiry);
  EXPECT_EQ(record->client_flags(), shape.has_client_flags ? flags : 0);
  EXPECT_EQ(record->cas(), shape.has_cas ? cas : 0);
  if (shape.IsRaw()) {
    EXPECT_EQ(record->raw(), value);
  } else {
    EXPECT_EQ(static_cast<uint64_t>(record->integer()),
              word);  // the same eight bytes for a collection
  }
  RecordShape read = record->shape();
  EXPECT_EQ(read.Bytes(), shape.Bytes());
  if (shape.IsRaw()) {
    EXPECT_EQ(read.is_wide, shape.is_wide);
  }
  EXPECT_EQ(read.KeyOffset(), shape.KeyOffset());
}

TEST(Record, EveryShapeReadsBackWhatWasWritten) {
  Random random(7);
  constexpr size_t kLengths[] = {0, 1, 127, 128, 129, 300, 70000};
  for (size_t key_bytes : kLengths) {
    for (size_t value_bytes : kLengths) {
      for (unsigned bits = 0; bits < 64; ++bits) {
        RecordShape shape;
        shape.type = bits & 16 ? Type::kHash : Type::kString;
        shape.is_integer = (bits & 8) != 0 && shape.type == Type::kString;
        shape.has_expiry = bits & 1;
        shape.has_client_flags = bits & 2;
        shape.has_cas = bits & 4;
        shape.is_wide = bits & 32 && shape.type == Type::kString;
        shape.key_bytes = key_bytes;
        shape.value_bytes = value_bytes;
        SCOPED_TRACE(testing::Message()
                     << "key " << key_bytes << " value " << value_bytes << " bits " << bits);
        CheckRoundTrip(shape, random);
      }
    }
  }
}

TEST(Record, IntegerWithLargeNumbersBecomesAWideString) {
  for (uint64_t cas : {uint64_t{5}, ~uint64_t{0}}) {
    RecordShape shape = ShapeOf("k", "");
    shape.is_integer = shape.has_cas = true;
    RecordBox record(shape, "k");
    record->set_cas(cas);
    EXPECT_EQ(record->shape().is_wide, cas != 5);
  }
}

TEST(Record, WideStringKeepsItsWidthAtAnyLength) {
  for (size_t key_bytes : {1, 127, 128}) {
    RecordShape shape = ShapeOf(std::string(key_bytes, 'k'), std::string(200, 'v'));
    shape.has_client_flags = shape.has_cas = shape.is_wide = true;
    RecordBox record(shape, std::string(key_bytes, 'k'));
    record->set_cas(~uint64_t{0} - 1);
    record->set_client_flags(~uint32_t{0} - 2);
    for (size_t bytes : {200, 5, 0, 128, 127}) {
      record->set_raw_bytes(bytes);
      EXPECT_EQ(record->raw().size(), bytes);
      EXPECT_TRUE(record->is_wide());
      EXPECT_EQ(record->cas(), ~uint64_t{0} - 1);
      EXPECT_EQ(record->client_flags(), ~uint32_t{0} - 2);
      EXPECT_TRUE(record->HasKey(std::string(key_bytes, 'k')));
    }
  }
}

TEST(Record, RewriteLeavesLargeNumbersToAWideRecord) {
  RecordShape shape = ShapeOf("key", "value");
  shape.has_client_flags = shape.has_cas = true;
  RecordBox narrow(shape, "key");
  EXPECT_FALSE(narrow->Rewrite("other", kNoExpiry, 1 << 24, 1));
  EXPECT_FALSE(narrow->Rewrite("other", kNoExpiry, 1, uint64_t{1} << 40));
  EXPECT_TRUE(narrow->Rewrite("other", kNoExpiry, (1 << 24) - 1, (uint64_t{1} << 40) - 1));
  EXPECT_EQ(narrow->client_flags(), (1u << 24) - 1);
  EXPECT_EQ(narrow->cas(), (uint64_t{1} << 40) - 1);
  shape.is_wide = true;
  EXPECT_FALSE(RecordBox(shape, "key")->Rewrite("other", kNoExpiry, 1, 1));
}

TEST(Record, ReadIsNotedInFlagAndClockAndNowhereElse) {
  RecordBox record(ShapeOf("key", "value"), "key");
  std::memcpy(record->value(), "value", 5);
  record->set_edited(true);
  record->NoteRead(Record::ReadMark(0xabcdef));
  EXPECT_TRUE(record->is_fetched());
  EXPECT_TRUE(record->is_edited());
  EXPECT_EQ(record->clock(), 0xabcdefu);
  EXPECT_EQ(record->key(), "key");
  EXPECT_EQ(record->raw(), "value");
}

TEST(Record, RewriteKeepsTheLengthAndWritesTheFieldsThatAreThere) {
  for (int fields = 0; fields < 8; ++fields) {
    for (size_t size : {0, 1, 9, 40, 64}) {
      RecordShape shape = ShapeOf("the key", std::string(size, 'x'));
      shape.has_expiry = fields & 1;
      shape.has_client_flags = fields & 2;
      shape.has_cas = fields & 4;
      RecordBox record(shape, "the key");
      std::string value(size, 'y');
      EXPECT_FALSE(record->Rewrite(value + "y", 1, 2, 3));
      ASSERT_TRUE(record->Rewrite(value, 1234567890123, 77, 99));
      EXPECT_EQ(record->key(), "the key");
      EXPECT_EQ(record->raw(), value);
      EXPECT_EQ(record->expiry_ms(), shape.has_expiry ? 1234567890123 : kNoExpiry);
      EXPECT_EQ(record->client_flags(), shape.has_client_flags ? 77u : 0u);
      EXPECT_EQ(record->cas(), shape.has_cas ? 99u : 0u);
    }
  }
}

TEST(Record, KeyIsRecognizedBesideEveryOptionalField) {
  for (int fields = 0; fields < 16; ++fields) {
    for (size_t key_bytes : {0, 1, 3, 4, 7, 8, 9, 40, 127, 128, 300}) {
      for (size_t value_bytes : {0, 127, 128}) {
        std::string key(key_bytes, 'k');
        RecordShape shape = ShapeOf(key, std::string(value_bytes, 'v'));
        shape.has_expiry = fields & 1;
        shape.has_client_flags = fields & 2;
        shape.has_cas = fields & 4;
        shape.is_wide = fields & 8;
        RecordBox record(shape, key);
        EXPECT_TRUE(record->HasKey(key));
        EXPECT_FALSE(record->HasKey(key + "k"));
        if (key.empty()) continue;
        for (size_t i = 0; i < key.size(); ++i) {
          std::string other = key;
          other[i] = 'K';
          ASSERT_FALSE(record->HasKey(other)) << i << " of " << key_bytes;
        }
      }
    }
  }
}

TEST(Record, OverwriteTakesValuesOfTheSameSizeInWords) {
  constexpr size_t kSizes[] = {0, 1, 7, 8, 20, 63, 127, 128};
  char memory[512];
  for (size_t key_bytes = 0; key_bytes < 140; ++key_bytes) {
    for (size_t old_bytes : kSizes) {
      for (size_t new_bytes : kSizes) {
        std::string key(key_bytes, 'k');
        std::string before(old_bytes, 'b');
        std::string after(new_bytes, 'a');
        Record* record = Record::Format(memory, ShapeOf(key, before), key, false);
        std::memcpy(record->value(), before.data(), old_bytes);
        bool is_short = key_bytes < 128 && old_bytes < 128 && new_bytes <= 64;
        bool fits = (ShapeOf(key, before).Bytes() + 7) / 8 == (ShapeOf(key, after).Bytes() + 7) / 8;
        ASSERT_EQ(record->Overwrite(after), is_short && fits);
        ASSERT_EQ(record->key(), key);
        ASSERT_EQ(record->raw(), is_short && fits ? after : before);
      }
    }
  }
}

TEST(Record, OverwriteForgetsThatTheStringWasEdited) {
  RecordBox record(ShapeOf("key", "value"), "key");
  record->set_edited(true);
  EXPECT_TRUE(record->Overwrite("other"));
  EXPECT_FALSE(record->is_edited());
}

TEST(Record, OverwriteRefusesWhatIsNotABareString) {
  RecordShape integer = ShapeOf("key", "");
  integer.is_integer = true;
  EXPECT_FALSE(RecordBox(integer, "key")->Overwrite("12345678"));
  RecordShape with_expiry = ShapeOf("key", "value");
  with_expiry.has_expiry = true;
  EXPECT_FALSE(RecordBox(with_expiry, "key")->Overwrite("other"));
}

TEST(Key, ShardAndTableHashShareNoBits) {
  Key key = HashKey("some key");
  EXPECT_LT(key.shard(), kShardCount);
  EXPECT_EQ(uint64_t{key.shard()} << (64 - kShardBits) | key.table_hash() >> kShardBits, key.hash);
}

TEST(Record, ReadsCountUpToFourAndBackAgain) {
  alignas(8) char memory[64] = {};
  Record* record = Record::Format(memory, {.key_bytes = 3, .value_bytes = 5}, "key", false);
  EXPECT_EQ(record->reads(), 0u);
  for (unsigned reads = 1; reads <= 6; ++reads) {
    record->NoteRead(Record::ReadMark(1000 + reads));
    EXPECT_EQ(record->reads(), std::min(reads, 4u));
    EXPECT_EQ(record->clock(), 1000 + reads);
    EXPECT_TRUE(record->is_fetched());
  }
  for (unsigned left : {3u, 2u, 1u, 0u, 0u}) {
    record->LoseRead();
    EXPECT_EQ(record->reads(), left);
    EXPECT_TRUE(record->is_fetched());
  }
  EXPECT_EQ(record->key(), "key");
}

}  // namespace
}  // namespace kiln

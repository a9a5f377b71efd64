// Hashes whose fields have times to live, in the forms that Redis 7.4 and Valkey 9 write.
#include <gtest/gtest.h>

#include "base/random.h"
#include "engine/persist/rdb_value.h"

namespace kiln {
namespace {

constexpr uint64_t kSoon = 1'700'000'000'000;

// A hash as a record, which writing asks for.
class HashRecord {
 public:
  explicit HashRecord(Hash* hash) {
    RecordShape shape;
    shape.type = Type::kHash;
    shape.key_bytes = 1;
    record_ = Record::Format(room_, shape, "k", false);
    record_->set_collection(hash);
  }
  std::string Written(uint16_t* version) const {
    std::string bytes;
    RdbOutput out(&bytes, true);
    *version = WriteRdbValue(out, record_);
    return bytes;
  }

 private:
  alignas(8) char room_[64];
  Record* record_;
};

// Null when the bytes are refused.
std::unique_ptr<Hash> Read(std::string_view bytes, uint16_t version) {
  Settings settings;
  RdbInput in(bytes, version);
  RdbValue value = ReadRdbValue(in, settings);
  if (in.is_broken() || !in.AtEnd()) return nullptr;
  auto* hash = std::get_if<std::unique_ptr<Hash>>(&value);
  return hash == nullptr ? nullptr : std::move(*hash);
}

// "f" is due soon, "g" a second later, "h" never.
void ExpectTheThreeFields(const Hash* hash) {
  ASSERT_NE(hash, nullptr);
  EXPECT_EQ(hash->size(), 3u);
  EXPECT_EQ(hash->FieldExpiryMs("f"), kSoon);
  EXPECT_EQ(hash->FieldExpiryMs("g"), kSoon + 1000);
  EXPECT_EQ(hash->FieldExpiryMs("h"), Hash::kNoFieldExpiry);
  ElementScratch scratch;
  EXPECT_EQ(hash->Get("h", scratch), "3");
}

Hash TheThreeFields() {
  Hash hash;
  for (auto [field, value] : {std::pair("f", "1"), std::pair("g", "2"), std::pair("h", "3")})
    hash.Set(field, value, {});
  hash.SetFieldExpiry("f", kSoon);
  hash.SetFieldExpiry("g", kSoon + 1000);
  return hash;
}

std::string Bytes(auto write) {
  std::string bytes;
  RdbOutput out(&bytes, true);
  write(out);
  return bytes;
}

TEST(RdbFieldTimes, ReadsBackWhatItWroteAndSaysWhoCanReadIt) {
  Hash hash = TheThreeFields();
  uint16_t version = 0;
  std::string bytes = HashRecord(&hash).Written(&version);
  EXPECT_EQ(version, kRdbVersionFieldTimes);
  EXPECT_EQ(bytes[0], static_cast<char>(RdbType::kHashTimes));
  ExpectTheThreeFields(Read(bytes, version).get());
}

TEST(RdbFieldTimes, AHashWithoutTimesIsWrittenForRedis72) {
  Hash hash;
  hash.Set("f", "1", {});
  uint16_t version = 0;
  EXPECT_EQ(HashRecord(&hash).Written(&version)[0], static_cast<char>(RdbType::kHashListpack));
  EXPECT_EQ(version, kRdbVersion);
  hash.SetFieldExpiry("f", kSoon);
  hash.SetFieldExpiry("f", Hash::kNoFieldExpiry);
  EXPECT_EQ(HashRecord(&hash).Written(&version)[0], static_cast<char>(RdbType::kHash));
  EXPECT_EQ(version, kRdbVersion);
}

TEST(RdbFieldTimes, ReadsTheListpacksOfRedis) {
  Listpack pack;
  for (std::string_view text :
       {"f", "1", "1700000000000", "g", "2", "1700000001000", "h", "3", "0"})
    pack.PushBack(text);
  std::string released = Bytes([&](RdbOutput& out) {
    out.Type(RdbType::kHashListpackTimes);
    out.Milliseconds(kSoon);
    out.Text(pack.bytes());
  });
  ExpectTheThreeFields(Read(released, kRdbVersionFieldTimes).get());
  std::string candidate = Bytes([&](RdbOutput& out) {
    out.Type(RdbType::kHashListpackTimes23);
    out.Text(pack.bytes());
  });
  ExpectTheThreeFields(Read(candidate, kRdbVersionFieldTimes).get());
}

TEST(RdbFieldTimes, Type22IsValkeysUnlessTheVersionIsRediss) {
  std::string valkey = Bytes([](RdbOutput& out) {
    out.Type(RdbType::kHashTimes22);
    out.Length(3);
    auto field = [&](std::string_view name, std::string_view value, int64_t when_ms) {
      out.Text(name);
      out.Text(value);
      out.Milliseconds(when_ms);
    };
    field("f", "1", kSoon);
    field("g", "2", kSoon + 1000);
    field("h", "3", -1);
  });
  ExpectTheThreeFields(Read(valkey, kRdbVersionValkey).get());
  EXPECT_EQ(Read(valkey, kRdbVersionFieldTimes), nullptr);
  std::string candidate = Bytes([](RdbOutput& out) {
    out.Type(RdbType::kHashTimes22);
    out.Length(3);
    auto field = [&](uint64_t when_ms, std::string_view name, std::string_view value) {
      out.Length(when_ms);
      out.Text(name);
      out.Text(value);
    };
    field(kSoon, "f", "1");
    field(kSoon + 1000, "g", "2");
    field(0, "h", "3");
  });
  ExpectTheThreeFields(Read(candidate, kRdbVersionFieldTimes).get());
}

TEST(RdbFieldTimes, ATimePast48BitsIsRefused) {
  std::string bytes = Bytes([](RdbOutput& out) {
    out.Type(RdbType::kHashTimes);
    out.Milliseconds(int64_t{1} << 48);
    out.Length(1);
    out.Length(1);
    out.Text("f");
    out.Text("v");
  });
  EXPECT_EQ(Read(bytes, kRdbVersionFieldTimes), nullptr);
}

TEST(RdbFieldTimes, EveryCutIsNoticedAndNoChangedByteCrashes) {
  Hash hash = TheThreeFields();
  uint16_t version = 0;
  std::string bytes = HashRecord(&hash).Written(&version);
  for (size_t size = 1; size < bytes.size(); ++size)
    EXPECT_EQ(Read(std::string_view(bytes).substr(0, size), version), nullptr) << size;
  Random random(20261123);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = bytes;
    changed[0] = static_cast<char>(22 + random.Below(4));
    for (size_t count = random.Below(4); count > 0; --count)
      changed[random.Below(changed.size())] = static_cast<char>(random.Below(256));
    std::unique_ptr<Hash> read = Read(changed, random.Below(2) == 0 ? version : kRdbVersionValkey);
    if (read == nullptr) continue;
    EXPECT_FALSE(read->empty());
    EXPECT_LE(read->RemoveDue(Hash::kNoFieldExpiry - 1, SIZE_MAX), 3u);
  }
}

}  // namespace
}  // namespace kiln

#include "engine/persist/rdb_value.h"

#include <gtest/gtest.h>

#include "engine/persist/crc64.h"
#include "engine/persist/old_encodings.h"
#include "engine/persist/rdb_stream.h"

namespace kiln {
namespace {

std::string Hex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  return bytes;
}

TEST(Crc64, IsTheSameWithAndWithoutTables) {
  std::string bytes;
  for (int i = 0; i < 700; ++i) bytes.push_back(static_cast<char>(i * i * 7 + i));
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view part = std::string_view(bytes).substr(bytes.size() - size);
    EXPECT_EQ(Crc64(size, part), Crc64ByTables(size, part)) << size;
  }
}

TEST(Crc64, HasTheKnownCheckValue) {
  EXPECT_EQ(Crc64(0, "123456789"), 0xe9c6d914c4b8d9ca);
  EXPECT_EQ(Crc64(Crc64(0, "12345"), "6789"), 0xe9c6d914c4b8d9ca);
}

TEST(RdbInput, ReadsBackWhatOutputWrote) {
  std::string bytes;
  RdbOutput out(&bytes, true);
  const std::vector<std::string> texts = {"",      "a",          "12",  "-129",
                                          "70000", "2147483648", "007", std::string(1000, 'x')};
  for (const std::string& text : texts) out.Text(text);
  for (uint64_t length : {0ull, 63ull, 64ull, 16383ull, 16384ull, 4294967295ull, 4294967296ull})
    out.Length(length);
  out.Integer(INT64_MIN);
  out.Double(-0.5);
  EXPECT_LT(bytes.size(), 200u) << "long texts are compressed";
  RdbInput in(bytes);
  for (const std::string& text : texts) EXPECT_EQ(in.Text(), text);
  for (uint64_t length : {0ull, 63ull, 64ull, 16383ull, 16384ull, 4294967295ull, 4294967296ull})
    EXPECT_EQ(in.Length(), length);
  EXPECT_EQ(in.Text(), "-9223372036854775808");
  EXPECT_EQ(in.Double(), -0.5);
  EXPECT_TRUE(in.AtEnd());
  EXPECT_FALSE(in.is_broken());
}

TEST(RdbInput, EveryCutIsNoticed) {
  std::string bytes;
  RdbOutput out(&bytes, true);
  out.Text(std::string(100, 'y'));
  out.Text("70000");
  out.Double(1.5);
  for (size_t size = 0; size < bytes.size(); ++size) {
    RdbInput in(std::string_view(bytes).substr(0, size));
    in.Text();
    in.Text();
    in.Double();
    EXPECT_TRUE(in.is_broken()) << size;
  }
}

TEST(RdbInput, ADeclaredLengthAllocatesNothing) {
  const std::string lzf_bytes = Hex("c3058080000000ffffffff0102030405");
  RdbInput lzf(lzf_bytes);
  lzf.Text();
  EXPECT_TRUE(lzf.is_broken());
  const std::string count_bytes = Hex("80ffffffff00");
  RdbInput count(count_bytes);
  count.Count();
  EXPECT_TRUE(count.is_broken());
}

// Of redis-server 2.8 and 3.0: DEBUG OBJECT's "ziplist" of "a", 1, "12345678901", -3.
TEST(OldEncodings, ReadsAZiplist) {
  std::string bytes =
      Hex("20000000"
          "1c000000"
          "0400"
          "000161"
          "03f2"
          "020b3132333435363738393031"
          "0dfefd"
          "ff");
  std::vector<std::string> found;
  EXPECT_TRUE(ReadZiplist(bytes, [&](const Element& element) {
    ElementScratch scratch;
    found.emplace_back(element.ToString(scratch));
  }));
  EXPECT_EQ(found, (std::vector<std::string>{"a", "1", "12345678901", "-3"}));
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(ReadZiplist(bytes.substr(0, i), [](const Element&) { FAIL(); })) << i;
  }
}

TEST(OldEncodings, ReadsAZipmap) {
  std::string bytes =
      Hex("02"
          "03666f6f"
          "0300626172"
          "0568656c6c6f"
          "0502776f726c640000"
          "ff");
  std::vector<std::string> found;
  EXPECT_TRUE(ReadZipmap(bytes, [&](const Element& element) { found.emplace_back(element.text); }));
  EXPECT_EQ(found, (std::vector<std::string>{"foo", "bar", "hello", "world"}));
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(ReadZipmap(bytes.substr(0, i), [](const Element&) {})) << i;
  }
}

Stream SomeStream() {
  Stream stream;
  StreamLimits limits{.max_node_bytes = 0, .max_node_entries = 4};
  for (uint64_t ms = 1; ms <= 10; ++ms) {
    std::string value = std::to_string(ms * 1000);
    stream.Add({ms, ms}, std::vector<std::string_view>{ms % 3 == 0 ? "other" : "field", value},
               limits);
  }
  stream.Delete({5, 5});
  stream.Delete({7, 7});
  StreamGroup* group = stream.CreateGroup("group", {6, 6}, StreamGroup::kUnknown);
  group->CreateConsumer("idle", 5);
  StreamConsumer* busy = group->CreateConsumer("busy", 6);
  group->Deliver({2, 2}, busy, 7);
  group->Deliver({6, 6}, busy, 8);
  group->FindPending({6, 6})->deliveries = 9;
  stream.CreateGroup("other", {}, 0);
  return stream;
}

std::string Written(const Stream& stream) {
  std::string bytes;
  RdbOutput out(&bytes, true);
  out.Type(RdbType::kStreamListpacks3);
  WriteRdbStream(out, stream);
  return bytes;
}

std::unique_ptr<Stream> ReadBack(std::string_view bytes) {
  RdbInput in(bytes.substr(1));
  return ReadRdbStream(in, static_cast<RdbType>(bytes[0]));
}

TEST(RdbStream, ReadsBackWhatItWrote) {
  Stream stream = SomeStream();
  std::unique_ptr<Stream> read = ReadBack(Written(stream));
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->size(), 8u);
  EXPECT_EQ(read->node_count(), 3u);
  EXPECT_EQ(read->first_id(), (StreamId{1, 1}));
  EXPECT_EQ(read->last_id(), (StreamId{10, 10}));
  EXPECT_EQ(read->max_deleted_id(), (StreamId{7, 7}));
  EXPECT_EQ(read->entries_added(), 10u);
  Stream::Cursor one(stream, kMinStreamId, kMaxStreamId);
  Stream::Cursor two(*read, kMinStreamId, kMaxStreamId);
  while (one.Next()) {
    ASSERT_TRUE(two.Next());
    EXPECT_EQ(one.id(), two.id());
    std::string texts;
    auto add = [&](std::string_view f, std::string_view v) {
      texts += std::string(f) + "=" + std::string(v) + ";";
    };
    one.ForEachField(add);
    std::string expected = std::exchange(texts, "");
    two.ForEachField(add);
    EXPECT_EQ(texts, expected);
  }
  EXPECT_FALSE(two.Next());
  StreamGroup* group = read->FindGroup("group");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->entries_read, StreamGroup::kUnknown);
  EXPECT_EQ(group->FindConsumer("idle")->active_ms, StreamConsumer::kNever);
  EXPECT_EQ(group->FindConsumer("busy")->pending.size(), 2u);
  EXPECT_EQ(group->FindPending({6, 6})->deliveries, 9);
  EXPECT_EQ(group->FindPending({6, 6})->delivered_ms, 8);
  EXPECT_NE(read->FindGroup("other"), nullptr);
}

TEST(RdbStream, EveryCutIsNoticedAndNoChangedByteCrashes) {
  std::string bytes = Written(SomeStream());
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(ReadBack(std::string_view(bytes).substr(0, size)), nullptr) << size;
  }
  for (size_t i = 1; i < bytes.size(); ++i) {
    for (int change : {1, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      std::unique_ptr<Stream> read = ReadBack(changed);
      if (read == nullptr) continue;
      size_t budget = SIZE_MAX;
      Stream copy = read->Clone();
      EXPECT_TRUE(copy.FreeSome(&budget));
    }
  }
}

TEST(RdbValue, AnEmptyOrDoubleCollectionIsBroken) {
  Settings settings;
  for (std::string_view digits : {"0400", "0200", "0500", "0100", "1200",
                                  "020201610161",  // A member twice.
                                  "040201610162"
                                  "01610163"}) {  // A field twice.
    std::string bytes = Hex(digits);
    RdbInput in(bytes);
    ReadRdbValue(in, settings);
    EXPECT_TRUE(in.is_broken() || in.is_empty()) << digits;
  }
}

}  // namespace
}  // namespace kiln

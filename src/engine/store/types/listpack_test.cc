#include "engine/store/types/listpack.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

std::vector<std::string> Texts(const Listpack& listpack) {
  std::vector<std::string> texts;
  ElementScratch scratch;
  for (uint32_t pos = listpack.First(); pos != Listpack::kNone; pos = listpack.Next(pos)) {
    texts.emplace_back(listpack.Get(pos).ToString(scratch));
  }
  return texts;
}

std::vector<std::string> TextsBackward(const Listpack& listpack) {
  std::vector<std::string> texts;
  ElementScratch scratch;
  for (uint32_t pos = listpack.Last(); pos != Listpack::kNone; pos = listpack.Prev(pos)) {
    texts.emplace(texts.begin(), listpack.Get(pos).ToString(scratch));
  }
  return texts;
}

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// The entries' bytes without the listpack's header and end.
std::string EntryHex(std::string_view text) {
  Listpack listpack;
  listpack.PushBack(text);
  return Hex(listpack.bytes().substr(6, listpack.byte_size() - 7));
}

TEST(Listpack, EncodesEachKindOfEntryAsTheFormatSays) {
  EXPECT_EQ(EntryHex("0"), "0001");
  EXPECT_EQ(EntryHex("127"), "7f01");
  EXPECT_EQ(EntryHex("128"), "c08002");
  EXPECT_EQ(EntryHex("-1"), "dfff02");
  EXPECT_EQ(EntryHex("4095"), "cfff02");
  EXPECT_EQ(EntryHex("-4096"), "d00002");
  EXPECT_EQ(EntryHex("4096"), "f1001003");
  EXPECT_EQ(EntryHex("-32768"), "f1008003");
  EXPECT_EQ(EntryHex("32768"), "f200800004");
  EXPECT_EQ(EntryHex("-8388608"), "f200008004");
  EXPECT_EQ(EntryHex("8388608"), "f30000800005");
  EXPECT_EQ(EntryHex("-2147483648"), "f30000008005");
  EXPECT_EQ(EntryHex("2147483648"), "f4000000800000000009");
  EXPECT_EQ(EntryHex(""), "8001");
  EXPECT_EQ(EntryHex("hello"), "8568656c6c6f06");
  EXPECT_EQ(EntryHex(std::string(63, 'a')).substr(0, 4), "bf61");
  EXPECT_EQ(EntryHex(std::string(64, 'a')).substr(0, 6), "e04061");
  EXPECT_EQ(EntryHex(std::string(4096, 'a')).substr(0, 12), "f00010000061");
}

TEST(Listpack, BackLengthGrowsOneEarlyAtPowersOf128) {
  EXPECT_EQ(ListpackEntry(std::string(125, 'a')).bytes(), 2u + 125 + 1);
  EXPECT_EQ(ListpackEntry(std::string(126, 'a')).bytes(), 2u + 126 + 2);
  EXPECT_EQ(ListpackEntry(std::string(16377, 'a')).bytes(), 5u + 16377 + 2);
  EXPECT_EQ(ListpackEntry(std::string(16378, 'a')).bytes(), 5u + 16378 + 3);
}

TEST(Listpack, TextsThatAreNotCanonicalIntegersStayTexts) {
  for (std::string_view text : {"01", "-0", "+1", " 1", "1 ", "9223372036854775808", "1.0", "-"}) {
    Listpack listpack;
    listpack.PushBack(text);
    EXPECT_FALSE(listpack.Get(listpack.First()).is_int) << text;
    EXPECT_EQ(Texts(listpack), std::vector<std::string>{std::string(text)});
  }
  Listpack listpack;
  listpack.PushBack("-9223372036854775808");
  EXPECT_EQ(listpack.Get(listpack.First()).integer, INT64_MIN);
}

TEST(Listpack, EmptyOwnsNothingAndSerialisesAsSevenBytes) {
  Listpack listpack;
  EXPECT_EQ(Hex(listpack.bytes()), "070000000000ff");
  EXPECT_EQ(listpack.memory_bytes(), 0u);
  EXPECT_EQ(listpack.First(), Listpack::kNone);
  EXPECT_EQ(listpack.Last(), Listpack::kNone);
  EXPECT_EQ(listpack.Seek(0), Listpack::kNone);
  EXPECT_EQ(listpack.Find("a"), Listpack::kNone);
  listpack.PushBack("a");
  listpack.Erase(listpack.First());
  EXPECT_TRUE(listpack.empty());
  EXPECT_TRUE(Listpack::Validate(listpack.bytes()));
}

TEST(Listpack, SeeksFromBothEnds) {
  Listpack listpack;
  for (int i = 0; i < 10; ++i) listpack.PushBack(ListpackEntry(int64_t{i}));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(listpack.Get(listpack.Seek(i)).integer, i);
    EXPECT_EQ(listpack.Get(listpack.Seek(i - 10)).integer, i);
  }
  EXPECT_EQ(listpack.Seek(10), Listpack::kNone);
  EXPECT_EQ(listpack.Seek(-11), Listpack::kNone);
}

TEST(Listpack, FindPassesOverSkippedEntries) {
  Listpack listpack;
  for (std::string_view text : {"b", "a", "a", "1", "1", "c"}) listpack.PushBack(text);
  EXPECT_EQ(listpack.Find("a"), listpack.Seek(1));
  EXPECT_EQ(listpack.Find("a", 1), listpack.Seek(2));
  EXPECT_EQ(listpack.Find("1", 1), listpack.Seek(4));
  EXPECT_EQ(listpack.Find("c", 1), Listpack::kNone);
  EXPECT_EQ(listpack.Find("01"), Listpack::kNone);
}

// Long texts share their first byte with texts of other lengths: nothing past the shorter is read.
TEST(Listpack, FindComparesLongTextsOfDifferentLengths) {
  for (size_t bytes : {1, 7, 8, 63, 64, 65, 200, 255, 256, 300, 4094, 4095, 4096, 5000}) {
    for (size_t other : {64, 65, 255, 256, 300, 4095, 4096, 5000}) {
      Listpack listpack;
      listpack.PushBack(std::string(bytes, 'x'));
      EXPECT_EQ(listpack.Find(std::string(other, 'x')) != Listpack::kNone, bytes == other);
      std::string changed(bytes, 'x');
      changed[0] = 'y';
      EXPECT_EQ(listpack.Find(changed), Listpack::kNone);
    }
  }
}

TEST(Listpack, CountsPastWhatItsHeaderHolds) {
  std::string bytes("\x01\0\x03\0\xfe\xff", 6);  // 0x30001 bytes, 65534 entries
  for (int i = 0; i < 65534; ++i) bytes += "\x81x\x02";
  Listpack listpack = *Listpack::FromBytes(bytes + "\xff");
  EXPECT_EQ(listpack.size(), 65534u);
  listpack.PushBack("x");
  listpack.PushBack("y");
  EXPECT_EQ(listpack.size(), 65536u);
  EXPECT_EQ(listpack.Get(listpack.Seek(65535)).text, "y");
  EXPECT_EQ(listpack.Get(listpack.Seek(-1)).text, "y");
  EXPECT_EQ(listpack.Seek(65536), Listpack::kNone);
  EXPECT_TRUE(Listpack::Validate(listpack.bytes()));
  listpack.Erase(listpack.First(), 65530);
  EXPECT_EQ(listpack.size(), 6u);
}

TEST(Listpack, SplitOffMovesTheTail) {
  Listpack listpack;
  for (std::string_view text : {"a", "2", "c"}) listpack.PushBack(text);
  Listpack tail = listpack.SplitOff(listpack.Seek(1));
  EXPECT_EQ(Texts(listpack), std::vector<std::string>{"a"});
  EXPECT_EQ(Texts(tail), (std::vector<std::string>{"2", "c"}));
  EXPECT_TRUE(Listpack::Validate(tail.bytes()));
  Listpack all = tail.SplitOff(tail.First());
  EXPECT_TRUE(tail.empty());
  EXPECT_EQ(all.size(), 2u);
}

TEST(Listpack, ValidateRefusesBrokenBytes) {
  Listpack listpack;
  for (std::string_view text : {"hello", "1234", "-5", "1234567890123"}) listpack.PushBack(text);
  listpack.PushBack(std::string(200, 'x'));
  listpack.PushBack(std::string(5000, 'y'));
  std::string good(listpack.bytes());
  EXPECT_TRUE(Listpack::Validate(good));
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(Listpack::Validate(good.substr(0, cut)));
  EXPECT_FALSE(Listpack::Validate(good + "x"));
  auto with = [&](size_t at, char byte) {
    std::string bad = good;
    bad[at] = byte;
    return bad;
  };
  EXPECT_FALSE(Listpack::Validate(with(0, 0)));
  EXPECT_FALSE(Listpack::Validate(with(4, 7)));
  EXPECT_TRUE(Listpack::Validate(with(4, '\xff').replace(5, 1, "\xff")));
  EXPECT_FALSE(Listpack::Validate(with(6, '\xff')));
  EXPECT_FALSE(Listpack::Validate(with(6, '\xf5')));
  EXPECT_FALSE(Listpack::Validate(with(12, 5)));
  EXPECT_FALSE(Listpack::Validate(with(good.size() - 1, 0)));
}

TEST(Listpack, FromBytesRewritesWhatWeWouldHaveWrittenOtherwise) {
  // The text "12", which we would have stored as an integer.
  std::string_view foreign("\x0b\0\0\0\x01\0\x82\x31\x32\x03\xff", 11);
  ASSERT_TRUE(Listpack::Validate(foreign));
  std::optional<Listpack> listpack = Listpack::FromBytes(foreign);
  ASSERT_TRUE(listpack);
  EXPECT_EQ(listpack->Find("12"), listpack->First());
  EXPECT_EQ(Hex(listpack->bytes()), "0900000001000c01ff");
  EXPECT_FALSE(Listpack::FromBytes("junk"));
  EXPECT_TRUE(Listpack::FromBytes(Listpack().bytes())->empty());
}

std::string RandomText(Random& random) {
  switch (random.Below(6)) {
    case 0:
      return std::to_string(static_cast<int64_t>(random.Next()) >> random.Below(64));
    case 1:
      return std::string(random.Below(200), 'a' + random.Below(3));
    case 2:
      return random.Below(20) == 0 ? std::string(random.Below(20000), 'z') : "";
    default:
      return std::string(1 + random.Below(8), 'a' + random.Below(26));
  }
}

void CheckSame(const Listpack& listpack, const std::vector<std::string>& model) {
  ASSERT_EQ(Texts(listpack), model);
  ASSERT_EQ(TextsBackward(listpack), model);
  ASSERT_EQ(listpack.size(), model.size());
  ASSERT_TRUE(Listpack::Validate(listpack.bytes()));
}

TEST(Listpack, BehavesLikeAVectorOfTexts) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Listpack listpack;
    std::vector<std::string> model;
    for (int step = 0; step < 150; ++step) {
      std::string text = RandomText(random);
      size_t at = random.Below(model.size() + 1);
      bool exists = at < model.size();
      uint32_t pos = listpack.Seek(at);
      size_t count = 1 + random.Below(5);
      uint64_t action = random.Below(8);
      if (action < 4) {
        pos = listpack.InsertBefore(pos, text);
        model.insert(model.begin() + at, text);
      } else if (action == 4 && exists) {
        listpack.InsertAfter(pos, text);
        model.insert(model.begin() + at + 1, text);
      } else if (action == 5 && exists) {
        listpack.Replace(pos, text);
        model[at] = text;
      } else if (action >= 6 && exists) {
        listpack.Erase(pos, count);
        model.erase(model.begin() + at, model.begin() + std::min(model.size(), at + count));
      }
      CheckSame(listpack, model);
      if (HasFatalFailure()) return;
      size_t found = std::find(model.begin(), model.end(), text) - model.begin();
      ASSERT_EQ(listpack.Find(text), listpack.Seek(found < model.size() ? found : INT32_MAX));
    }
    CheckSame(listpack.Clone(), model);
    CheckSame(*Listpack::FromBytes(listpack.bytes()), model);
  }
}

// Entries pushed to one end and taken from either, of all sizes up to more than a gap can be.
void CheckQueue(uint64_t seed, bool pushes_head, bool pops_head) {
  SCOPED_TRACE(seed);
  Random random(seed);
  Listpack listpack;
  std::vector<std::string> model;
  for (int step = 0; step < 400; ++step) {
    bool grows = random.Below(100) < (step < 200 ? 70u : 45u);
    if (grows || model.empty()) {
      std::string text(random.Below(50) == 0 ? random.Below(100'000) : random.Below(300), 'a');
      text += std::to_string(step);
      pushes_head ? listpack.PushFront(text) : listpack.PushBack(text);
      model.insert(pushes_head ? model.begin() : model.end(), text);
    } else {
      size_t count = std::min<size_t>(1 + random.Below(3), model.size());
      auto from = pops_head ? model.begin() : model.end() - count;
      model.erase(from, from + count);
      listpack.Erase(listpack.Seek(pops_head ? 0 : -static_cast<int64_t>(count)), count);
    }
    CheckSame(listpack, model);
    if (::testing::Test::HasFatalFailure()) return;
    size_t bytes = listpack.byte_size();
    ASSERT_LE(listpack.memory_bytes(), model.empty() ? 0 : 3 * bytes + 128);
  }
}

TEST(Listpack, IsAQueueAndAStackAtEitherEnd) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (bool pushes_head : {false, true}) {
      for (bool pops_head : {false, true}) CheckQueue(seed, pushes_head, pops_head);
    }
  }
}

TEST(Listpack, WithRoomAtTheHeadWhatIsPushedOrErasedThereMovesNothingElse) {
  Listpack listpack;
  listpack.Start(ListpackEntry("last"), 1024, Listpack::Grows::kAtHead);
  auto end = [&] { return listpack.bytes().data() + listpack.bytes().size(); };
  const char* place = end();
  for (int i = 0; i < 90; ++i) {
    listpack.PushFront("entry:" + std::to_string(100 + i));
    ASSERT_EQ(end(), place);
  }
  for (int i = 0; i < 30; ++i) {
    listpack.Erase(listpack.First());
    ASSERT_EQ(end(), place);
  }
  EXPECT_EQ(listpack.size(), 61u);
}

TEST(Listpack, AnAppenderWritesWhatPushBackWould) {
  Listpack one_by_one;
  Listpack appended;
  std::string long_text(5000, 'x');
  for (int round = 0; round < 3; ++round) {
    Listpack::Appender appender(appended,
                                2 * long_text.size() + 8 * Listpack::Appender::kMaxEntryBytes);
    for (int64_t integer : {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{-1}, INT64_MIN}) {
      one_by_one.PushBack(ListpackEntry(integer));
      appender.Add(integer);
    }
    for (const std::string& text : {std::string(), std::string("12"), long_text}) {
      one_by_one.PushBack(text);
      appender.Add(ListpackEntry(text));
    }
  }
  EXPECT_EQ(appended.bytes(), one_by_one.bytes());
  appended.Shrink();
  EXPECT_EQ(appended.bytes(), one_by_one.bytes());
  appended.ReplaceSmall(appended.First(), 3);
  EXPECT_EQ(appended.Get(appended.First()).integer, 3);
}

}  // namespace
}  // namespace kiln

#include "engine/store/types/stream_id.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

std::string Text(const StreamId& id) {
  char text[kMaxStreamIdChars];
  return {text, FormatStreamId(id, text)};
}

TEST(StreamId, IsOrderedByMillisecondsThenNumber) {
  EXPECT_LT((StreamId{1, 9}), (StreamId{2, 0}));
  EXPECT_LT((StreamId{2, 0}), (StreamId{2, 1}));
  EXPECT_LT((StreamId{2, 1}), kMaxStreamId);
}

TEST(StreamId, HasNeighboursExceptAtTheEnds) {
  EXPECT_EQ((StreamId{5, 7}.Next()), (StreamId{5, 8}));
  EXPECT_EQ((StreamId{5, UINT64_MAX}.Next()), (StreamId{6, 0}));
  EXPECT_EQ(kMaxStreamId.Next(), std::nullopt);
  EXPECT_EQ((StreamId{5, 7}.Previous()), (StreamId{5, 6}));
  EXPECT_EQ((StreamId{5, 0}.Previous()), (StreamId{4, UINT64_MAX}));
  EXPECT_EQ(kMinStreamId.Previous(), std::nullopt);
}

TEST(StreamId, PrintsBothNumbers) {
  EXPECT_EQ(Text({0, 0}), "0-0");
  EXPECT_EQ(Text({1526919030474, 55}), "1526919030474-55");
  EXPECT_EQ(Text(kMaxStreamId), "18446744073709551615-18446744073709551615");
}

TEST(StreamId, IsParsedWithOrWithoutItsNumber) {
  EXPECT_EQ(ParseStreamId("12-34", 0), (StreamId{12, 34}));
  EXPECT_EQ(ParseStreamId("12", 7), (StreamId{12, 7}));
  EXPECT_EQ(ParseStreamId("0", 0), kMinStreamId);
  EXPECT_EQ(ParseStreamId(Text(kMaxStreamId), 0), kMaxStreamId);
}

TEST(StreamId, IsParsedFromWhateverStrtoullTakes) {
  EXPECT_EQ(ParseStreamId("007-01", 0), (StreamId{7, 1}));
  EXPECT_EQ(ParseStreamId(" 5-+6", 0), (StreamId{5, 6}));
  EXPECT_EQ(ParseStreamId("5- -1", 0), (StreamId{5, UINT64_MAX}));
  EXPECT_EQ(ParseStreamId(std::string_view("5-6\0x", 5), 0), (StreamId{5, 6}));
}

TEST(StreamId, RefusesWhatIsNoId) {
  for (const char* text : {"", "-", "+", "-1", "1-", "1--1", "1-2-3", "a", "1-a", "1-*", "*", "$",
                           "1.5", "18446744073709551616", "1-18446744073709551616", "5 "}) {
    EXPECT_EQ(ParseStreamId(text, 0), std::nullopt) << text;
  }
  EXPECT_EQ(ParseStreamId(std::string(128, '0'), 0), std::nullopt);
  EXPECT_EQ(ParseStreamId(std::string(127, '0'), 0), kMinStreamId);
}

}  // namespace
}  // namespace kiln

#include "base/byte_buffer.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(ByteBuffer, NoBytesIntoAnEmptyBufferAllocateNothing) {
  ByteBuffer buffer;
  buffer.Append({});
  buffer.Insert(0, {});
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(ByteBuffer, InsertMovesWhatFollows) {
  ByteBuffer buffer;
  buffer.Append("ad");
  buffer.Insert(1, "bc");
  buffer.Insert(4, "e");
  EXPECT_EQ(buffer.view(), "abcde");
}

TEST(ByteBuffer, ConsumeDropsTheFront) {
  ByteBuffer buffer;
  buffer.Append("abcde");
  buffer.Consume(2);
  EXPECT_EQ(buffer.view(), "cde");
  buffer.Consume(3);
  EXPECT_TRUE(buffer.empty());
}

TEST(ByteBuffer, GrowingKeepsTheBytes) {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    std::string part(static_cast<size_t>(i % 40), static_cast<char>('a' + i % 26));
    buffer.Append(part);
    expected += part;
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(ByteBuffer, MovingLeavesNothingBehind) {
  ByteBuffer from;
  from.Append("abc");
  ByteBuffer to = std::move(from);
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());
}

}  // namespace
}  // namespace kiln

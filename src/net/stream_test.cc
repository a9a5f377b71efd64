#include "net/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace kiln {
namespace {

class PlainStreamTest : public testing::Test {
 protected:
  PlainStreamTest() : PlainStreamTest(MakePair()) {}

  static std::array<int, 2> MakePair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    return ends;
  }
  explicit PlainStreamTest(std::array<int, 2> ends) : near_(Fd(ends[0])), far_(Fd(ends[1])) {}

  std::string ReadFar() {
    char bytes[64];
    ssize_t got = far_.Read(bytes);
    return got > 0 ? std::string(bytes, got) : std::string();
  }

  PlainStream near_;
  PlainStream far_;
};

TEST_F(PlainStreamTest, BytesGoThrough) {
  EXPECT_EQ(near_.Write(std::string_view("hello")), 5);
  EXPECT_EQ(ReadFar(), "hello");
  EXPECT_FALSE(far_.HasBuffered());
  EXPECT_FALSE(far_.WantsWritable());
}

TEST_F(PlainStreamTest, PartsGoThroughInOrder) {
  char first[] = "one,", second[] = "two";
  std::array<iovec, 2> parts{iovec{first, 4}, iovec{second, 3}};
  EXPECT_EQ(near_.Writev(parts), 7);
  EXPECT_EQ(ReadFar(), "one,two");
}

TEST_F(PlainStreamTest, NothingToReadWouldBlock) {
  char bytes[8];
  EXPECT_EQ(near_.Read(bytes), Stream::kWouldBlock);
}

TEST_F(PlainStreamTest, FullSocketWouldBlockAfterAPartialWrite) {
  std::vector<char> bytes(1 << 20);
  ssize_t sent = 0, total = 0;
  while ((sent = near_.Write(bytes)) > 0) total += sent;
  EXPECT_EQ(sent, Stream::kWouldBlock);
  EXPECT_GT(total, 0);
  std::array<iovec, 1> parts{iovec{bytes.data(), bytes.size()}};
  EXPECT_EQ(near_.Writev(parts), Stream::kWouldBlock);
}

TEST_F(PlainStreamTest, ShutdownIsSeenAsTheEnd) {
  char bytes[8];
  EXPECT_EQ(near_.Write(std::string_view("x")), 1);
  near_.Shutdown();
  EXPECT_EQ(far_.Read(bytes), 1);
  EXPECT_EQ(far_.Read(bytes), Stream::kEnd);
}

TEST_F(PlainStreamTest, WritingToNobodyIsAnErrorAndNoSignal) {
  far_.Shutdown();
  EXPECT_EQ(near_.Write(std::string_view("x")), Stream::kError);
  EXPECT_EQ(near_.last_error(), NetError{EPIPE});
}

}  // namespace
}  // namespace kiln

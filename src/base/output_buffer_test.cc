#include "base/output_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/random.h"

namespace kiln {
namespace {

// A block that the test holds, full of one letter.
class Value {
 public:
  explicit Value(char letter, size_t bytes = SharedBlock::kMinBytes)
      : block_(SharedBlock::Allocate(bytes)), bytes_(bytes) {
    std::memset(block_->memory(), letter, bytes);
  }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() { block_->Drop(); }

  SharedBlock* block() { return block_; }
  std::string_view text() { return {static_cast<const char*>(block_->memory()), bytes_}; }
  bool is_free() const { return block_->IsHeldByOne(); }

 private:
  SharedBlock* block_;
  size_t bytes_;
};

std::string Unsent(const OutputBuffer& output, size_t most_pieces = 64) {
  std::string text;
  std::array<iovec, 64> pieces;
  size_t count = output.FillPieces({pieces.data(), most_pieces});
  for (size_t i = 0; i < count; ++i)
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

TEST(OutputBuffer, PutsPartsWhereTheyWereAppended) {
  Value value('v');
  OutputBuffer output;
  output.Append("<");
  output.AppendShared(value.text(), value.block());
  output.Append(">");
  EXPECT_EQ(output.size(), 2u);
  EXPECT_EQ(output.unsent(), 2 + value.text().size());
  EXPECT_EQ(Unsent(output), "<" + std::string(value.text()) + ">");
  EXPECT_FALSE(value.is_free());
}

TEST(OutputBuffer, LetsGoOfAPartWhenItsLastByteHasLeft) {
  Value value('v');
  OutputBuffer output;
  output.Append("ab");
  output.AppendShared(value.text(), value.block());
  output.Append("cd");
  output.NoteSent(1 + value.text().size());
  EXPECT_FALSE(value.is_free());
  EXPECT_EQ(Unsent(output), "vcd");
  output.NoteSent(1);
  EXPECT_TRUE(value.is_free());
  EXPECT_FALSE(output.has_parts());
  EXPECT_EQ(output.own_unsent(), "cd");
}

TEST(OutputBuffer, LetsGoOfAllWhenItEnds) {
  Value value('v');
  {
    OutputBuffer output;
    for (int i = 0; i < 3; ++i) output.AppendShared(value.text(), value.block());
    output.NoteSent(value.text().size() + 1);
  }
  EXPECT_TRUE(value.is_free());
}

TEST(OutputBuffer, CopiesWhatIsSmallOrALittleOfItsBlock) {
  Value value('v', 4 * SharedBlock::kMinBytes);
  OutputBuffer output;
  output.AppendShared(value.text().substr(0, SharedBlock::kMinBytes - 1), value.block());
  output.AppendShared(value.text().substr(0, SharedBlock::kMinBytes), value.block());
  output.AppendShared(value.text(), nullptr);
  EXPECT_TRUE(value.is_free());
  EXPECT_EQ(output.size(), 6 * SharedBlock::kMinBytes - 1);
}

TEST(OutputBuffer, OtherBuffersCopy) {
  Value value('v');
  ByteBuffer plain;
  plain.AppendShared(value.text(), value.block());
  EXPECT_TRUE(value.is_free());
  EXPECT_EQ(plain.view(), value.text());
}

TEST(OutputBuffer, TruncatingLetsGoOfThePartsBehind) {
  Value kept('k');
  Value dropped('d');
  OutputBuffer output;
  output.Append("x");
  output.AppendShared(kept.text(), kept.block());
  size_t start = output.size();
  output.Append("y");
  output.AppendShared(dropped.text(), dropped.block());
  output.Truncate(start);
  EXPECT_TRUE(dropped.is_free());
  EXPECT_EQ(Unsent(output), "x" + std::string(kept.text()));
}

TEST(OutputBuffer, InsertingMovesThePartsBehind) {
  Value first('1');
  Value second('2');
  OutputBuffer output;
  output.Append("a");
  output.AppendShared(first.text(), first.block());
  size_t start = output.size();
  output.Append("b");
  output.AppendShared(second.text(), second.block());
  output.Insert(start, "[]");
  EXPECT_EQ(Unsent(output), "a" + std::string(first.text()) + "[]b" + std::string(second.text()));
}

TEST(OutputBuffer, FillsNoMorePiecesThanAsked) {
  Value value('v');
  OutputBuffer output;
  for (int i = 0; i < 10; ++i) {
    output.Append("x");
    output.AppendShared(value.text(), value.block());
  }
  EXPECT_EQ(Unsent(output, 3).size(), 2 + value.text().size());
}

// Whatever is appended, sent, cut off and inserted: what leaves is what was written.
TEST(OutputBuffer, SendsWhatWasWrittenInWhateverPieces) {
  constexpr uint64_t kSeed = 20;
  Random random(kSeed);
  Value big('B', 70'000);
  Value bigger('C', 100'000);
  std::string expected;
  {
    OutputBuffer output;
    for (int step = 0; step < 500; ++step) {
      size_t start = output.size();
      std::string before = expected;
      Value& value = random.Below(2) == 0 ? big : bigger;
      std::string text(random.Below(30), static_cast<char>('a' + step % 26));
      output.Append("-" + text);
      expected += "-" + text;
      if (random.Below(2) == 0) {
        output.AppendShared(value.text(), value.block());
        expected += value.text();
      }
      if (random.Below(4) == 0) {
        output.Insert(start, "header");
        expected.insert(before.size(), "header");
      }
      if (random.Below(4) == 0) {
        output.Truncate(start);
        expected = before;
      }
      ASSERT_EQ(output.unsent(), expected.size()) << "seed " << kSeed << ", step " << step;
      std::string unsent = Unsent(output);
      ASSERT_EQ(unsent, expected.substr(0, unsent.size())) << "seed " << kSeed << ", step " << step;
      size_t sent = random.Below(unsent.size() + 1);
      output.NoteSent(sent);
      expected.erase(0, sent);
      output.unsent() == 0 ? output.ForgetAllSent() : output.ForgetSent();
    }
  }
  EXPECT_TRUE(big.is_free());
  EXPECT_TRUE(bigger.is_free());
}

}  // namespace
}  // namespace kiln

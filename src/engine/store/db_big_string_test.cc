// Big strings, whose records lie in blocks that others hold while they send the value.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/memory.h"
#include "engine/store/store_fixture.h"
#include "engine/store/types/list.h"

namespace kiln {
namespace {

// Holds a value as a connection does that has not sent it yet.
class Reader {
 public:
  explicit Reader(const Record* record) : block_(record->block()), text_(record->raw()) {
    block_->Hold();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { block_->Drop(); }

  std::string_view text() const { return text_; }
  bool is_last() const { return block_->IsHeldByOne(); }

 private:
  SharedBlock* block_;
  std::string_view text_;
};

class BigString : public StoreTest {
 protected:
  static constexpr size_t kBig = SharedBlock::kMinBytes;

  Record* At(std::string_view key) { return db_.Peek(HashKey(key)); }
  Record* Resize(std::string_view key, size_t bytes, bool spare = false) {
    return db_.ResizeString(HashKey(key), At(key), bytes, spare);
  }
  void Append(std::string_view key, std::string_view tail) {
    size_t old_bytes = At(key)->RawBytes();
    Record* record = Resize(key, old_bytes + tail.size(), true);
    std::memcpy(record->value() + old_bytes, tail.data(), tail.size());
  }

  const std::string text_ = std::string(kBig, 'v');
};

TEST_F(BigString, LiesInABlockFrom64KiBOn) {
  Set("small", std::string(kBig - 1, 'v'));
  Set("big", text_);
  EXPECT_EQ(At("small")->block(), nullptr);
  ASSERT_NE(At("big")->block(), nullptr);
  EXPECT_FALSE(At("big")->IsBeingRead());
  EXPECT_EQ(Get("big"), text_);
}

TEST_F(BigString, OneThatGrowsOrShrinksAcrossTheLimitMoves) {
  Set("k", std::string(kBig - 10, 'v'));
  Append("k", "0123456789");
  ASSERT_NE(At("k")->block(), nullptr);
  EXPECT_EQ(Get("k"), std::string(kBig - 10, 'v') + "0123456789");
  Resize("k", kBig - 1);
  EXPECT_EQ(At("k")->block(), nullptr);
  EXPECT_EQ(Get("k"), std::string(kBig - 10, 'v') + "012345678");
}

TEST_F(BigString, IsAppendedToInPlaceWhileNobodyReadsIt) {
  Set("k", text_);
  Append("k", "first");
  const Record* grown = At("k");
  Append("k", "second");
  EXPECT_EQ(At("k"), grown);
  EXPECT_EQ(Get("k"), text_ + "firstsecond");
}

TEST_F(BigString, WhoReadsItSeesNoAppend) {
  Set("k", text_);
  Append("k", "first");
  Reader reader(At("k"));
  Append("k", "second");
  EXPECT_EQ(reader.text(), text_ + "first");
  EXPECT_TRUE(reader.is_last());
  EXPECT_EQ(Get("k"), text_ + "firstsecond");
}

TEST_F(BigString, ResizingToTheSameLengthCopiesWhatIsRead) {
  Set("k", text_, kStart + 1000);
  Reader reader(At("k"));
  Record* record = Resize("k", kBig);
  record->value()[0] = 'x';
  EXPECT_EQ(reader.text(), text_);
  EXPECT_EQ(Get("k"), "x" + text_.substr(1));
  EXPECT_EQ(At("k")->expiry_ms(), kStart + 1000);
}

TEST_F(BigString, OutlivesItsKeyWhileItIsRead) {
  size_t before = AllocatedBytes();
  Set("deleted", text_);
  Set("replaced", text_);
  Set("expired", text_, kStart + 1);
  Set("flushed", text_);
  {
    Reader readers[] = {Reader(At("deleted")), Reader(At("replaced")), Reader(At("expired")),
                        Reader(At("flushed"))};
    db_.Delete(HashKey("deleted"));
    Set("replaced", std::string(kBig, 'w'));
    context_.SetTime(kStart + 2);
    ExpireDue();
    keyspace_.Flush(0, true, context_);
    EXPECT_EQ(keyspace_.KeyCount(0), 0u);
    EXPECT_GE(AllocatedBytes() - before, 4 * kBig);
    for (const Reader& reader : readers) {
      EXPECT_EQ(reader.text(), text_);
      EXPECT_TRUE(reader.is_last());
    }
  }
  EXPECT_LT(AllocatedBytes() - before, kBig);
}

TEST_F(BigString, OutlivesARenameWhileItIsRead) {
  Set("from", text_);
  Reader reader(At("from"));
  Record* extracted = db_.Extract(HashKey("from"));
  db_.Adopt(HashKey("to"), HashKey("from").shard(), extracted);
  EXPECT_TRUE(reader.is_last());
  EXPECT_EQ(reader.text(), text_);
  EXPECT_EQ(Get("to"), text_);
}

TEST_F(BigString, ItsMemoryIsThatOfTheWholeBlock) {
  size_t before = AllocatedBytes();
  Set("k", text_);
  size_t grown = AllocatedBytes() - before;
  size_t told = db_.MemoryBytes(HashKey("k"), At("k"));
  EXPECT_GE(told, kBig + SharedBlock::kHeadBytes);
  EXPECT_LE(told, grown + 64);
}

TEST_F(BigString, BecomesANumberOrACollectionLikeAnyOther) {
  Set("number", text_);
  Set("list", text_);
  Reader reader(At("number"));
  db_.SetInteger(HashKey("number"), 7);
  EXPECT_EQ(Get("number"), "7");
  EXPECT_EQ(reader.text(), text_);
  db_.ReplaceWithCollection(HashKey("list"), Type::kList, std::make_unique<List>().release());
  EXPECT_EQ(At("list")->type(), Type::kList);
}

}  // namespace
}  // namespace kiln

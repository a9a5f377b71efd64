#include "base/shared_block.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace kiln {
namespace {

TEST(SharedBlock, ItsBytesCountUntilTheLastReferenceIsDropped) {
  size_t before = AllocatedBytes();
  SharedBlock* block = SharedBlock::Allocate(100'000);
  EXPECT_GE(AllocatedBytes() - before, 100'000u + SharedBlock::kHeadBytes);
  EXPECT_GE(block->usable_bytes(), 100'000u);
  block->Hold();
  EXPECT_FALSE(block->IsHeldByOne());
  block->Drop();
  EXPECT_TRUE(block->IsHeldByOne());
  EXPECT_GE(AllocatedBytes() - before, 100'000u);
  block->Drop();
  EXPECT_EQ(AllocatedBytes(), before);
}

TEST(SharedBlock, IsFoundByItsMemoryWhichIsAligned) {
  SharedBlock* block = SharedBlock::Allocate(64);
  EXPECT_EQ(SharedBlock::Of(block->memory()), block);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(block->memory()) % 16, 0u);
  block->Drop();
}

TEST(SharedBlock, MayBeWrittenOnceAReaderOnAnotherThreadHasDroppedIt) {
  SharedBlock* block = SharedBlock::Allocate(4096);
  std::memset(block->memory(), 'a', 4096);
  block->Hold();
  std::thread reader([&] {
    EXPECT_EQ(static_cast<char*>(block->memory())[4095], 'a');
    block->Drop();
  });
  while (!block->IsHeldByOne()) std::this_thread::yield();
  std::memset(block->memory(), 'b', 4096);
  reader.join();
  block->Drop();
}

}  // namespace
}  // namespace kiln

#include "engine/script/lua_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"

namespace kiln {
namespace {

TEST(LuaHeap, NothingIsNull) {
  LuaHeap heap;
  EXPECT_EQ(heap.Reallocate(nullptr, 0, 0), nullptr);
}

TEST(LuaHeap, BlocksKeepTheirBytesWhateverHappensToOthers) {
  LuaHeap heap;
  std::mt19937 random(1);
  struct Block {
    void* memory;
    size_t bytes;
    char fill;
  };
  std::vector<Block> blocks;
  for (int round = 0; round < 20000; ++round) {
    size_t bytes = 1 + random() % (round % 10 == 0 ? 5000 : 600);
    auto fill = static_cast<char>(round);
    if (blocks.size() < 500) {
      blocks.push_back({heap.Reallocate(nullptr, 0, bytes), bytes, fill});
      std::memset(blocks.back().memory, fill, bytes);
      continue;
    }
    Block& block = blocks[random() % blocks.size()];
    std::string kept(std::min(bytes, block.bytes), block.fill);
    block.memory = heap.Reallocate(block.memory, block.bytes, bytes);
    ASSERT_EQ(std::memcmp(block.memory, kept.data(), kept.size()), 0);
    block = {block.memory, bytes, fill};
    std::memset(block.memory, fill, bytes);
  }
  for (const Block& block : blocks) {
    EXPECT_EQ(heap.Reallocate(block.memory, block.bytes, 0), nullptr);
  }
}

TEST(LuaHeap, WhatDoesNotFitIntoItsRegionComesFromElsewhere) {
  LuaHeap heap;
  constexpr size_t kBlockBytes = 64;
  std::vector<void*> blocks;
  for (size_t used = 0; used < 2 * LuaHeap::kRegionBytes; used += kBlockBytes) {
    blocks.push_back(heap.Reallocate(nullptr, 0, kBlockBytes));
    std::memset(blocks.back(), 1, kBlockBytes);
  }
  for (void* block : blocks) heap.Reallocate(block, kBlockBytes, 0);
  void* again = heap.Reallocate(nullptr, 0, kBlockBytes);
  EXPECT_NE(again, nullptr);
  heap.Reallocate(again, kBlockBytes, 0);
}

TEST(LuaHeap, TakesNoMoreOfItsRegionThanItNeedsAndGivesItBack) {
  size_t before = AllocatedBytes();
  {
    LuaHeap heap;
    void* block = heap.Reallocate(nullptr, 0, 100);
    EXPECT_LE(AllocatedBytes() - before, size_t{64} << 10);
    heap.Reallocate(block, 100, 0);
  }
  EXPECT_EQ(AllocatedBytes(), before);
}

}  // namespace
}  // namespace kiln

#include "engine/store/table/extent_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

struct Array {
  unsigned char* memory;
  size_t lines;
  unsigned char fill;
};

TEST(ExtentHeap, ArraysKeepTheirBytesThroughRandomTraffic) {
  PagePool pool(ExtentHeap::kPagesPerRun);
  ExtentHeap heap(pool);
  Random random(11);
  std::vector<Array> arrays;
  for (int i = 0; i < 20000; ++i) {
    if (arrays.empty() || random.Below(100) < (i < 10000 ? 60u : 45u)) {
      size_t lines = 1 + random.Below(random.Below(20) == 0 ? ExtentHeap::kMaxLines : 32);
      Array array{static_cast<unsigned char*>(heap.Allocate(lines)), lines,
                  static_cast<unsigned char>(i)};
      EXPECT_EQ(reinterpret_cast<uintptr_t>(array.memory) % 64, 0u);
      std::memset(array.memory, array.fill, lines * 64);
      arrays.push_back(array);
    } else {
      size_t index = random.Below(arrays.size());
      Array array = arrays[index];
      for (size_t k = 0; k < array.lines * 64; ++k) ASSERT_EQ(array.memory[k], array.fill);
      heap.Free(array.memory, array.lines);
      arrays[index] = arrays.back();
      arrays.pop_back();
    }
  }
}

TEST(ExtentHeap, GrowingArraysLeaveLittleUnused) {
  PagePool pool(ExtentHeap::kPagesPerRun);
  ExtentHeap heap(pool);
  std::vector<Array> arrays;
  Random random(5);
  for (int i = 0; i < 3000; ++i)
    arrays.push_back({static_cast<unsigned char*>(heap.Allocate(16)), 16, 0});
  for (int i = 0; i < 20000; ++i) {
    Array& array = arrays[random.Below(arrays.size())];
    if (array.lines >= 32) continue;
    void* grown = heap.Allocate(array.lines + 2);
    heap.Free(array.memory, array.lines);
    array = {static_cast<unsigned char*>(grown), array.lines + 2, 0};
  }
  EXPECT_LT(pool.used_bytes(), heap.used_bytes() * 110 / 100);
}

TEST(ExtentHeap, GivesEmptyRunsBack) {
  PagePool pool(ExtentHeap::kPagesPerRun);
  ExtentHeap heap(pool);
  std::vector<void*> arrays;
  for (int i = 0; i < 1000; ++i) arrays.push_back(heap.Allocate(20));
  for (void* array : arrays) heap.Free(array, 20);
  EXPECT_EQ(heap.used_bytes(), 0u);
  EXPECT_LE(pool.used_bytes(), pool.run_bytes());
}

}  // namespace
}  // namespace kiln

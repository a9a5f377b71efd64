#include "engine/store/table/slab_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/random.h"

namespace kiln {
namespace {

TEST(SlabHeap, ObjectsKeepTheirBytesThroughRandomTraffic) {
  PagePool pool(1);
  SlabHeap heap(pool, RecordSizeClasses());
  struct Object {
    unsigned char* memory;
    size_t bytes;
    unsigned char fill;
  };
  std::vector<Object> objects;
  Random random(3);
  for (int i = 0; i < 50000; ++i) {
    if (objects.empty() || random.Below(100) < (i < 25000 ? 60u : 30u)) {
      size_t bytes = 1 + random.Below(1024);
      Object object{static_cast<unsigned char*>(heap.Allocate(bytes)), bytes,
                    static_cast<unsigned char>(i)};
      EXPECT_GE(heap.UsableBytes(object.memory), bytes);
      std::memset(object.memory, object.fill, bytes);
      objects.push_back(object);
    } else {
      size_t index = random.Below(objects.size());
      Object object = objects[index];
      for (size_t k = 0; k < object.bytes; ++k) ASSERT_EQ(object.memory[k], object.fill);
      heap.Free(object.memory);
      objects[index] = objects.back();
      objects.pop_back();
    }
  }
}

TEST(SlabHeap, AnEmptiedHeapGivesItsRunsBack) {
  PagePool pool(1);
  SlabHeap heap(pool, RecordSizeClasses());
  std::vector<void*> objects;
  for (int i = 0; i < 10000; ++i) objects.push_back(heap.Allocate(56));
  EXPECT_LE(pool.used_bytes(), 10000 * 56 * 102 / 100 + kPageBytes);
  for (void* object : objects) heap.Free(object);
  EXPECT_EQ(heap.used_bytes(), 0u);
  EXPECT_LE(pool.used_bytes(), kPageBytes);
}

TEST(SlabHeap, ARunWhoseObjectsFitElsewhereCanBeEmptied) {
  PagePool pool(1);
  SlabHeap heap(pool, RecordSizeClasses());
  constexpr size_t kEach = kPageBytes / 64;
  std::vector<char*> objects;
  for (size_t i = 0; i < 2 * kEach; ++i) {
    objects.push_back(static_cast<char*>(heap.Allocate(64)));
    std::memset(objects.back(), static_cast<int>(i), 64);
  }
  for (size_t i = 0; i < kEach - 3; ++i) heap.Free(objects[i]);  // leaves three in the first run
  EXPECT_EQ(heap.RunToEmpty(objects[kEach - 1]), nullptr) << "the second run has no holes";
  for (size_t i = kEach; i < kEach + 4; ++i) heap.Free(objects[i]);
  auto* run = heap.RunToEmpty(objects[kEach - 1]);
  ASSERT_NE(run, nullptr);
  heap.Free(objects[kEach - 1]);
  size_t used = heap.used_bytes();
  int moved = 0;
  heap.EmptyRun(run, [&](void* from, void* to) {
    EXPECT_EQ(std::memcmp(from, to, 64), 0);
    EXPECT_EQ(*static_cast<char*>(to),
              static_cast<char>(from == objects[kEach - 3] ? kEach - 3 : kEach - 2));
    ++moved;
  });
  EXPECT_EQ(moved, 2);
  EXPECT_EQ(heap.used_bytes(), used);
  EXPECT_EQ(pool.used_bytes(), kPageBytes);
}

TEST(SlabHeap, AFewObjectsOfManySizesShareRuns) {
  PagePool pool(1);
  SlabHeap heap(pool, RecordSizeClasses());
  std::vector<void*> objects;
  for (size_t bytes = 200; bytes <= 256; bytes += 8) objects.push_back(heap.Allocate(bytes));
  EXPECT_LE(pool.used_bytes(), 8 * kPageBytes);
  EXPECT_GE(heap.UsableBytes(heap.Allocate(224)), 224u);
  for (void* object : objects) heap.Free(object);
}

TEST(SlabHeap, ThePoolKnowsWhatHolesTake) {
  PagePool pool(1);
  SlabHeap heap(pool, RecordSizeClasses());
  void* object = heap.Allocate(512);
  heap.Allocate(512);
  heap.Publish();
  EXPECT_EQ(pool.slack_bytes(), kPageBytes - 1024);
  heap.Free(object);
  heap.Publish();
  EXPECT_EQ(pool.slack_bytes(), kPageBytes - 512);
}

}  // namespace
}  // namespace kiln

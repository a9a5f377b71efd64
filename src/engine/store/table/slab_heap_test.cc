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

}  // namespace
}  // namespace kiln

#include "base/size_class.h"

#include <gtest/gtest.h>

#include "base/memory.h"

namespace kiln {
namespace {

TEST(SizeClass, IsNeverMoreThanTheAllocatorGives) {
  for (size_t bytes = 1; bytes < 70000; ++bytes) {
    ASSERT_LE(SizeClassBytes(bytes), GoodSizeBytes(bytes)) << bytes;
    ASSERT_GE(SizeClassBytes(bytes), bytes);
  }
}

TEST(SizeClass, IsWhatABlockHoldsAtEveryBorder) {
  for (size_t power = 8; power <= size_t{1} << 26; power *= 2) {
    for (size_t bytes : {power - 1, power, power + 1, power + power / 4, power + power / 4 + 1}) {
      void* memory = AllocateBytes(bytes);
      EXPECT_LE(SizeClassBytes(bytes), UsableBytes(memory)) << bytes;
#ifdef KILN_JEMALLOC
      EXPECT_EQ(SizeClassBytes(bytes), UsableBytes(memory)) << bytes;
#endif
      FreeBytes(memory);
    }
  }
}

}  // namespace
}  // namespace kiln

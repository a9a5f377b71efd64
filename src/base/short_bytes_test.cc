#include "base/short_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

TEST(ShortBytes, CopiesExactlyTheBytesOfAnyLength) {
  std::string source;
  for (size_t size = 0; size <= 130; ++size) {
    std::string target(size + 2, '.');
    CopyBytes(target.data() + 1, source);
    EXPECT_EQ(target, "." + source + ".") << size;
    source += static_cast<char>('a' + size % 26);
  }
}

TEST(ShortBytes, OneDifferentByteOfAnyLengthIsSeen) {
  for (size_t size = 1; size <= 70; ++size) {
    std::string text(size, 'a');
    EXPECT_TRUE(EqualBytes(std::string(size, 'a').data(), text)) << size;
    for (size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'b';
      EXPECT_FALSE(EqualBytes(other.data(), text)) << size << ' ' << at;
    }
  }
}

}  // namespace
}  // namespace kiln

#include "base/sha1.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

std::string Text(std::string_view bytes) {
  Sha1Text text = HexOf(Sha1(bytes));
  return {text.data(), text.size()};
}

TEST(Sha1, GivesThePublishedDigests) {
  EXPECT_EQ(Text(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Text("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

}  // namespace
}  // namespace kiln

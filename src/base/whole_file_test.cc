#include "base/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace kiln {
namespace {

class WholeFile : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
  void TearDown() override {
    unlink(Path().c_str());
    rmdir(folder_);
  }
  std::string Path() const { return std::string(folder_) + "/file"; }

  char folder_[32] = "/tmp/whole_file_XXXXXX";
};

TEST_F(WholeFile, WhatIsWrittenIsReadBack) {
  std::string text("a\0b\n", 4);
  ASSERT_TRUE(ReplaceFile(Path(), text));
  std::string read = "before ";
  ASSERT_TRUE(ReadWholeFile(Path(), &read));
  EXPECT_EQ(read, "before " + text);
}

TEST_F(WholeFile, ItsModeStaysWhenItIsReplaced) {
  ASSERT_TRUE(ReplaceFile(Path(), "one"));
  ASSERT_EQ(chmod(Path().c_str(), 0600), 0);
  ASSERT_TRUE(ReplaceFile(Path(), "two"));
  struct stat status;
  ASSERT_EQ(stat(Path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(WholeFile, OneThatIsMissingTellsSo) {
  std::string text;
  EXPECT_FALSE(ReadWholeFile(Path(), &text));
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(ReplaceFile(std::string(folder_) + "/none/file", ""));
}

}  // namespace
}  // namespace kiln

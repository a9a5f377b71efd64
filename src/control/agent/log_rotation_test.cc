#include "control/agent/log_rotation.h"

#include <gtest/gtest.h>

#include "control/agent/temporary_folder.h"

namespace kiln {
namespace {

constexpr LogLimits kLimits{.max_bytes = 4, .kept_files = 3};

TEST(LogRotation, LeavesSmallAndMissingFilesAlone) {
  TemporaryFolder folder;
  folder.Write("log", "1234");
  EXPECT_FALSE(RotateByRename(folder.Of("log"), kLimits));
  EXPECT_FALSE(RotateByCopy(folder.Of("log"), kLimits));
  EXPECT_FALSE(RotateByRename(folder.Of("none"), kLimits));
  EXPECT_EQ(folder.Read("log"), "1234");
}

TEST(LogRotation, KeepsTheLastThree) {
  TemporaryFolder folder;
  for (const char* text : {"first", "second", "third", "fourth"}) {
    folder.Write("log", text);
    EXPECT_TRUE(RotateByRename(folder.Of("log"), kLimits));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.Of("log")));
  EXPECT_EQ(folder.Read("log.1"), "fourth");
  EXPECT_EQ(folder.Read("log.2"), "third");
  EXPECT_EQ(folder.Read("log.3"), "second");
  EXPECT_FALSE(std::filesystem::exists(folder.Of("log.4")));
}

TEST(LogRotation, EmptiesAFileThatStaysOpen) {
  TemporaryFolder folder;
  std::ofstream writer(folder.Of("log"), std::ios::app);
  writer << "before" << std::flush;
  EXPECT_TRUE(RotateByCopy(folder.Of("log"), kLimits));
  writer << "after" << std::flush;
  EXPECT_EQ(folder.Read("log.1"), "before");
  EXPECT_EQ(folder.Read("log"), "after");
}

}  // namespace
}  // namespace kiln

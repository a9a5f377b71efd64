#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/time.h"

namespace kiln {
namespace {

class LogTest : public testing::Test {
 protected:
  void TearDown() override {
    LogInit(LogLevel::kNotice, "");
    std::remove(path_.c_str());
  }

  std::string Read() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string path_ = testing::TempDir() + "kiln_log_test." + std::to_string(getpid());
};

TEST_F(LogTest, LinesLookLikeThoseOfRedis) {
  ASSERT_TRUE(LogInit(LogLevel::kDebug, path_));
  Log(LogLevel::kWarning, "100% {} loaded");
  std::string line = Read();
  int pid, day, year, hour, minute, second, ms, end = 0;
  char month[4];
  ASSERT_EQ(std::sscanf(line.c_str(), "%d:M %2d %3s %4d %2d:%2d:%2d.%3d # 100%% {} loaded\n%n",
                        &pid, &day, month, &year, &hour, &minute, &second, &ms, &end),
            8)
      << line;
  EXPECT_EQ(pid, getpid());
  EXPECT_EQ(static_cast<size_t>(end), line.size());
}

TEST_F(LogTest, LevelsFilterAndHaveTheirOwnMarks) {
  ASSERT_TRUE(LogInit(LogLevel::kVerbose, path_));
  SetLogRole('S');
  Log(LogLevel::kDebug, "unseen");
  Log(LogLevel::kVerbose, "one");
  Log(LogLevel::kNotice, "two");
  SetLogRole('M');
  EXPECT_FALSE(IsLogged(LogLevel::kDebug));
  std::string text = Read();
  EXPECT_EQ(text.find("unseen"), std::string::npos);
  EXPECT_NE(text.find(" - one\n"), std::string::npos);
  EXPECT_NE(text.find(" * two\n"), std::string::npos);
  EXPECT_NE(text.find(":S "), std::string::npos);
  SetLogLevel(LogLevel::kNothing);
  Log(LogLevel::kWarning, "three");
  EXPECT_EQ(Read(), text);
}

TEST_F(LogTest, ARotatedFileIsReplacedByANewOne) {
  ASSERT_TRUE(LogInit(LogLevel::kNotice, path_));
  Log(LogLevel::kNotice, "before");
  std::filesystem::rename(path_, path_ + ".1");
  Log(LogLevel::kNotice, "after");
  EXPECT_EQ(Read().find("before"), std::string::npos);
  EXPECT_NE(Read().find("after"), std::string::npos);
  std::filesystem::remove(path_ + ".1");
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsRefused) {
  EXPECT_FALSE(LogInit(LogLevel::kNotice, "/nowhere/kiln.log"));
}

TEST(Time, ClocksAgreeAndMonotonicNeverGoesBack) {
  int64_t us = NowUs();
  EXPECT_GE(NowMs(), us / 1000);
  EXPECT_GT(NowMs(), 1'600'000'000'000);
  uint64_t first = MonotonicUs();
  EXPECT_GE(MonotonicUs(), first);
}

}  // namespace
}  // namespace kiln

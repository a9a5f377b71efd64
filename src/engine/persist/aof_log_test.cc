#include "engine/persist/aof_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/whole_file.h"
#include "engine/journal/unit.h"
#include "engine/persist/cipher_fixture.h"

namespace kiln {
namespace {

class AofLogTest : public ::testing::Test {
 protected:
  AofLogTest() {
    std::string name = "/tmp/kiln-aof-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~AofLogTest() override { std::filesystem::remove_all(folder_); }

  int Open(const std::string& name) {
    return open((folder_ + "/" + name).c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  }
  std::string Contents(const std::string& name) {
    std::string text;
    ReadWholeFile(folder_ + "/" + name, &text);
    return text;
  }
  static std::string Set(std::string_view key) {
    std::string bytes;
    std::string_view words[] = {"SET", key, "v"};
    AppendCommand(&bytes, words);
    return bytes;
  }

  std::string folder_;
  Journal journal_;
  JournalUnit unit_{journal_};
};

const std::string kSelect = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";

TEST_F(AofLogTest, WritesTheJournalFromWhereItBegins) {
  unit_.Replay(0, {"SET", "before", "v"});
  journal_.ForgetDatabase();
  AofLog log(journal_, Open("a"), 0, SyncPolicy::kNever);
  EXPECT_FALSE(log.HasUnwritten());
  unit_.Replay(0, {"SET", "a", "v"});
  EXPECT_TRUE(log.HasUnwritten());
  EXPECT_TRUE(log.WriteOut());
  EXPECT_EQ(Contents("a"), kSelect + Set("a"));
  EXPECT_EQ(log.size(), Contents("a").size());
}

TEST_F(AofLogTest, SwitchesBetweenTwoEntries) {
  AofLog log(journal_, Open("a"), 0, SyncPolicy::kEverySecond);
  unit_.Replay(0, {"SET", "a", "v"});
  EXPECT_TRUE(log.SwitchTo(Open("b")));
  journal_.ForgetDatabase();
  unit_.Replay(0, {"SET", "b", "v"});
  EXPECT_TRUE(log.WriteOut());
  EXPECT_EQ(Contents("a"), kSelect + Set("a"));
  EXPECT_EQ(Contents("b"), kSelect + Set("b"));
}

TEST_F(AofLogTest, AFullDiskLosesNothingAndIsOverWhenThereIsRoom) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  AofLog log(journal_, Open("a"), 0, SyncPolicy::kAlways);
  unit_.Replay(0, {"SET", "a", "v"});
  EXPECT_TRUE(log.WriteOut());
  std::string first = Contents("a");
  rlimit small{first.size() + 10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  unit_.Replay(0, {"SET", "b", "v"});
  EXPECT_FALSE(log.WriteOut());
  EXPECT_FALSE(log.is_fine());
  EXPECT_NE(log.error(), "");
  EXPECT_EQ(Contents("a"), first);  // and no half of a command
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(log.WriteOut());
  EXPECT_TRUE(log.is_fine());
  EXPECT_EQ(Contents("a"), first + Set("b"));
}

TEST_F(AofLogTest, AnEncryptedFileIsWholeAlsoAfterAFullDisk) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  AtRestKeys keys = KeysOf('k');
  std::string error;
  int fd = Open("a");
  auto cipher = CipherLog::Start(fd, *keys.current, &error);
  ASSERT_NE(cipher, nullptr) << error;
  AofLog log(journal_, fd, kCipherHeaderBytes, SyncPolicy::kAlways, std::move(cipher));
  unit_.Replay(0, {"SET", "a", "v"});
  EXPECT_TRUE(log.WriteOut());
  rlimit small{log.size() + 10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  unit_.Replay(0, {"SET", "b", "v"});
  EXPECT_FALSE(log.WriteOut());
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(Unseal(Contents("a"), &keys).text, kSelect + Set("a"));
  EXPECT_TRUE(log.WriteOut());
  Unsealed read = Unseal(Contents("a"), &keys);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.text, kSelect + Set("a") + Set("b"));
  EXPECT_EQ(log.size(), read.whole_bytes);
}

TEST_F(AofLogTest, WhatFollowsOnAHoleIsWrittenButNotFineBeforeThereIsANewBase) {
  int dead_end[2];
  ASSERT_EQ(pipe(dead_end), 0);  // takes bytes, and cannot be synced
  AofLog log(journal_, dead_end[1], 0, SyncPolicy::kAlways);
  unit_.Replay(0, {"SET", "a", "v"});
  EXPECT_FALSE(log.WriteOut());
  EXPECT_TRUE(log.has_hole());
  EXPECT_FALSE(log.SyncAll());
  unit_.Replay(0, {"SET", "b", "v"});
  EXPECT_TRUE(log.SwitchTo(Open("b")));
  journal_.ForgetDatabase();
  unit_.Replay(0, {"SET", "c", "v"});
  EXPECT_FALSE(log.WriteOut());
  EXPECT_EQ(Contents("b"), kSelect + Set("c"));
  EXPECT_NE(log.error(), "");
  log.ForgetHole();
  EXPECT_TRUE(log.WriteOut());
  EXPECT_TRUE(log.is_fine());
  EXPECT_EQ(log.error(), "");
  close(dead_end[0]);
}

TEST_F(AofLogTest, ThreadsShareTheirWrites) {
  AofLog log(journal_, Open("a"), 0, SyncPolicy::kAlways);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      JournalUnit unit(journal_);
      for (int i = 0; i < 50; ++i) {
        unit.Replay(0, {"SET", "k", "v"});
        ASSERT_TRUE(log.WriteOut());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Contents("a").size(), kSelect.size() + 150 * Set("k").size());
  EXPECT_EQ(log.pending_bytes(), 0u);
}

}  // namespace
}  // namespace kiln

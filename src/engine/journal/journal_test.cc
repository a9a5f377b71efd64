#include "engine/journal/journal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/journal/unit.h"

namespace kiln {
namespace {

std::string Command(std::initializer_list<std::string_view> words) {
  std::string bytes;
  AppendCommand(&bytes, {words.begin(), words.size()});
  return bytes;
}

std::string ReadAll(Journal::Reader& reader) {
  std::string all;
  for (std::string_view bytes = reader.Peek(); !bytes.empty(); bytes = reader.Peek()) {
    all += bytes;
    reader.Skip(bytes.size());
  }
  return all;
}

TEST(Journal, CommandsAreArraysOfBulkStrings) {
  EXPECT_EQ(Command({"SET", "", "a\r\n"}), "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na\r\n\r\n");
}

TEST(Journal, SelectsTheDatabaseFirstAndWhereItChanges) {
  Journal journal;
  Journal::Reader reader(journal);
  JournalUnit unit(journal);
  unit.Replay(0, {"SET", "a", "1"});
  unit.Replay(0, {"SET", "b", "1"});
  unit.Replay(9, {"DEL", "a"});
  journal.ForgetDatabase();
  unit.Replay(9, {"DEL", "b"});
  EXPECT_EQ(ReadAll(reader), Command({"SELECT", "0"}) + Command({"SET", "a", "1"}) +
                                 Command({"SET", "b", "1"}) + Command({"SELECT", "9"}) +
                                 Command({"DEL", "a"}) + Command({"SELECT", "9"}) +
                                 Command({"DEL", "b"}));
  EXPECT_EQ(reader.lag(), 0u);
}

TEST(Journal, AUnitOfSeveralIsATransactionAndOneOfOneIsNot) {
  Journal journal;
  JournalUnit unit(journal);
  unit.Replay(0, {"PING"});
  Journal::Reader reader(journal);
  unit.Begin();
  unit.Replay(0, {"SET", "a", "1"});
  unit.Begin();
  unit.Replay(1, {"SET", "b", "2"});
  unit.End();
  EXPECT_EQ(reader.lag(), 0u);
  unit.End();
  EXPECT_EQ(ReadAll(reader), Command({"MULTI"}) + Command({"SET", "a", "1"}) +
                                 Command({"SELECT", "1"}) + Command({"SET", "b", "2"}) +
                                 Command({"EXEC"}));
  unit.Begin();
  unit.End();
  unit.Begin();
  unit.Replay(1, {"DEL", "b"});
  unit.End();
  EXPECT_EQ(ReadAll(reader), Command({"DEL", "b"}));
}

TEST(Journal, KeepsWhatReadersAndTheBacklogNeedAndNoMore) {
  Journal journal(1000);
  JournalUnit unit(journal);
  std::string value(100'000, 'v');
  for (int i = 0; i < 100; ++i) unit.Replay(0, {"SET", "k", value});
  EXPECT_LE(journal.memory_bytes(), size_t{1} << 20);
  Journal::Reader lost(journal, 1000);
  EXPECT_TRUE(lost.is_lost());
  Journal::Reader reader(journal);
  uint64_t place = reader.offset();
  for (int i = 0; i < 100; ++i) unit.Replay(0, {"SET", "k", value});
  EXPECT_GE(journal.memory_bytes(), 10'000'000u);
  EXPECT_EQ(ReadAll(reader).size(), journal.end() - place);
  journal.SetBacklog(3'000'000);
  for (int i = 0; i < 100; ++i) unit.Replay(0, {"SET", "k", value});
  ReadAll(reader);
  EXPECT_LE(journal.memory_bytes(), 4'000'000u);
  Journal::Reader back(journal, journal.end() - 3'000'000);
  EXPECT_FALSE(back.is_lost());
  EXPECT_EQ(ReadAll(back).size(), 3'000'000u);
  EXPECT_TRUE(Journal::Reader(journal, journal.end() + 1).is_lost());
}

TEST(Journal, ReadersFollowWhileThreadsAppend) {
  Journal journal;
  Journal::Reader reader(journal);
  constexpr int kThreads = 3;
  constexpr int kEntries = 3000;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      JournalUnit unit(journal);
      std::string value(static_cast<size_t>(thread) * 100 + 50, 'x');
      for (int i = 0; i < kEntries; ++i) {
        unit.Begin();
        unit.Replay(thread, {"SET", "key", std::to_string(i)});
        if (i % 3 == 0) unit.Replay(thread, {"SET", "other", value});
        unit.End();
      }
      --running;
    });
  }
  std::string all;
  while (running > 0) all += ReadAll(reader);
  for (std::thread& thread : threads) thread.join();
  all += ReadAll(reader);
  EXPECT_EQ(all.size(), journal.end());
  auto count = [&](const std::string& command) {
    int found = 0;
    for (size_t at = all.find(command); at != std::string::npos; at = all.find(command, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count(Command({"SET", "key", "77"})), kThreads);
  EXPECT_EQ(count(Command({"MULTI"})), kThreads * kEntries / 3);
}

}  // namespace
}  // namespace kiln

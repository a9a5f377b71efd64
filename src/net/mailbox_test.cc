#include "net/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace kiln {
namespace {

bool IsWoken(const Mailbox& mailbox) {
  pollfd entry{.fd = mailbox.wake_fd(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(Mailbox, DeliversInPostingOrder) {
  Mailbox mailbox;
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i) mailbox.Post([&seen, i] { seen.push_back(i); });
  EXPECT_EQ(mailbox.DeliverAll(), 5u);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(mailbox.DeliverAll(), 0u);
}

TEST(Mailbox, TakesMoveOnlyCallables) {
  Mailbox mailbox;
  int seen = 0;
  mailbox.Post([&seen, value = std::make_unique<int>(7)] { seen = *value; });
  mailbox.DeliverAll();
  EXPECT_EQ(seen, 7);
}

TEST(Mailbox, WhatAMessagePostsComesNextTime) {
  Mailbox mailbox;
  int delivered = 0;
  mailbox.Post([&] { mailbox.Post([&] { ++delivered; }); });
  EXPECT_EQ(mailbox.DeliverAll(), 1u);
  EXPECT_EQ(delivered, 0);
  EXPECT_FALSE(mailbox.PrepareToSleep());
  EXPECT_EQ(mailbox.DeliverAll(), 1u);
  EXPECT_EQ(delivered, 1);
}

TEST(Mailbox, UndeliveredMessagesAreDestroyed) {
  auto token = std::make_shared<int>(1);
  int delivered = 0;
  {
    Mailbox mailbox;
    mailbox.Post([token, &delivered] { ++delivered; });
    mailbox.Post([token, &delivered] { ++delivered; });
    EXPECT_EQ(token.use_count(), 3);
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(delivered, 0);
}

TEST(Mailbox, AwakeOwnerIsNotWoken) {
  Mailbox mailbox;
  mailbox.Post([] {});
  EXPECT_FALSE(IsWoken(mailbox));
}

TEST(Mailbox, SleepingOwnerIsWokenByTheFirstMessageOnly) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.PrepareToSleep());
  EXPECT_TRUE(mailbox.PrepareToSleep());
  EXPECT_FALSE(IsWoken(mailbox));
  mailbox.Post([] {});
  EXPECT_TRUE(IsWoken(mailbox));
  mailbox.Post([] {});
  EXPECT_EQ(mailbox.DeliverAll(), 2u);
  EXPECT_TRUE(mailbox.PrepareToSleep());
  EXPECT_EQ(mailbox.DeliverAll(), 0u);  // Woken by something else: awake again.
}

TEST(Mailbox, DyingAsleepIsFine) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.PrepareToSleep());
}

// The owner really sleeps (in poll, without a time-out): a lost wake-up would hang here.
TEST(Mailbox, ManySendersLoseNothingAndKeepTheirOrder) {
  constexpr int kSenders = 4;
  constexpr int kMessages = 2000;
  Mailbox mailbox;
  std::vector<std::vector<int>> seen(kSenders);
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kMessages; ++i) {
        mailbox.Post([&seen, sender, i] { seen[sender].push_back(i); });
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (size_t delivered = 0; delivered < size_t{kSenders} * kMessages;) {
    if (mailbox.PrepareToSleep()) {
      pollfd entry{.fd = mailbox.wake_fd(), .events = POLLIN, .revents = 0};
      ::poll(&entry, 1, -1);
      uint64_t wake_ups = 0;  // poll is level-triggered, so this test must reset the descriptor.
      [[maybe_unused]] ssize_t got = ::read(mailbox.wake_fd(), &wake_ups, sizeof wake_ups);
    }
    delivered += mailbox.DeliverAll();
  }
  for (std::thread& sender : senders) sender.join();
  for (const std::vector<int>& numbers : seen) {
    ASSERT_EQ(numbers.size(), size_t{kMessages});
    for (int i = 0; i < kMessages; ++i) ASSERT_EQ(numbers[i], i);
  }
}

}  // namespace
}  // namespace kiln

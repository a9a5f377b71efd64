#include "engine/store/types/stream_group.h"

#include <gtest/gtest.h>

#include <vector>

namespace kiln {
namespace {

constexpr StreamId kOne{1, 0};
constexpr StreamId kTwo{2, 0};
constexpr StreamId kThree{3, 0};

std::vector<uint64_t> PendingOf(const StreamConsumer& consumer) {
  std::vector<uint64_t> ids;
  for (const auto& [id, entry] : consumer.pending) {
    EXPECT_EQ(entry->consumer, &consumer);
    ids.push_back(id.ms);
  }
  return ids;
}

class StreamGroupTest : public testing::Test {
 protected:
  StreamGroup group_{kMinStreamId, 0};
  StreamConsumer* alice_ = group_.CreateConsumer("alice", 10);
  StreamConsumer* bob_ = group_.CreateConsumer("bob", 10);
};

TEST_F(StreamGroupTest, ConsumersAreFoundByName) {
  EXPECT_EQ(group_.FindConsumer("alice"), alice_);
  EXPECT_EQ(group_.FindConsumer("carol"), nullptr);
  EXPECT_EQ(alice_->name, "alice");
  EXPECT_EQ(alice_->seen_ms, 10);
  EXPECT_EQ(alice_->active_ms, StreamConsumer::kNever);
}

TEST_F(StreamGroupTest, ADeliveredEntryIsPendingUntilItIsAcknowledged) {
  group_.Deliver(kOne, alice_, 20);
  PendingEntry* entry = group_.FindPending(kOne);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->consumer, alice_);
  EXPECT_EQ(entry->delivered_ms, 20);
  EXPECT_EQ(entry->deliveries, 1);
  EXPECT_EQ(PendingOf(*alice_), std::vector<uint64_t>{1});
  EXPECT_TRUE(group_.Acknowledge(kOne));
  EXPECT_FALSE(group_.Acknowledge(kOne));
  EXPECT_TRUE(group_.pending().empty());
  EXPECT_TRUE(alice_->pending.empty());
}

TEST_F(StreamGroupTest, AnEntryDeliveredAgainChangesHands) {
  group_.Deliver(kTwo, alice_, 20);
  group_.FindPending(kTwo)->deliveries = 5;
  group_.Deliver(kTwo, bob_, 30);
  EXPECT_TRUE(alice_->pending.empty());
  EXPECT_EQ(PendingOf(*bob_), std::vector<uint64_t>{2});
  EXPECT_EQ(group_.FindPending(kTwo)->delivered_ms, 30);
  EXPECT_EQ(group_.FindPending(kTwo)->deliveries, 1);
  EXPECT_EQ(group_.pending().size(), 1u);
}

TEST_F(StreamGroupTest, AssigningKeepsTimeAndCount) {
  group_.Deliver(kThree, alice_, 20);
  group_.Deliver(kOne, alice_, 21);
  group_.Assign(kThree, group_.FindPending(kThree), bob_);
  group_.Assign(kThree, group_.FindPending(kThree), bob_);
  EXPECT_EQ(PendingOf(*alice_), std::vector<uint64_t>{1});
  EXPECT_EQ(PendingOf(*bob_), std::vector<uint64_t>{3});
  EXPECT_EQ(group_.FindPending(kThree)->delivered_ms, 20);
  group_.Assign(kTwo, group_.Force(kTwo, 40), bob_);
  EXPECT_EQ(PendingOf(*bob_), (std::vector<uint64_t>{2, 3}));
}

TEST_F(StreamGroupTest, ADeletedConsumerTakesItsPendingEntriesAlong) {
  group_.Deliver(kOne, alice_, 20);
  group_.Deliver(kTwo, bob_, 20);
  group_.Deliver(kThree, alice_, 20);
  group_.DeleteConsumer(alice_);
  EXPECT_EQ(group_.FindConsumer("alice"), nullptr);
  EXPECT_EQ(group_.pending().size(), 1u);
  EXPECT_EQ(group_.FindPending(kTwo)->consumer, bob_);
}

TEST_F(StreamGroupTest, ACopyPointsAtConsumersOfItsOwn) {
  group_.Deliver(kOne, alice_, 20);
  group_.Deliver(kTwo, bob_, 30);
  group_.FindPending(kTwo)->deliveries = 7;
  group_.last_id = kThree;
  bob_->active_ms = 33;
  StreamGroup copy = group_.Clone();
  group_.DeleteConsumer(bob_);
  group_.DeleteConsumer(alice_);
  EXPECT_EQ(copy.last_id, kThree);
  EXPECT_EQ(copy.FindConsumer("bob")->active_ms, 33);
  EXPECT_EQ(PendingOf(*copy.FindConsumer("alice")), std::vector<uint64_t>{1});
  EXPECT_EQ(PendingOf(*copy.FindConsumer("bob")), std::vector<uint64_t>{2});
  EXPECT_EQ(copy.FindPending(kTwo)->deliveries, 7);
  EXPECT_EQ(copy.FindPending(kTwo)->delivered_ms, 30);
}

TEST_F(StreamGroupTest, IsFreedInSlices) {
  for (uint64_t ms = 1; ms <= 10; ++ms) group_.Deliver({ms, 0}, ms % 2 ? alice_ : bob_, 1);
  size_t budget = 4;
  EXPECT_FALSE(group_.FreeSome(&budget));
  EXPECT_EQ(budget, 0u);
  EXPECT_EQ(group_.pending().size(), 6u);
  budget = 100;
  EXPECT_TRUE(group_.FreeSome(&budget));
  EXPECT_EQ(budget, 92u);
}

}  // namespace
}  // namespace kiln

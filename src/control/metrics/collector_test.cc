#include "control/metrics/collector.h"

#include <gtest/gtest.h>

#include <atomic>

namespace kiln {
namespace {

NodeIdentity Node(const std::string& key) {
  return {.key = key, .cluster_id = key, .node_id = "0001", .engine = "redis"};
}

TEST(SampleBook, KeepsTheLastTwoSamples) {
  SampleBook book;
  book.SetNodes({Node("a")});
  EXPECT_FALSE(book.All()[0].is_up);
  for (int i = 1; i <= 3; ++i) book.Add("a", i, NodeStatistics{{"x", std::to_string(i)}});
  book.Add("stranger", 3, NodeStatistics{});
  ASSERT_EQ(book.All().size(), 1u);
  EXPECT_TRUE(book.All()[0].is_up);
  EXPECT_EQ(book.All()[0].previous->time_ms, 2);
  EXPECT_EQ(book.All()[0].latest->statistics.at("x"), "3");
}

TEST(SampleBook, KeepsSamplesOfANodeThatDoesNotAnswer) {
  SampleBook book;
  book.SetNodes({Node("a")});
  book.Add("a", 1, NodeStatistics{});
  book.Add("a", 2, std::nullopt);
  EXPECT_FALSE(book.All()[0].is_up);
  EXPECT_EQ(book.All()[0].latest->time_ms, 1);
}

TEST(SampleBook, ForgetsNodesThatAreGone) {
  SampleBook book;
  book.SetNodes({Node("a"), Node("b")});
  book.Add("b", 1, NodeStatistics{});
  book.SetNodes({Node("b"), Node("c")});
  ASSERT_EQ(book.All().size(), 2u);
  EXPECT_TRUE(book.All()[0].is_up);
  EXPECT_FALSE(book.All()[1].is_up);
}

TEST(Collector, AsksEveryNodeInEveryRound) {
  std::atomic<int> asked{0};
  Collector collector({.nodes =
                           [] {
                             return std::vector{Node("a"), Node("b")};
                           },
                       .statistics =
                           [&](const std::string&) {
                             ++asked;
                             asked.notify_all();
                             return std::optional<NodeStatistics>(NodeStatistics{});
                           }},
                      2);
  for (int seen = 0; seen < 6; seen = asked) asked.wait(seen);
  EXPECT_EQ(collector.Samples().size(), 2u);
  EXPECT_TRUE(collector.Samples()[0].previous.has_value());
}

}  // namespace
}  // namespace kiln

#include "control/orchestrator/lease_book.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

constexpr int64_t kNowMs = 1'000'000;

TEST(LeaseBook, WhatWasThereBeforeMayHaveAnyLease) {
  LeaseBook book;
  book.Adopt("web-001.0001", kNowMs);
  book.Grant("web-001.0001", kNowMs, kShortestLeaseMs);
  EXPECT_GE(book.UntilMs("web-001.0001"), kNowMs + kLongestLeaseMs);
  EXPECT_LT(book.UntilMs("web-002.0001"), kNowMs) << "it was granted none";
}

TEST(LeaseBook, ALaterWordIsNotUndoneByAnEarlierOne) {
  LeaseBook book;
  book.Grant("web-001.0001", kNowMs, 3000);
  book.Grant("web-001.0001", kNowMs - 500, 3000);
  EXPECT_GE(book.UntilMs("web-001.0001"), kNowMs + 3000);
  EXPECT_LT(book.UntilMs("web-001.0001"), kNowMs + 4000);
}

}  // namespace
}  // namespace kiln

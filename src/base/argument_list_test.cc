#include "base/argument_list.h"

#include <gtest/gtest.h>

#include <string>

namespace kiln {
namespace {

TEST(ArgumentList, WhatDataPointedAtStaysUntilClear) {
  ArgumentList list;
  for (int round = 0; round < 3; ++round) {
    list.Append("first");
    const std::string_view* first = list.data();
    for (int i = 0; i < 100000; ++i) list.Append("more");
    EXPECT_EQ(*first, "first");
    EXPECT_EQ(list[0], "first");
    EXPECT_EQ(list.size(), 100001u);
    list.Clear();
    EXPECT_EQ(list.size(), 0u);
  }
}

}  // namespace
}  // namespace kiln

#include "params/endpoint.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(Endpoint, IsAnAddressAndAPort) {
  auto endpoint = ParseEndpoint("127.0.0.1:6379");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->address, "127.0.0.1");
  EXPECT_EQ(endpoint->port, 6379);
  EXPECT_EQ(ParseEndpoint("*:1")->address, "*");
  EXPECT_EQ(ParseEndpoint("a.example:65535")->port, 65535);
}

TEST(Endpoint, TakesIPv6InBracketsOnly) {
  EXPECT_EQ(ParseEndpoint("[::1]:6379")->address, "::1");
  EXPECT_EQ(ParseEndpoint("[::1]:6379")->port, 6379);
  EXPECT_FALSE(ParseEndpoint("::1:6379"));
  EXPECT_FALSE(ParseEndpoint("[::1:6379"));
  EXPECT_FALSE(ParseEndpoint("[]:6379"));
}

TEST(Endpoint, IsNothingWithoutAnAddressOrASoundPort) {
  for (const char* word : {"", ":", ":6379", "6379", "a", "a:", "a:0", "a:65536", "a:-1", "a:b"}) {
    EXPECT_FALSE(ParseEndpoint(word)) << word;
  }
}

}  // namespace
}  // namespace kiln

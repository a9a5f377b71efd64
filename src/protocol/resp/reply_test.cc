#include "protocol/resp/reply.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace kiln {
namespace {

template <class F>
std::string Written(int version, F&& write) {
  ByteBuffer out;
  Reply reply(out, version);
  write(reply);
  return std::string(out.view());
}

TEST(Reply, WritesSimpleTypesAlikeInBothVersions) {
  for (int version : {2, 3}) {
    EXPECT_EQ(Written(version, [](Reply& r) { r.Ok(); }), "+OK\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Simple("PONG"); }), "+PONG\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Integer(-42); }), ":-42\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Bulk("a\r\nb"); }), "$4\r\na\r\nb\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Bulk(""); }), "$0\r\n\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.BulkInteger(1000); }), "$4\r\n1000\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Array(2); }), "*2\r\n");
    EXPECT_EQ(Written(version, [](Reply& r) { r.Raw("END\r\n"); }), "END\r\n");
  }
}

TEST(Reply, WritesBulksOfAnyLength) {
  for (size_t length : {1, 9, 10, 31, 32, 33, 64, 65, 99, 100, 1000, 70000}) {
    std::string value(length, 'v');
    EXPECT_EQ(Written(2, [&](Reply& r) { r.Bulk(value); }),
              "$" + std::to_string(length) + "\r\n" + value + "\r\n");
  }
}

TEST(Reply, WritesIntegersToTheLimits) {
  EXPECT_EQ(Written(2, [](Reply& r) { r.Integer(std::numeric_limits<int64_t>::min()); }),
            ":-9223372036854775808\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.Integer(std::numeric_limits<int64_t>::max()); }),
            ":9223372036854775807\r\n");
}

TEST(Reply, GivesNullTheFormOfTheVersion) {
  EXPECT_EQ(Written(2, [](Reply& r) { r.Null(); }), "$-1\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.NullArray(); }), "*-1\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Null(); }), "_\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.NullArray(); }), "_\r\n");
}

TEST(Reply, GivesMapsSetsAndPushesTheFormOfTheVersion) {
  EXPECT_EQ(Written(2, [](Reply& r) { r.Map(2); }), "*4\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Map(2); }), "%2\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.Set(2); }), "*2\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Set(2); }), "~2\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.Push(3); }), "*3\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Push(3); }), ">3\r\n");
}

TEST(Reply, GivesOtherTypesOfTheThirdVersionAFormInTheSecond) {
  EXPECT_EQ(Written(2, [](Reply& r) { r.Double(1.5); }), "$3\r\n1.5\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Double(1.5); }), ",1.5\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Double(-std::numeric_limits<double>::infinity()); }),
            ",-inf\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.NumberText("1.50"); }), "$4\r\n1.50\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.NumberText("1.50"); }), ",1.50\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.Boolean(true); }), ":1\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Boolean(false); }), "#f\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.BigNumber("123"); }), "$3\r\n123\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.BigNumber("123"); }), "(123\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.Verbatim("txt", "hi"); }), "$2\r\nhi\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.Verbatim("txt", "hi"); }), "=6\r\ntxt:hi\r\n");
}

TEST(Reply, PutsALengthInWhenItIsKnown) {
  auto write = [](Reply& r) {
    r.Integer(7);
    size_t at = r.Later();
    for (int i = 0; i < 11; ++i) r.Bulk("x");
    r.EndArray(at, 11);
    r.Ok();
  };
  std::string elements;
  for (int i = 0; i < 11; ++i) elements += "$1\r\nx\r\n";
  EXPECT_EQ(Written(2, write), ":7\r\n*11\r\n" + elements + "+OK\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.EndMap(r.Later(), 0); }), "%0\r\n");
  EXPECT_EQ(Written(2, [](Reply& r) { r.EndMap(r.Later(), 3); }), "*6\r\n");
  EXPECT_EQ(Written(3, [](Reply& r) { r.EndSet(r.Later(), 0); }), "~0\r\n");
}

TEST(Reply, LetsNoErrorTextForgeAReply) {
  EXPECT_EQ(Written(2, [](Reply& r) { r.Error("ERR a\r\n+OK"); }), "-ERR a  +OK\r\n");
}

TEST(Reply, RemembersTheCodeOfTheLastError) {
  ByteBuffer out;
  Reply reply(out);
  EXPECT_FALSE(reply.HasError());
  reply.Error("WRONGTYPE Operation against a key");
  EXPECT_TRUE(reply.HasError());
  EXPECT_EQ(reply.error_code(), "WRONGTYPE");
  reply.ClearError();
  EXPECT_FALSE(reply.HasError());
}

}  // namespace
}  // namespace kiln

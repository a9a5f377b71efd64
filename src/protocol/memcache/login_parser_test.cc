#include "protocol/memcache/login_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/feed_in_pieces.h"

namespace kiln::memcache {
namespace {

using Words = std::vector<std::string>;
using Status = LoginParser::Status;

std::vector<Words> Feed(std::string_view bytes, size_t piece) {
  std::vector<Words> said;
  LoginParser parser;
  FeedInPieces(parser, bytes, piece, BinaryLimits(),
               [&](Status status, const ArgumentList& arguments) {
                 Words words(arguments.data(), arguments.data() + arguments.size());
                 if (status != Status::kComplete) words = {"!" + std::string(parser.error())};
                 if (!words.empty()) said.push_back(words);
               });
  return said;
}

std::vector<Words> Said(const std::string& bytes) {
  std::vector<Words> whole = Feed(bytes, bytes.size());
  EXPECT_EQ(whole, Feed(bytes, 1));
  return whole;
}

const char kUnauthenticated[] = "!CLIENT_ERROR unauthenticated\r\n";
const char kBadToken[] = "!CLIENT_ERROR bad authentication token format\r\n";

TEST(MemcacheLoginParser, TakesUserAndPasswordFromASet) {
  EXPECT_EQ(Said("set any 0 0 8\r\nuser pass\r\n").back(), Words({kUnauthenticated}));
  EXPECT_EQ(Said("set any 0 0 9\r\nuser pass\r\n"),
            std::vector<Words>({{"text login", "user", "pass"}}));
  EXPECT_EQ(Said("set any 0 0 16\n  user  pass etc\r\n"),
            std::vector<Words>({{"text login", "user", "pass"}}));
}

TEST(MemcacheLoginParser, RefusesEveryOtherLine) {
  EXPECT_EQ(Said("get a\r\nset a 0 0\r\nset a 0 0 x\r\n\r\n"),
            std::vector<Words>(4, {kUnauthenticated}));
  EXPECT_EQ(Said("set a 0 0 4\r\nuser\r\n"), std::vector<Words>({{kBadToken}}));
}

TEST(MemcacheLoginParser, WantsTheValueToEndWhereItSays) {
  EXPECT_EQ(Said("set a 0 0 3\r\nu pp\r"),
            std::vector<Words>({{"!CLIENT_ERROR bad command line termination\r\n"}}));
}

TEST(MemcacheLoginParser, SkipsAValueThatIsTooLong) {
  std::string value(3000, 'x');
  EXPECT_EQ(Said("set a 0 0 3000\r\n" + value + "\r\nget b\r\n"),
            std::vector<Words>({{kBadToken}, {kUnauthenticated}}));
  EXPECT_EQ(Said("set a 0 0 4294967295\r\n" + value), std::vector<Words>({{kBadToken}}));
}

TEST(MemcacheLoginParser, BreaksAtALineThatIsTooLong) {
  EXPECT_EQ(Said(std::string(3000, 'x')), std::vector<Words>({{"!"}}));
}

}  // namespace
}  // namespace kiln::memcache

#include "protocol/memcache/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/feed_in_pieces.h"

namespace kiln::memcache {
namespace {

using Words = std::vector<std::string>;
using Status = RequestParser::Status;

// What came of some bytes: requests as their words, errors as one word behind "!".
struct Outcome {
  std::vector<Words> requests;
  bool is_broken = false;
};

Outcome Feed(std::string_view bytes, size_t piece, const RequestLimits& limits = {}) {
  Outcome outcome;
  RequestParser parser;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    if (status == Status::kBroken) {
      outcome.is_broken = true;
      return;
    }
    Words words(arguments.data(), arguments.data() + arguments.size());
    if (status == Status::kRefused) words = {"!" + std::string(parser.error())};
    if (!words.empty()) outcome.requests.push_back(words);
  });
  return outcome;
}

std::vector<Words> Requests(std::string_view bytes) {
  return Feed(bytes, bytes.size()).requests;
}

const char kBadFormat[] = "!CLIENT_ERROR bad command line format\r\n";

TEST(MemcacheRequestParser, SplitsALineAtSpaces) {
  EXPECT_EQ(Requests("get a\r\n"), std::vector<Words>({{"get", "a"}}));
  EXPECT_EQ(Requests("  get   a  b \r\n"), std::vector<Words>({{"get", "a", "b"}}));
  EXPECT_EQ(Requests("get a\n"), std::vector<Words>({{"get", "a"}}));
  EXPECT_EQ(Requests("get a\tb\x01\r\n"), std::vector<Words>({{"get", "a\tb\x01"}}));
}

TEST(MemcacheRequestParser, KeepsACarriageReturnThatIsNotAtTheEnd) {
  EXPECT_EQ(Requests("get a\rb\r\n"), std::vector<Words>({{"get", "a\rb"}}));
  EXPECT_EQ(Requests("get a\r\r\n"), std::vector<Words>({{"get", "a\r"}}));
}

TEST(MemcacheRequestParser, TakesConfigInAnyCase) {
  for (const char* line :
       {"config get cluster\r\n", "CONFIG get cluster\n", "Config get cluster \r\n"}) {
    EXPECT_EQ(Requests(line), std::vector<Words>({{"config", "get", "cluster"}})) << line;
  }
  EXPECT_EQ(Requests("config\r\n"), std::vector<Words>({{"config"}}));
}

TEST(MemcacheRequestParser, PutsTheBlockOfConfigSetInPlaceOfItsLength) {
  std::string_view bytes = "config set cluster 0 4\r\n1\na\n\r\nConfig set k 7 0 noreply\r\n\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(Feed(bytes, piece).requests,
              std::vector<Words>({{"config", "set", "cluster", "0", "1\na\n\r\n"},
                                  {"config", "set", "k", "7", "\r\n", "noreply"}}));
  }
}

TEST(MemcacheRequestParser, SkipsATextThatIsTooLarge) {
  std::string bytes = "config set k 0 65537\r\n" + std::string(65537, 'x') + "\r\nversion\r\n";
  EXPECT_EQ(Requests(bytes), std::vector<Words>({{"config", "set", "k", "0", ""}, {"version"}}));
}

TEST(MemcacheRequestParser, RefusesABadLineOfConfigSet) {
  for (const char* line : {"config set\r\n", "config set k 0\r\n", "config set k 0 -1\r\n",
                           "config set k x 1\r\n", "config set k 0 1 a b\r\n"}) {
    EXPECT_EQ(Requests(line), std::vector<Words>({{"!ERROR\r\n"}})) << line;
  }
}

TEST(MemcacheRequestParser, SeesNothingBehindAZeroByte) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Requests("get a\0b c\r\nversion\r\n"sv),
            std::vector<Words>({{"get", "a"}, {"version"}}));
}

TEST(MemcacheRequestParser, RefusesAnEmptyLine) {
  EXPECT_EQ(Requests("\n"), std::vector<Words>({{"!ERROR\r\n"}}));
  EXPECT_EQ(Requests("   \r\n"), std::vector<Words>({{"!ERROR\r\n"}}));
}

TEST(MemcacheRequestParser, TakesMoreWordsThanFitAtOnce) {
  std::string line = "get";
  Words words = {"get"};
  for (int i = 0; i < 100; ++i) {
    words.push_back("key" + std::to_string(i));
    line += ' ' + words.back();
  }
  EXPECT_EQ(Requests(line + "\r\n"), std::vector<Words>({words}));
}

TEST(MemcacheRequestParser, PutsTheBlockInPlaceOfItsLength) {
  EXPECT_EQ(Requests("set a 1 2 3\r\nabc\r\nget a\r\n"),
            std::vector<Words>({{"set", "a", "1", "2", "abc\r\n"}, {"get", "a"}}));
  EXPECT_EQ(Requests("cas a 1 2 0 99 noreply\r\n\r\n"),
            std::vector<Words>({{"cas", "a", "1", "2", "\r\n", "99", "noreply"}}));
  for (const char* verb : {"set", "add", "replace", "append", "prepend"}) {
    EXPECT_EQ(Requests(std::string(verb) + " a 0 0 2\r\nx\n\r\n"),
              std::vector<Words>({{verb, "a", "0", "0", "x\n\r\n"}}));
  }
}

TEST(MemcacheRequestParser, LeavesABlockThatEndsWronglyToTheCommand) {
  EXPECT_EQ(Requests("set a 0 0 3\r\nabcdeversion\r\n"),
            std::vector<Words>({{"set", "a", "0", "0", "abcde"}, {"version"}}));
}

TEST(MemcacheRequestParser, RefusesStorageLinesWithTheWrongNumberOfWords) {
  EXPECT_EQ(Requests("set a 0 0\r\n"), std::vector<Words>({{"!ERROR\r\n"}}));
  EXPECT_EQ(Requests("set a 0 0 1 noreply x\r\n"), std::vector<Words>({{"!ERROR\r\n"}}));
  EXPECT_EQ(Requests("cas a 0 0 1\r\n"), std::vector<Words>({{"!ERROR\r\n"}}));
  EXPECT_EQ(Requests("set\r\n"), std::vector<Words>({{"!ERROR\r\n"}}));
}

TEST(MemcacheRequestParser, RefusesBadNumbersAndKeysWithoutTakingABlock) {
  for (const char* line :
       {"set a x 0 1", "set a -1 0 1", "set a 0 x 1", "set a 0 0 x", "set a 0 0 -1",
        "set a 0 0 2147483646", "cas a 0 0 1 x", "set a 0 0 99999999999999999999"}) {
    EXPECT_EQ(Requests(std::string(line) + "\r\nversion\r\n"),
              std::vector<Words>({{kBadFormat}, {"version"}}))
        << line;
  }
  std::string key(kMaxKeyBytes + 1, 'k');
  EXPECT_EQ(Requests("set " + key + " 0 0 1\r\n"), std::vector<Words>({{kBadFormat}}));
}

TEST(MemcacheRequestParser, StaysSilentWhenNoReplyIsWanted) {
  EXPECT_EQ(Requests("set a x 0 1 noreply\r\n"), std::vector<Words>({{"!"}}));
  EXPECT_EQ(Requests("set a 0 0 noreply\r\n"), std::vector<Words>({{"!"}}));
}

TEST(MemcacheRequestParser, SkipsTheBlockOfAnItemThatIsTooLarge) {
  RequestLimits limits;
  limits.max_item_bytes = 1024;
  size_t most = 1024 - ItemBytes(1, 0, 0, true);
  std::string fits = "set a 0 0 " + std::to_string(most) + "\r\n" + std::string(most, 'x') + "\r\n";
  std::string large =
      "set a 0 0 " + std::to_string(most + 1) + "\r\n" + std::string(most + 1, 'x') + "\r\n";
  for (size_t piece : {size_t{1}, size_t{7}, size_t{5000}}) {
    auto requests = Feed(fits + large + "get a\r\n", piece, limits).requests;
    ASSERT_EQ(requests.size(), 3u);
    EXPECT_EQ(requests[0][4].size(), most + 2);
    EXPECT_EQ(requests[1], Words({"set", "a", "0", "0", ""}));
    EXPECT_EQ(requests[2], Words({"get", "a"}));
  }
}

TEST(MemcacheRequestParser, CountsFlagsAndCasTowardsTheSize) {
  EXPECT_EQ(ItemBytes(1, 0, 10, false) + 8, ItemBytes(1, 0, 10, true));
  EXPECT_EQ(ItemBytes(1, 0, 10, true) + 4, ItemBytes(1, 1, 10, true));
}

TEST(MemcacheRequestParser, BreaksOnALongLineUnlessItGets) {
  EXPECT_TRUE(Feed(std::string(RequestParser::kMaxLineBytes + 1, 'x'), 100).is_broken);
  EXPECT_TRUE(
      Feed(std::string(101, ' ') + "get " + std::string(RequestParser::kMaxLineBytes, 'x'), 100)
          .is_broken);
  std::string keys = "  get";
  for (int i = 0; i < 1000; ++i) keys += " key" + std::to_string(i);
  Outcome outcome = Feed(keys + "\r\n", 100);
  EXPECT_FALSE(outcome.is_broken);
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_EQ(outcome.requests[0].size(), 1001u);
}

TEST(MemcacheRequestParser, BreaksOnAWebRequest) {
  EXPECT_TRUE(Feed("POST /x HTTP/1.1\r\nset a 0 0 1\r\n", 1000).is_broken);
  EXPECT_EQ(Requests("get HTTP/1.1\r\n"), std::vector<Words>({{"get", "HTTP/1.1"}}));
}

TEST(MemcacheRequestParser, SaysHowMuchOfABlockIsMissing) {
  RequestParser parser;
  ArgumentList arguments;
  size_t consumed = 0;
  EXPECT_EQ(parser.Parse("set a 0 0 100\r\nabc", {}, &arguments, &consumed), Status::kIncomplete);
  EXPECT_EQ(parser.missing_bytes(), 99u);
}

TEST(MemcacheRequestParser, UnderstandsTheSameOneByteAtATime) {
  using namespace std::string_view_literals;
  constexpr std::string_view kSession =
      "set key:000000000001 5 0 32\r\n0123456789abcdef0123456789abcdef\r\n"
      "get key:000000000001 key:000000000002\r\ngets a\n\r\n \r\nincr n 5 noreply\r\n"
      "cas a 0 0 2 18446744073709551615\r\nxy\r\nset a b 0 1\r\nset a 0 0 9 "
      "noreply\r\n\r\n\r\n\r\n\r\nx\r\n"
      "get a\0b\r\ndelete a 0\r\nquit\r\n"sv;
  Outcome whole = Feed(kSession, kSession.size());
  EXPECT_EQ(whole.requests.size(), 12u);
  for (size_t piece : {1, 2, 3, 5, 17})
    EXPECT_EQ(Feed(kSession, piece).requests, whole.requests) << piece;
}

}  // namespace
}  // namespace kiln::memcache

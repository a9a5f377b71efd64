#include "protocol/resp/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/feed_in_pieces.h"

namespace kiln {
namespace {

using Words = std::vector<std::string>;
using Status = RequestParser::Status;

struct Outcome {
  std::vector<Words> requests;
  std::string error;
};

Outcome Feed(std::string_view bytes, size_t piece, const RequestLimits& limits = {}) {
  Outcome outcome;
  RequestParser parser;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    if (status == Status::kBroken) {
      outcome.error = parser.error();
    } else {
      outcome.requests.emplace_back(arguments.data(), arguments.data() + arguments.size());
    }
  });
  return outcome;
}

std::vector<Words> Requests(std::string_view bytes) {
  return Feed(bytes, bytes.size()).requests;
}
std::string ErrorOf(std::string_view bytes, const RequestLimits& limits = {}) {
  return Feed(bytes, bytes.size(), limits).error;
}

TEST(RequestParser, ReadsMultibulkRequests) {
  EXPECT_EQ(Requests("*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
            std::vector<Words>({{"PING"}, {"GET", "a"}}));
  EXPECT_EQ(Requests("*2\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n"), std::vector<Words>({{"", "\r\n\r\n"}}));
}

TEST(RequestParser, ReadsLengthsOfAnyNumberOfDigits) {
  for (size_t length : {0, 1, 9, 10, 99, 100, 999, 1000, 20000}) {
    std::string value(length, 'v');
    std::string request = "*2\r\n$1\r\nx\r\n$" + std::to_string(length) + "\r\n" + value + "\r\n";
    EXPECT_EQ(Requests(request + request), std::vector<Words>({{"x", value}, {"x", value}}))
        << length;
  }
  std::string many = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) many += "$1\r\na\r\n";
  EXPECT_EQ(Requests(many), std::vector<Words>({Words(1000, "a")}));
}

TEST(RequestParser, TakesAnEmptyRequestForNothing) {
  EXPECT_EQ(Requests("*0\r\n*-1\r\n*1\r\n$1\r\na\r\n"), std::vector<Words>({{}, {}, {"a"}}));
  EXPECT_EQ(Requests("\r\n  \r\nPING\r\n"), std::vector<Words>({{}, {}, {"PING"}}));
}

TEST(RequestParser, ReadsInlineRequests) {
  EXPECT_EQ(Requests("set a  b\r\nPING\n"), std::vector<Words>({{"set", "a", "b"}, {"PING"}}));
  EXPECT_EQ(Requests("set \"a b\" 'c d' \"\\x41\\n\"\r\n"),
            std::vector<Words>({{"set", "a b", "c d", "A\n"}}));
}

TEST(RequestParser, NamesWhatIsWrong) {
  struct Case {
    std::string bytes;
    std::string why;
  };
  const Case cases[] = {
      {"*x\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*+1\r\n", "invalid multibulk length"},
      {"*1\r\nfoo\r\n", "expected '$', got 'f'"},
      {"*2\r\n$1\r\na\r\nx\r\n", "expected '$', got 'x'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"\"a\r\n", "unbalanced quotes in request"},
      {"'a\r\n", "unbalanced quotes in request"},
      {"\"a\"b\r\n", "unbalanced quotes in request"},
      {"*" + std::string(RequestParser::kMaxInlineBytes, '1'), "too big mbulk count string"},
      {"*1\r\n$" + std::string(RequestParser::kMaxInlineBytes + 1, '1'),
       "too big bulk count string"},
      {std::string(RequestParser::kMaxInlineBytes + 1, 'a'), "too big inline request"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(ErrorOf(c.bytes), "ERR Protocol error: " + c.why) << c.bytes.substr(0, 60);
}

TEST(RequestParser, KeepsRequestsBeforeAnErrorThatCameInOnePiece) {
  Outcome outcome = Feed("*1\r\n$4\r\nPING\r\n*x\r\n", 1000);
  EXPECT_EQ(outcome.requests, std::vector<Words>({{"PING"}}));
  EXPECT_EQ(outcome.error, "ERR Protocol error: invalid multibulk length");
}

TEST(RequestParser, TakesLittleFromWhoHasNotAuthenticated) {
  RequestLimits limits;
  limits.authenticated = false;
  EXPECT_EQ(ErrorOf("*11\r\n", limits), "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(ErrorOf("*10\r\n$16384\r\n", limits), "");
  EXPECT_EQ(Feed("*1\r\n$4\r\nPING\r\n", 100, limits).requests, std::vector<Words>({{"PING"}}));
}

TEST(RequestParser, ObeysTheLimitOfABulk) {
  RequestLimits limits;
  limits.max_bulk_bytes = 1 << 20;
  EXPECT_EQ(ErrorOf("*1\r\n$1048576\r\n", limits), "");
  EXPECT_EQ(ErrorOf("*1\r\n$1048577\r\n", limits), "ERR Protocol error: invalid bulk length");
}

TEST(RequestParser, AllocatesNothingForSizesThatAreOnlyDeclared) {
  RequestParser parser;
  ArgumentList arguments;
  size_t consumed = 0;
  EXPECT_EQ(parser.Parse("*1000000\r\n$500000000\r\nabc", {}, &arguments, &consumed),
            Status::kIncomplete);
  EXPECT_EQ(parser.memory_bytes(), 0u);
  EXPECT_EQ(parser.missing_bytes(), 500000000u - 1);
}

TEST(RequestParser, UnderstandsTheSameOneByteAtATime) {
  std::string session =
      "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$32\r\n" + std::string(32, 'v') +
      "\r\nPING\r\n*0\r\n*1\r\n$4\r\nPING\r\nset 'a b' \"c\"\n*2\r\n$3\r\nGET\r\n$1500\r\n" +
      std::string(1500, 'k') + "\r\n*12\r\n";
  for (int i = 0; i < 12; ++i) session += "$2\r\nab\r\n";
  Outcome whole = Feed(session, session.size());
  EXPECT_EQ(whole.requests.size(), 7u);
  for (size_t piece : {1, 2, 3, 7, 100}) {
    Outcome pieces = Feed(session, piece);
    EXPECT_EQ(pieces.requests, whole.requests) << piece;
    EXPECT_EQ(pieces.error, "") << piece;
  }
}

}  // namespace
}  // namespace kiln

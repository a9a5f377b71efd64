#include "protocol/memcache/binary_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/feed_in_pieces.h"

namespace kiln::memcache {
namespace {

using Words = std::vector<std::string>;
using Status = BinaryParser::Status;

struct PacketText {
  uint8_t opcode;
  std::string extras;
  std::string key;
  std::string value;
  uint32_t opaque;

  PacketText(uint8_t opcode_in, std::string extras_in = "", std::string key_in = "",
             std::string value_in = "", uint32_t opaque_in = 0)
      : opcode(opcode_in),
        extras(std::move(extras_in)),
        key(std::move(key_in)),
        value(std::move(value_in)),
        opaque(opaque_in) {}

  std::string Text(uint32_t body_bytes) const {
    char head[kBinaryHeaderBytes] = {};
    head[0] = static_cast<char>(kBinaryRequestMagic);
    head[1] = static_cast<char>(opcode);
    PutBig16(head + 2, static_cast<uint16_t>(key.size()));
    head[4] = static_cast<char>(extras.size());
    PutBig32(head + 8, body_bytes);
    PutBig32(head + 12, opaque);
    return std::string(head, sizeof(head)) + extras + key + value;
  }
  std::string Text() const {
    return Text(static_cast<uint32_t>(extras.size() + key.size() + value.size()));
  }
};

const std::string kNoExtras(8, '\0');

// What came of some bytes: requests as name, key and value; errors as "!" and the status.
struct Outcome {
  std::vector<Words> requests;
  bool is_broken = false;
};

Outcome Feed(std::string_view bytes, size_t piece, const BinaryLimits& limits = {}) {
  Outcome outcome;
  BinaryParser parser;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    outcome.is_broken = status == Status::kBroken;
    std::string error = status == Status::kComplete ? "" : parser.error();
    if (!error.empty()) {
      auto code = static_cast<unsigned>(ReadBig16(error.data() + 6));
      outcome.requests.push_back({"!" + std::to_string(code)});
    } else if (arguments.size() == BinaryParser::kArguments) {
      std::string_view value = arguments[BinaryParser::kValue];
      outcome.requests.push_back({std::string(arguments[BinaryParser::kName]),
                                  std::string(arguments[BinaryParser::kKey]),
                                  value.data() == nullptr ? "(too large)" : std::string(value)});
    }
  });
  return outcome;
}

std::vector<Words> Requests(const std::string& bytes, const BinaryLimits& limits = {}) {
  Outcome whole = Feed(bytes, bytes.size(), limits);
  Outcome pieces = Feed(bytes, 1, limits);
  EXPECT_EQ(whole.requests, pieces.requests);
  EXPECT_EQ(whole.is_broken, pieces.is_broken);
  if (whole.is_broken) whole.requests.push_back({"(broken)"});
  return whole.requests;
}

TEST(MemcacheBinaryParser, FindsRequestsOneBehindTheOther) {
  std::string bytes = PacketText{0x00, "", "key", ""}.Text() +
                      PacketText{0x11, kNoExtras, "key", "value"}.Text() +
                      PacketText{0x01, kNoExtras, "key", ""}.Text() + PacketText{0x0a}.Text();
  EXPECT_EQ(Requests(bytes), std::vector<Words>({{"bin get", "key", ""},
                                                 {"bin set", "key", "value"},
                                                 {"bin set", "key", ""},
                                                 {"bin noop", "", ""}}));
}

TEST(MemcacheBinaryParser, BreaksWhereAPacketDoesNotBegin) {
  EXPECT_EQ(Requests("get key\r\n"), std::vector<Words>({{"(broken)"}}));
  EXPECT_EQ(Requests(PacketText{0x0a}.Text() + "x"),
            std::vector<Words>({{"bin noop", "", ""}, {"(broken)"}}));
}

TEST(MemcacheBinaryParser, BreaksWhenPartsAreLongerThanTheBody) {
  EXPECT_EQ(Requests(PacketText{0x00, "", "key", ""}.Text(2)),
            std::vector<Words>({{"!129"}, {"(broken)"}}));
  EXPECT_EQ(Requests(PacketText{0x01, kNoExtras, "key", ""}.Text(10)),
            std::vector<Words>({{"!129"}, {"(broken)"}}));
}

TEST(MemcacheBinaryParser, BreaksWhenARequestCarriesWhatItShallNot) {
  for (const PacketText& packet : std::vector<PacketText>{{0x00, "", "", ""},
                                                          {0x00, "", "key", "v"},
                                                          {0x00, "xxxx", "key", ""},
                                                          {0x01, "", "key", "v"},
                                                          {0x01, "xxxx", "key", "v"},
                                                          {0x01, kNoExtras, "", "v"},
                                                          {0x05, kNoExtras, "key", ""},
                                                          {0x08, "xx", "", ""},
                                                          {0x08, "", "key", ""},
                                                          {0x0a, "", "", "v"},
                                                          {0x0e, "xxxx", "key", "v"},
                                                          {0x1c, "", "key", ""},
                                                          {0x00, "", std::string(251, 'k'), ""}}) {
    EXPECT_EQ(Requests(packet.Text()), std::vector<Words>({{"!4"}, {"(broken)"}}))
        << int{packet.opcode};
  }
}

TEST(MemcacheBinaryParser, PassesOverWhatItDoesNotKnow) {
  std::string bytes = PacketText{0x1b, "xx", "key", "value"}.Text() + PacketText{0x0a}.Text();
  EXPECT_EQ(Requests(bytes), std::vector<Words>({{"!129"}, {"bin noop", "", ""}}));
}

TEST(MemcacheBinaryParser, SkipsTheValueOfAnItemThatIsTooLarge) {
  BinaryLimits limits;
  limits.items.max_item_bytes = 1024;
  std::string value(1024, 'v');
  std::string bytes = PacketText{0x01, kNoExtras, "key", value}.Text() + PacketText{0x0a}.Text();
  EXPECT_EQ(Requests(bytes, limits),
            std::vector<Words>({{"bin set", "key", "(too large)"}, {"bin noop", "", ""}}));
}

TEST(MemcacheBinaryParser, TakesADeclaredSizeForNothing) {
  for (uint32_t bytes : {0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(Requests(PacketText{0x01, kNoExtras, "key", "v"}.Text(bytes)),
              std::vector<Words>({{"bin set", "key", "(too large)"}}));
    EXPECT_EQ(Requests(PacketText{0x1b, "", "", ""}.Text(bytes)), std::vector<Words>({{"!129"}}));
  }
}

TEST(MemcacheBinaryParser, TakesOnlyALoginBeforeIt) {
  BinaryLimits limits;
  limits.has_login = true;
  limits.authenticated = false;
  std::string version = PacketText{0x0b}.Text();
  std::string login = PacketText{0x21, "", "PLAIN", "x"}.Text();
  EXPECT_EQ(Requests(version + login, limits),
            std::vector<Words>({{"bin version", "", ""}, {"bin sasl_start", "PLAIN", "x"}}));
  for (const PacketText& packet : std::vector<PacketText>{{0x00, "", "key", ""},
                                                          {0x01, kNoExtras, "key", "v"},
                                                          {0x0a, "", "", ""},
                                                          {0x1b, "", "", ""},
                                                          {0x08, "", "", ""}}) {
    EXPECT_EQ(Requests(packet.Text(), limits), std::vector<Words>({{"!32"}, {"(broken)"}}));
  }
}

TEST(MemcacheBinaryParser, BoundsWhatALoginSays) {
  BinaryLimits limits;
  limits.has_login = true;
  limits.authenticated = false;
  std::string version = PacketText{0x0b}.Text();
  EXPECT_EQ(
      Requests(PacketText{0x21, "", "PLAIN", std::string(2000, 'x')}.Text() + version, limits),
      std::vector<Words>({{"!130"}, {"bin version", "", ""}}));
  EXPECT_EQ(Requests(PacketText{0x21, "", std::string(33, 'M'), "x"}.Text() + version, limits),
            std::vector<Words>({{"!4"}, {"bin version", "", ""}}));
}

TEST(MemcacheBinaryParser, KnowsNoLoginWhereThereIsNone) {
  EXPECT_EQ(Requests(PacketText{0x20}.Text() + PacketText{0x21, "", "PLAIN", "x"}.Text()),
            std::vector<Words>({{"!129"}, {"!129"}}));
}

TEST(MemcacheBinaryParser, GivesTheOpaqueBackWithAnError) {
  BinaryParser parser;
  ArgumentList arguments;
  size_t consumed = 0;
  PacketText packet{0x1b, "", "", "", 0x01020304};
  EXPECT_EQ(parser.Parse(packet.Text(), {}, &arguments, &consumed), Status::kRefused);
  std::string error = parser.error();
  EXPECT_EQ(error.size(), kBinaryHeaderBytes + 15);
  EXPECT_EQ(static_cast<uint8_t>(error[0]), kBinaryReplyMagic);
  EXPECT_EQ(error[1], 0x1b);
  EXPECT_EQ(ReadBig32(error.data() + 12), 0x01020304u);
  EXPECT_TRUE(error.ends_with("Unknown command"));
}

}  // namespace
}  // namespace kiln::memcache

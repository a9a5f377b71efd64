#include "engine/replication/handshake.h"

#include <gtest/gtest.h>

#include "engine/replication/history.h"

namespace kiln {
namespace {

using Outcome = ReplicationHandshake::Outcome;

std::string WordsOf(std::string_view resp) {
  std::string words;
  size_t at = resp.find("\r\n") + 2;
  while (at < resp.size()) {
    size_t head = resp.find("\r\n", at);
    size_t length = std::stoul(std::string(resp.substr(at + 1, head - at - 1)));
    words += (words.empty() ? "" : " ") + std::string(resp.substr(head + 2, length));
    at = head + 2 + length + 2;
  }
  return words;
}

std::string After(ReplicationHandshake& handshake, std::string_view line) {
  std::string to_send;
  EXPECT_EQ(handshake.OnLine(line, &to_send), Outcome::kGoesOn) << handshake.error();
  return to_send.empty() ? "" : WordsOf(to_send);
}

TEST(ReplicationHandshake, AsksForEverythingWhereNothingIsKnown) {
  ReplicationHandshake handshake({.port = 7000});
  std::string to_send;
  EXPECT_EQ(WordsOf(handshake.Begin()), "PING");
  EXPECT_EQ(After(handshake, "+PONG"), "REPLCONF listening-port 7000");
  EXPECT_EQ(After(handshake, "+OK"), "REPLCONF capa eof capa psync2 capa kiln");
  EXPECT_EQ(After(handshake, "+OK"), "PSYNC ? -1");
  EXPECT_EQ(After(handshake, ""), "");
  std::string id = NewReplicationId();
  EXPECT_EQ(handshake.OnLine("+FULLRESYNC " + id + " 42", &to_send), Outcome::kSnapshot);
  EXPECT_EQ(handshake.history(), id);
  EXPECT_EQ(handshake.offset(), 42u);
}

TEST(ReplicationHandshake, TellsTheSecretOfItsGroupBeforeItAsksForAnything) {
  ReplicationHandshake handshake({.secret = "s3", .port = 7000});
  EXPECT_EQ(WordsOf(handshake.Begin()), "PING");
  EXPECT_EQ(After(handshake, "+PONG"), "REPLCONF kiln-secret s3");
  EXPECT_EQ(After(handshake, "-ERR Unrecognized REPLCONF option: kiln-secret"),
            "REPLCONF listening-port 7000");
}

TEST(ReplicationHandshake, LogsInAndTellsItsAddress) {
  ReplicationHandshake handshake({.user = "u", .password = "p", .port = 1, .address = "10.0.0.1"});
  (void)handshake.Begin();
  EXPECT_EQ(After(handshake, "-NOAUTH Authentication required."), "AUTH u p");
  EXPECT_EQ(After(handshake, "+OK"), "REPLCONF listening-port 1");
  EXPECT_EQ(After(handshake, "-ERR unknown"), "REPLCONF ip-address 10.0.0.1");
  EXPECT_EQ(After(handshake, "-ERR unknown"), "REPLCONF capa eof capa psync2 capa kiln");
}

TEST(ReplicationHandshake, GoesOnWhereItWas) {
  std::string old = NewReplicationId();
  std::string fresh = NewReplicationId();
  for (bool changes : {false, true}) {
    ReplicationHandshake handshake({.history = old, .offset = 99, .takes_over = changes});
    std::string to_send;
    (void)handshake.Begin();
    After(handshake, "+PONG");
    After(handshake, "+OK");
    EXPECT_EQ(After(handshake, "+OK"), "PSYNC " + old + (changes ? " 100 FAILOVER" : " 100"));
    EXPECT_EQ(handshake.OnLine(changes ? "+CONTINUE " + fresh : "+CONTINUE", &to_send),
              Outcome::kContinue);
    EXPECT_EQ(handshake.history(), changes ? fresh : old);
    EXPECT_EQ(handshake.offset(), 99u);
  }
}

TEST(ReplicationHandshake, FailsWithWhatThePrimarySaid) {
  std::string to_send;
  ReplicationHandshake loading({});
  (void)loading.Begin();
  EXPECT_EQ(loading.OnLine("-LOADING busy", &to_send), Outcome::kFailed);
  EXPECT_EQ(loading.error(), "Error reply to PING from the primary: -LOADING busy");
  ReplicationHandshake denied({.password = "p"});
  (void)denied.Begin();
  After(denied, "+PONG");
  EXPECT_EQ(denied.OnLine("-WRONGPASS no", &to_send), Outcome::kFailed);
  for (std::string line : {"+FULLRESYNC", "+FULLRESYNC x 1", "-NOMASTERLINK", "+CONTINUE", "hello",
                           "+FULLRESYNC 0123456789012345678901234567890123456789 -5"}) {
    ReplicationHandshake handshake({});
    (void)handshake.Begin();
    After(handshake, "+PONG");
    After(handshake, "+OK");
    After(handshake, "+OK");
    EXPECT_EQ(handshake.OnLine(line, &to_send), Outcome::kFailed) << line;
  }
}

}  // namespace
}  // namespace kiln
